import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { kindOf, testFiles, testKinds } from "../../scripts/files.ts";
import { allSteps, chosenSteps, kernelSteps, unitStep } from "../../scripts/plan.ts";
import type { Step } from "../../scripts/steps.ts";

const filesOf = (argv: readonly string[]) => argv.filter((word) => word.endsWith(".test.ts"));

describe("kindOf", () => {
  it("goes by the name of the file", () => {
    deepEqual(
      ["a.test.ts", "a.kernel.test.ts", "a.guest.test.ts", "x/a.kube.test.ts"].map(kindOf),
      [...testKinds],
    );
  });
});

describe("the steps", () => {
  it("have names of their own", () => {
    const names = allSteps().map(({ name }) => name);
    equal(new Set(names).size, names.length);
  });

  it("run every kernel test once", () => {
    const isRest = (env: Step["env"]) => /^([2-9]|\d\d)/.test(env?.["NETLOOM_SHARE"] ?? "1/1");
    const run = kernelSteps().flatMap(({ argv, env }) => (isRest(env) ? [] : filesOf(argv)));
    deepEqual(run.sort(), testFiles("kernel"));
  });

  it("do every share of a sweep", () => {
    const shares = kernelSteps().flatMap(({ argv, env }) =>
      argv.includes("test/faults/kill.kernel.test.ts") ? [env?.["NETLOOM_SHARE"]] : [],
    );
    deepEqual(shares, ["1/7", "2/7", "3/7", "4/7", "5/7", "6/7", "7/7"]);
  });

  it("run nothing that is built before it is", () => {
    const [early, late] = [false, true].map((waits) =>
      allSteps().flatMap(({ name, needs = [] }) => (needs.length > 0 === waits ? [name] : [])),
    );
    equal(
      early?.filter((name) => /kernel|conformance|node$/.test(name)).join(),
      "build of a Kubernetes node",
    );
    ok(late?.includes("guest kernel") && late.includes("Kubernetes node"));
  });

  it("run this file without root", () => {
    ok(unitStep().argv.includes("test/scripts/plan.test.ts"));
  });
});

describe("chosenSteps", () => {
  it("takes a file, a folder and the beginning of a step's name", () => {
    const [types, ...rest] = chosenSteps(["test/scripts/plan.test.ts", "types of shipped"]);
    equal(types?.name, "types of shipped code");
    deepEqual(
      rest.map(({ name, argv }) => [name, filesOf(argv)]),
      [["unit tests", ["test/scripts/plan.test.ts"]]],
    );
    const kinds = chosenSteps(["test/plugins/bridge"]).map(({ name }) => name);
    deepEqual(kinds.sort(), ["guest kernel", "kernel tests", "unit tests"]);
  });

  it("refuses what is neither", () => {
    throws(() => chosenSteps(["no/such"]), {
      message: 'neither a test file nor the name of a step: "no/such"',
    });
  });
});

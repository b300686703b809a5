/**
 * Which steps there are. A new kind of test joins `npm test` by a line in here.
 * @module
 */
import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join, relative, resolve } from "node:path";
import { kindOf, type TestKind, testFiles, testKinds } from "./files.ts";
import { peers, root } from "./place.ts";
import type { Step } from "./steps.ts";

const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** Part of a whole run alone: where some tests were named, the programs are built before. */
const programsBuild: Step = {
  name: "build of the programs",
  argv: [process.execPath, "--import", "tsx", "scripts/build.ts"],
  counts: "status",
  timeoutMs: 30 * 60_000,
};
/** What runs them. */
const built = { needs: [programsBuild.name] };

/** Format, lint, types and copies: for each one a step that passes or fails as a whole. */
export const staticSteps: readonly Step[] = [
  {
    name: "format and lint",
    argv: [bin("biome"), "ci", "--error-on-warnings", "--colors=off"],
    counts: "status",
  },
  { name: "types of shipped code", argv: [bin("tsc")], counts: "status" },
  { name: "types of tests and scripts", argv: [bin("tsc"), "-p", "test"], counts: "status" },
  { name: "duplicated code", argv: [bin("jscpd"), "."], counts: "status" },
];

/** What mocha's own command starts in a second process. */
const mocha = [
  process.execPath,
  "--import",
  "tsx",
  join(root, "node_modules/mocha/lib/cli/cli.js"),
] as const;

/** One mocha process over those files. */
export function mochaStep(name: string, files: readonly string[], more: Partial<Step> = {}): Step {
  return { name, argv: [...mocha, ...files], counts: "report", ...more };
}

/** A TypeScript program that counts as mocha's reporter does. */
function programStep(name: string, words: readonly string[], more: Partial<Step> = {}): Step {
  return { name, argv: [bin("tsx"), ...words], counts: "report", ...more };
}

/** Tests that need neither root nor a build. */
export function unitStep(): Step {
  return mochaStep("unit tests", testFiles("unit"));
}

/**
 * Folders whose kernel tests are a process of their own, those that last longest first, so that all places are busy to
 * the end. A file belongs to the first folder that it lies in.
 */
const kernelFolders = [
  "test/faults",
  "test/dhcp-proxy",
  "test/plugins/firewall",
  "test/plugins/reference",
  "test/plugins/bridge",
  "test/plugins/portmap",
  "test/plugins",
  "conformance",
  "test/core",
  "test/ipam",
  "test/runtime",
  "test",
];
/** Each file in here lasts long enough for a process of its own. */
const longFiles = "test/faults";
/** And these, which go over all programs, for several: each does its share. As many as a program has entries would sort them by verb. */
const sweeps: Readonly<Record<string, number>> = {
  "test/faults/kill.kernel.test.ts": 7,
  "test/faults/failing-calls.kernel.test.ts": 7,
};

/** Tests of the built programs on the machine's own kernel. */
export function kernelSteps(): Step[] {
  const files = testFiles("kernel");
  const folderOf = (file: string) => kernelFolders.find((folder) => file.startsWith(`${folder}/`));
  return kernelFolders.flatMap((folder) => {
    const mine = files.filter((file) => folderOf(file) === folder);
    if (folder === longFiles) return mine.flatMap(longSteps);
    return mine.length === 0 ? [] : [mochaStep(`kernel tests of ${folder}`, mine, built)];
  });
}

function longSteps(file: string): Step[] {
  const name = `kernel tests of ${file.replace(/\.kernel\.test\.ts$/, "")}`;
  const parts = sweeps[file];
  if (parts === undefined) return [mochaStep(name, [file], built)];
  const timeoutMs = 30 * 60_000; // a machine with other work takes three times as long
  return Array.from({ length: parts }, (_, index) => {
    const share = `${index + 1}/${parts}`;
    return mochaStep(`${name}, ${share}`, [file], {
      ...built,
      env: { NETLOOM_SHARE: share },
      timeoutMs,
    });
  });
}

/** Tests in Debian's stock kernel. */
function guestStep(files: readonly string[] = []): Step {
  const timeoutMs = 40 * 60_000; // the guest has a bound of its own, and then tells where it was
  return programStep("guest kernel", ["test/guest/main.ts", ...files], { ...built, timeoutMs });
}

/**
 * What is asked in the guest of kinds of links that this kernel has not: bridge's VLANs, and of each program that its ADD, DEL and CHECK
 * do what they should. The rest of the lines are about steps that all programs share.
 */
const inGuest = [
  "U-",
  ...["042", "046", "047", "050", "051", "054", "057", "064"].map((line) => `SPEC-${line}`),
];

/** The runner over our build, the reference and Debian's; in the guest what this kernel has not. */
function conformanceStep(): Step {
  const others = [peers, "/usr/lib/cni"].filter((folder) => existsSync(folder));
  const against = others.flatMap((folder) => ["--against", folder]);
  const guest = inGuest.flatMap((pattern) => ["--guest", pattern]);
  const jobs = availableParallelism() + 1; // it lasts longest: a larger share of the processors
  const argv = ["conformance/main.ts", "--jobs", String(jobs), ...guest, ...against];
  return programStep("conformance", argv, { ...built, places: jobs, timeoutMs: 60 * 60_000 });
}

const kubeBuild: Step = {
  name: "build of a Kubernetes node",
  argv: [process.execPath, "scripts/kube/build.mjs"],
  counts: "status",
  beside: true, // seven minutes of processor time, and the longest chain starts with it
  timeoutMs: 60 * 60_000,
};

function kubeStep(files: readonly string[] = testFiles("kube")): Step {
  return mochaStep("Kubernetes node", files, { ...built, after: [kubeBuild.name], beside: true });
}

/** Everything, in the order in which it is started. */
export function allSteps(): Step[] {
  const kube = testFiles("kube").length === 0 ? [] : [kubeBuild, kubeStep()];
  const unbuilt = [programsBuild, unitStep(), ...staticSteps];
  return [...kube, ...unbuilt, conformanceStep(), guestStep(), ...kernelSteps()];
}

/**
 * The steps for what is named: test files, folders of them, or the beginnings of steps' names.
 * @throws {Error} a word is none of these
 */
export function chosenSteps(words: readonly string[]): Step[] {
  const chosen = new Map<TestKind, string[]>();
  const steps = words.flatMap((word) => {
    const path = relative(root, resolve(word));
    const files = testFiles(...testKinds).filter((file) => `${file}/`.startsWith(`${path}/`));
    for (const file of files) chosen.set(kindOf(file), [...(chosen.get(kindOf(file)) ?? []), file]);
    const named = allSteps().filter(({ name }) => name.startsWith(word));
    if (files.length + named.length > 0) return named;
    throw new Error(`neither a test file nor the name of a step: "${word}"`);
  });
  return [
    ...new Map([...steps, ...stepsOfFiles(chosen)].map((each) => [each.name, each])).values(),
  ];
}

function stepsOfFiles(chosen: ReadonlyMap<TestKind, string[]>): Step[] {
  return [...chosen].flatMap(([kind, files]) => {
    if (kind === "guest") return [guestStep(files)];
    if (kind === "kube") return [kubeBuild, kubeStep(files)];
    return [mochaStep(`${kind} tests`, files)];
  });
}

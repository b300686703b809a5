/**
 * That the runner can fail: programs that do one thing wrong are caught, each by the case that asks for that thing.
 */
import { equal, match } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../scripts/place.ts";
import { describeKernel } from "../test/kernel/requirements.ts";
import { builtPrograms } from "../test/kernel/sandbox.ts";
import { controls, makeControl } from "./controls.ts";
import type { Verdict } from "./runner/verdict.ts";

describeKernel("the runner and programs that are wrong", function () {
  this.timeout(300_000);
  let folder: string;
  let verdicts: Verdict[];
  let status: number | null;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "netloom-controls-"));
    const against = controls.flatMap((control) => [
      "--against",
      `${control.name}=${makeControl(control, builtPrograms, folder)}`,
    ]);
    const only = controls.flatMap(({ caughtBy }) => ["--only", caughtBy]);
    const json = join(folder, "verdicts.json");
    const argv = ["--import", "tsx", "conformance/main.ts", ...only, ...against, "--json", json];
    const { NETLOOM_COUNTS: _, ...env } = process.env;
    ({ status } = spawnSync(process.execPath, argv, { cwd: root, stdio: "ignore", env }));
    verdicts = JSON.parse(readFileSync(json, "utf8"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const of = (subject: string, key: string) =>
    verdicts.find((verdict) => verdict.subject === subject && verdict.key === key);

  for (const { name, caughtBy, saying } of controls) {
    it(`catches: ${name}`, () => {
      const verdict = of(name, caughtBy);
      equal(verdict?.status, "fail", `${caughtBy} did not fail`);
      match(verdict?.reason ?? "", saying);
    });
  }

  it("passes the good programs in the same cases", () => {
    for (const { caughtBy } of controls) equal(of("netloom", caughtBy)?.status, "pass", caughtBy);
  });

  it("ends with an exit status that says so", () => {
    equal(status, 1);
  });
});

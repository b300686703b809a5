/**
 * What a built program may weigh. Times are judged in bench/README.md, as ratios of one run, and not by a test.
 */
import { ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { launchProgram } from "../bench/host.ts";
import { programs } from "../scripts/place.ts";
import { describeKernel } from "./kernel/requirements.ts";
import { builtPrograms } from "./kernel/sandbox.ts";

/** Keeps files from growing unseen. The aim is 2 MB, which is missed: see bench/README.md. */
const bytes = 3.75e6;
const kib = 6 * 1024;

/** Peak memory of VERSION, in KiB. */
function peakKib(program: string): number {
  const argv = ["versions", "5", '{"cniVersion":"1.0.0"}', program];
  const { status, stdout, stderr } = spawnSync(launchProgram(), argv, { encoding: "utf8" });
  ok(status === 0, stderr);
  return Number.parseInt(stdout, 10);
}

describeKernel("each built program", () => {
  for (const { type } of programs()) {
    const path = join(builtPrograms, type);

    it(`${type} is a file of at most ${bytes / 1e6} MB`, () => {
      const { size } = statSync(path);
      ok(size <= bytes, `${size} bytes`);
    });

    it(`${type} answers VERSION within ${kib / 1024} MiB`, () => {
      const peak = peakKib(path);
      ok(peak > 0 && peak <= kib, `${peak} KiB`);
    });
  }
});

/**
 * What a built program may cost. Times hold on one machine in one run, so they are compared with another program's there;
 * the least of many is compared, since other work on the machine only adds. bench/README.md has the exact figures.
 */
import { ok } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import { join } from "node:path";
import { launchProgram } from "../bench/host.ts";
import { programs } from "../scripts/place.ts";
import { describeKernel } from "./kernel/requirements.ts";
import { builtPrograms } from "./kernel/sandbox.ts";

const rounds = 200;
/** Keeps files from growing unseen. The aim is 2 MB, which is missed: see bench/README.md. */
const bytes = 4e6;
/** What the noise of a busy machine may add to the least of that many. */
const noise = 1.25;

/** Peak KiB and least milliseconds of VERSION, of each program in turn. */
function versions(...paths: string[]): { peakKib: number; ms: number }[] {
  const argv = ["versions", String(rounds), '{"cniVersion":"1.0.0"}', ...paths];
  const { status, stdout, stderr } = spawnSync(launchProgram(), argv, { encoding: "utf8" });
  ok(status === 0, stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => {
      const [peakKib = 0, ...microseconds] = line.split(" ").map(Number);
      return { peakKib, ms: Math.min(...microseconds) / 1000 };
    });
}

describeKernel("each built program", () => {
  for (const { type } of programs()) {
    const path = join(builtPrograms, type);

    it(`${type} is a file of at most ${bytes / 1e6} MB`, () => {
      const { size } = statSync(path);
      ok(size <= bytes, `${size} bytes`);
    });

    it(`${type} answers VERSION within 6 MiB and no slower than /usr/bin/true ends`, () => {
      const [ours, nothing] = versions(path, "/usr/bin/true");
      ok(ours !== undefined && nothing !== undefined);
      ok(ours.peakKib <= 6 * 1024, `${ours.peakKib} KiB`);
      ok(ours.ms <= nothing.ms * noise, `${ours.ms} ms, /usr/bin/true ${nothing.ms} ms`);
    });
  }
});

import { equal, ok } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildPrograms } from "../../scripts/build.ts";
import { hostProgram } from "../../scripts/host.ts";
import { daemons, programs, root } from "../../scripts/place.ts";
import { train } from "../../scripts/train.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { builtPrograms } from "../kernel/sandbox.ts";

describeKernel("buildPrograms", () => {
  it("leaves one program for each folder with a main.ts, and nothing else", () => {
    const types = [...programs(), ...daemons()].map(({ type }) => type);
    equal(readdirSync(builtPrograms).sort().join(), types.sort().join());
  });

  it("makes nothing again that has not changed", async () => {
    await buildPrograms(["static"]);
    equal((await buildPrograms(["static"])).length, 0);
  });

  it("refuses a program that is not there", async () => {
    await buildPrograms(["none"]).then(
      () => ok(false),
      (error: Error) => equal(error.message, 'build: no program is called "none"'),
    );
  });

  it("makes the same bytes again, with another training", async () => {
    const folder = mkdtempSync(join(tmpdir(), "netloom-test-"));
    const [again, work] = [join(folder, "static"), join(root, "dist", "work")];
    const host = (...args: string[]) => execFileSync(hostProgram(), args);
    const [bytecode, hot] = [join(folder, "bc"), join(folder, "hot")];
    try {
      host("compile", join(work, "static.js"), bytecode);
      const spread = async (out: string) => void host("spread", bytecode, out);
      writeFileSync(hot, await train("static", join(folder, "training"), spread));
      host("image", bytecode, again, join(work, "static.lines"), hot);
      ok(readFileSync(again).equals(readFileSync(join(builtPrograms, "static"))));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}, ["cargo", "musl-gcc"]);

import { equal, notEqual } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compileC } from "./compile.ts";
import { describeKernel } from "./requirements.ts";

describeKernel("compileC", () => {
  it("compiles anew when a file that is included, or one that that includes, has changed", () => {
    const folder = mkdtempSync(join(tmpdir(), "netloom-compile-"));
    const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
    const source = join(folder, "program.c");
    write("program.c", '#include "a.h"\nint main(void) { return NUMBER; }\n');
    write("a.h", '#include "b.h"\n');
    const programs = [3, 4, 4].map((number) => {
      write("b.h", `#define NUMBER ${number}\n`);
      return compileC(source);
    });
    const statusOf = (program: string) =>
      execFileSync("sh", ["-c", '"$0"; echo $?', program], { encoding: "utf8" }).trim();
    equal(programs[1], programs[2]);
    notEqual(programs[0], programs[1]);
    equal(programs.map(statusOf).join(), "3,4,4");
    for (const program of new Set(programs)) rmSync(program);
    rmSync(folder, { recursive: true });
  });
});

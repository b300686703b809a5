import { deepEqual, equal, throws } from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspectBuild, speaks } from "../../conformance/runner/build.ts";

const reply = '{"cniVersion":"1.1.0","supportedVersions":["0.4.0","1.1.0"]}';

describe("inspectBuild", () => {
  let folder: string;
  const put = (name: string, script: string, mode = 0o755) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), mode);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "netloom-build-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("finds what answers VERSION, and clients by their name", () => {
    put("noop", `echo '${reply}'`);
    put("other", "echo usage >&2; exit 1");
    put("README", `echo '${reply}'`, 0o644);
    put("cnitool", "exit 1");
    const build = inspectBuild(folder, "x");
    deepEqual(build.programs, { cnitool: [], noop: ["0.4.0", "1.1.0"] });
    equal(speaks(build, "cnitool"), true);
    equal(speaks(build, "cnitool", "1.1.0"), false);
    equal(speaks(build, "noop", "0.3.1"), false);
  });

  it("refuses a folder without programs", () => {
    put("other", "exit 1");
    throws(() => inspectBuild(folder), { message: `no CNI program in ${folder}` });
  });
});

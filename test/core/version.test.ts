import { equal } from "node:assert/strict";
import { readFileSync } from "node:fs";

import { programVersion } from "../../core/version.ts";

describe("programVersion", () => {
  it("is the package's", () => {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    equal(programVersion, JSON.parse(text).version);
  });
});

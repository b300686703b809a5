import { deepEqual, equal, match } from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { type Bundle, bundle } from "../../scripts/bundle.ts";
import { root, version } from "../../scripts/place.ts";

const source = `import { during } from "../../../core/errors.ts";
declare const NETLOOM_VERSION: string;

Object.assign(globalThis, {
  main() {
    using _ = { [Symbol.dispose]() {} };
    during("say the version", () => console.error(NETLOOM_VERSION));
  },
});
`;

describe("bundle", () => {
  let folder: string;
  let built: Bundle;

  before(async () => {
    mkdirSync(join(root, "dist", "work"), { recursive: true });
    folder = mkdtempSync(join(root, "dist", "work", "test-"));
    writeFileSync(join(folder, "main.ts"), source);
    built = await bundle({ type: "probe", folder: relative(root, folder) });
  });
  after(() => rmSync(folder, { recursive: true }));

  it("is one module without imports", () => {
    equal(/^\s*import /m.test(built.code), false);
  });

  it("lowers what the engine does not know", () => {
    equal(/^\s*using /m.test(built.code), false);
  });

  it("carries the version of package.json", () => {
    match(built.code, new RegExp(`console\\.error\\("${version}"\\)`));
  });

  it("has one line in the table for each of its lines", () => {
    equal(built.lines.split("\n").length, built.code.split("\n").length);
  });

  it("tells the file where it begins and the line of every statement", () => {
    const table = built.lines.split("\n");
    const code = built.code.split("\n");
    const first = code.findIndex((line) => line.trim().startsWith("Object.assign(globalThis"));
    equal(table[first], `${relative(root, folder)}/main.ts:4`);
    equal(table[code.findIndex((line) => line.includes("say the version"))], ":7");
  });

  it("names no folder of the machine", () => {
    equal(built.code.includes(root) || built.lines.includes(root), false);
  });

  it("is the same the second time", async () => {
    deepEqual(await bundle({ type: "probe", folder: relative(root, folder) }), built);
  });
});

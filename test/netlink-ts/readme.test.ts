import { equal } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { transformSync } from "esbuild";

const root = new URL("../../", import.meta.url);

describe("netlink-ts/README.md", () => {
  it("has an example that prints what it says", () => {
    const text = readFileSync(new URL("netlink-ts/README.md", root), "utf8");
    const [, example = "", output = ""] =
      /```ts\n(.*?)```\n\nprints\n\n```\n(.*?)```/s.exec(text) ?? [];
    const { code } = transformSync(example, { loader: "ts" });
    const args = ["--import", "tsx", "--input-type=module", "--eval", code];
    const run = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    equal(run.stderr, "");
    equal(run.stdout, output);
  });
});

/**
 * Rules of CONTRIBUTING.md that neither the formatter, the linter nor the types can check.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../scripts/place.ts";

const ignored = new Set(["node_modules", "target", "dist", ".cache", ".git"]);

/** Files of the repository below the folder, by ending. */
function files(folder: string, ending: string): string[] {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (ignored.has(entry.name)) return [];
    if (entry.isDirectory()) return files(path, ending);
    return entry.name.endsWith(ending) ? [path] : [];
  });
}

function read(path: string): string {
  return readFileSync(join(root, path), "utf8");
}

/** `path:line` of every line for which the rule is broken; the rule sees the lines before it too. */
function offences(
  paths: string[],
  isBroken: (line: string, before: string[]) => boolean,
): string[] {
  return paths.flatMap((path) => {
    const lines = read(path).split("\n");
    const broken = lines.flatMap((line, index) =>
      isBroken(line, lines.slice(0, index)) ? [`${path}:${index + 1}`] : [],
    );
    return broken;
  });
}

const shipped = ["netlink-ts", "core", "plugins", "ipam", "dhcp-proxy"].flatMap((folder) =>
  files(folder, ".ts"),
);
const typescript = files(".", ".ts");
const rust = files("runtime", ".rs");

describe("shipped TypeScript", () => {
  it("documents every export", () => {
    const isExport =
      /^export (declare |abstract |async )*(function|const|class|interface|type|enum) (\w+)/;
    // a kernel constant is documented by its header, the type of a description by the description
    const speaksForItself = /^export (const [A-Z][A-Z0-9_]+ =|type .*\btypeof )/;
    const overload = /^(export function .*|\): .*);$/;
    const oneLine = /^export const .*;$/; // several in a row share the words above the first
    const undocumented = (line: string, before: string[]) => {
      if (!isExport.test(line) || speaksForItself.test(line)) return false;
      const above = before.filter((text) => !text.startsWith("// biome-ignore")).at(-1) ?? "";
      const isInGroup = oneLine.test(line) && oneLine.test(above);
      return !above.endsWith("*/") && !overload.test(above) && !isInGroup;
    };
    deepEqual(offences(shipped, undocumented), []);
  });

  it("says what each file is for, unless it holds one thing", () => {
    const starts = shipped.filter(
      (path) => !/^(\/\*\*|import |export |const |runPlugin|\/\/)/.test(read(path)),
    );
    deepEqual(starts, []);
  });

  it("drops no error in silence", () => {
    const empty = shipped.filter((path) => /catch\s*(\([^)]*\))?\s*\{\s*\}/.test(read(path)));
    deepEqual(empty, []);
  });
});

describe("the sources", () => {
  it("hold no unfinished business", () => {
    const words = /\b(TO[D]O|FIX[M]E|XX[X])\b/;
    deepEqual(
      offences([...typescript, ...rust], (line) => words.test(line)),
      [],
    );
  });

  it("give a reason for every unsafe block", () => {
    const isBroken = (line: string, before: string[]) => {
      if (!/\bunsafe\s*(\{|impl\b)/.test(line) || /^\s*\/\//.test(line)) return false;
      return !before
        .slice(-12)
        .concat(line)
        .some((text) => text.includes("SAFETY:"));
    };
    deepEqual(offences(rust, isBroken), []);
  });
});

describe("dependencies", () => {
  const manifests = ["package.json", "netlink-ts/package.json"].map((path) =>
    JSON.parse(read(path)),
  );

  it("are pinned to one version", () => {
    const loose = manifests.flatMap((manifest) =>
      Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
        ([, version]) => !/^\d+\.\d+\.\d+$/.test(String(version)),
      ),
    );
    deepEqual(loose, []);
  });

  it("are locked without the address of a registry", () => {
    equal(/"resolved": "https?:/.test(read("package-lock.json")), false);
  });

  it("of netlink-ts are none", () => {
    equal(manifests[1].dependencies, undefined);
  });
});

describe("scripts/packages.txt", () => {
  it("names one Debian package a line, sorted", () => {
    const names = read("scripts/packages.txt").trimEnd().split("\n");
    deepEqual(names, [...new Set(names)].sort());
    deepEqual(
      names.filter((name) => !/^[a-z0-9][a-z0-9+.-]+$/.test(name)),
      [],
    );
  });
});

describe("commit messages", () => {
  it("carry no trailers", function () {
    if (!existsSync(join(root, ".git"))) return this.skip();
    const log = execFileSync("git", ["log", "--format=%B"], { cwd: root, encoding: "utf8" });
    equal(/^(co-authored-by|signed-off-by|generated[- ]by):/im.test(log), false);
  });
});

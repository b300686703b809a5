/**
 * The arrows between folders: who may import whom. One row of `layers` is one row of the table in CONTRIBUTING.md.
 * @module
 */
import { deepEqual, ok } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { root } from "../scripts/place.ts";

/** Shipped folders and what their files may import, besides their own folder and npm's packages where `npm` says so. */
const layers: { folder: RegExp; may: readonly string[]; npm: boolean }[] = [
  { folder: /^netlink-ts\//, may: ["netlink-ts/"], npm: false },
  { folder: /^core\//, may: ["core/", "netlink-ts/"], npm: true },
  { folder: /^(plugins|ipam)\/[^/]+\//, may: ["core/", "netlink-ts/"], npm: true },
  { folder: /^dhcp-proxy\//, may: ["core/", "netlink-ts/"], npm: true },
];

interface Import {
  from: string;
  /** As written. */
  specifier: string;
  /** Path from the root; `undefined` for an npm package. */
  to: string | undefined;
}

function sourceFiles(folder: string, ending = ".ts"): string[] {
  if (!existsSync(join(root, folder))) return [];
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(ending)).map((name) => join(folder, name));
}

const shipped = ["netlink-ts", "core", "plugins", "ipam", "dhcp-proxy"].flatMap((folder) =>
  sourceFiles(folder),
);

function resolved(from: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return normalize(join(dirname(from), specifier));
  return specifier.startsWith("netlink-ts") ? specifier : undefined;
}

function importsOf(from: string): Import[] {
  const text = readFileSync(join(root, from), "utf8").replace(/\/\*[\s\S]*?\*\//g, "");
  const found = text.matchAll(
    /^(?:import|export)\b(?:[^;"'`]*?\bfrom)?\s*["']([^"']+)["']|\bimport\("([^"]+)"\)/gm,
  );
  return [...found].map(([, plain, dynamic]) => {
    const specifier = plain ?? dynamic ?? "";
    return { from, specifier, to: resolved(from, specifier) };
  });
}

const allImports = shipped.flatMap(importsOf);
const dependencies = Object.keys(
  JSON.parse(readFileSync(join(root, "package.json"), "utf8")).dependencies,
);

function isAllowed({ from, specifier, to }: Import): boolean {
  const layer = layers.find(({ folder }) => folder.test(from));
  if (layer === undefined) return false;
  const own = layer.folder.exec(from)?.[0] ?? "";
  if (to !== undefined) return [own, ...layer.may].some((folder) => to.startsWith(folder));
  return (
    layer.npm && dependencies.some((name) => specifier === name || specifier.startsWith(`${name}/`))
  );
}

const row = ({ from, specifier }: Import) => `${from} imports ${specifier}`;

/** A chain of imports that comes back to where it began, or `undefined`. */
function findCycle(graph: Map<string, string[]>): string[] | undefined {
  const finished = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (finished.has(file)) return undefined;
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

const hostFolder = "runtime/src";
const hostFiles = sourceFiles(hostFolder, ".rs").filter((file) => !file.endsWith("/lib.rs"));

/** The file of a module, by its path from the crate's root; `undefined` for what is none. */
function hostFileOf(module: string): string | undefined {
  const places = [`${hostFolder}/${module}.rs`, `${hostFolder}/${module}/mod.rs`];
  return places.find((place) => hostFiles.includes(place));
}

/** Files of the host that a file of it names: by `crate::a`, `crate::{a, b::c}`, `super::a`, and, for a folder's own file, `mod a`. */
function usedByHostFile(file: string): string[] {
  const text = readFileSync(join(root, file), "utf8").replace(/\/\/.*/g, "");
  const folder = basename(dirname(file));
  const inCrate = [...text.matchAll(/\bcrate::(?:\{([^}]*)\}|(\w+))/g)].flatMap(
    ([, group, one]) => group?.split(",").map((each) => each.trim().split("::")[0]!) ?? one!,
  );
  const beside = [...text.matchAll(/\b(?:super::|^(?:pub )?mod )(\w+)/gm)].map(
    ([, name]) => `${folder}/${name}`,
  );
  return [...inCrate, ...beside].flatMap((module) => hostFileOf(module) ?? []);
}

describe("the layers", () => {
  it("import downwards only, and npm packages that package.json names", () => {
    deepEqual(allImports.filter((found) => !isAllowed(found)).map(row), []);
  });

  it("name netlink-ts as a package from outside of it", () => {
    const wrong = ({ from, specifier, to }: Import) =>
      !from.startsWith("netlink-ts/") && to?.startsWith("netlink-ts/") && specifier.startsWith(".");
    deepEqual(allImports.filter(wrong).map(row), []);
  });

  it("have no cycle", () => {
    ok(allImports.length > 1000, "files import each other");
    const graph = new Map<string, string[]>();
    for (const { from, to } of allImports) {
      if (to !== undefined) graph.set(from, [...(graph.get(from) ?? []), to]);
    }
    deepEqual(findCycle(graph), undefined);
  });

  it("have no cycle in the host either", () => {
    const graph = new Map(hostFiles.map((file) => [file, usedByHostFile(file)]));
    ok([...graph.values()].flat().length > 100, "the host's files use each other");
    deepEqual(findCycle(graph), undefined);
  });

  it("reach the host through core/host.ts alone", () => {
    const names = shipped.filter((file) =>
      /\bnetloomHost\b/.test(
        readFileSync(join(root, file), "utf8").replace(/\/\*[\s\S]*?\*\//g, ""),
      ),
    );
    deepEqual(names, ["core/host.ts"]);
  });

  it("ship no code that imports what is for tests", () => {
    const wrong = ({ from, to }: Import) =>
      /(^|\/)(testing|test)\//.test(to ?? "") && !from.startsWith("netlink-ts/testing/");
    deepEqual(allImports.filter(wrong).map(row), []);
  });

  it("have no folder or file without a meaning in its name", () => {
    const meaningless = /^(utils?|helpers?|common|types?|misc|lib)(\.ts)?$/;
    const wrong = shipped.filter(
      (file) =>
        file.split("/").some((part) => meaningless.test(part)) ||
        (basename(file) === "index.ts" && file !== "netlink-ts/index.ts"),
    );
    deepEqual(wrong, []);
  });

  it("act when a program runs, not when a file is imported: only main.ts calls runPlugin", () => {
    const callers = shipped.filter((file) =>
      /^runPlugin\(/m.test(readFileSync(join(root, file), "utf8")),
    );
    deepEqual(
      callers.filter((file) => basename(file) !== "main.ts"),
      [],
    );
  });
});

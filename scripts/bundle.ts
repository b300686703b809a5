/**
 * A program's TypeScript as one function that is called, and where each of its lines came from.
 * @module
 */
import { SourceMap, type SourceMapPayload } from "node:module";
import { join, relative } from "node:path";
import { build } from "esbuild";
import { type Program, root, version } from "./place.ts";

/** One program, ready for the host's compiler. */
export interface Bundle {
  /** An ES module that consists of the call. */
  code: string;
  /** One line of text per line of `code`: `core/cni/skeleton.ts:42`; `:43` in the same file; or empty. */
  lines: string;
}

/** Bundles a program's `main.ts`. The same sources give the same bytes, wherever the repository lies. */
export async function bundle(program: Program): Promise<Bundle> {
  const outfile = join(root, "dist", `${program.type}.js`);
  const built = await build({
    absWorkingDir: root,
    entryPoints: [join(program.folder, "main.ts")],
    outfile,
    write: false,
    bundle: true,
    format: "iife", // a module keeps all its variables for good, a function only what something still uses
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    sourcemap: "external",
    sourcesContent: false,
    define: { NETLOOM_VERSION: JSON.stringify(version) },
    logLevel: "warning",
  });
  const [map, module] = built.outputFiles;
  if (map === undefined || module === undefined)
    throw new Error(`bundle ${program.type}: no output`);
  return { code: module.text, lines: lineTable(module.text, JSON.parse(map.text), outfile) };
}

/** Turns a source map into one line of text per line of the bundle; a file is named where it begins. */
export function lineTable(code: string, payload: SourceMapPayload, outfile: string): string {
  const map = new SourceMap(payload);
  let named: string | undefined;
  const lines = code.split("\n").map((line, number) => {
    const entry = map.findEntry(number, line.search(/\S|$/));
    if (!("originalSource" in entry) || entry.generatedLine !== number) return "";
    const source = relative(root, join(outfile, "..", entry.originalSource));
    const file = source === named ? "" : source.replace("node_modules/", "");
    named = source;
    return `${file}:${entry.originalLine + 1}`;
  });
  return lines.join("\n");
}

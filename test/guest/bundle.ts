/**
 * A program for the guest as one file: Node starts slowly in there, and would compile TypeScript slower still.
 * @module
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { root } from "../../scripts/place.ts";
import { eventsFile } from "./events.ts";

/** Files know where they lie, as without a bundle. */
const places: Plugin = {
  name: "places",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const known: [string, string][] = [
        ["import.meta.filename", path],
        ["import.meta.dirname", dirname(path)],
        ["import.meta.url", pathToFileURL(path).href],
      ];
      const contents = known.reduce(
        (done, [name, value]) => done.replaceAll(name, JSON.stringify(value)),
        text,
      );
      return { contents, loader: "ts" };
    });
  },
};

/** What packages of the older module format find in Node. */
const banner = `import { createRequire as requireHere } from "node:module";
const require = requireHere(${JSON.stringify(join(root, "package.json"))});
const [__filename, __dirname] = ["", ""];`;

/**
 * Bundles a program with all it imports.
 * @param contents its text; it imports with paths from the root
 * @param name of the file, in the results folder
 * @returns the arguments to start it with, Node first
 */
export async function bundleProgram(
  contents: string,
  name: string,
  results: string,
): Promise<string[]> {
  const outfile = join(results, `${name}.mjs`);
  await build({
    stdin: { contents, resolveDir: root, sourcefile: `${name}.ts`, loader: "ts" },
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: true,
    sourcesContent: false,
    banner: { js: banner },
    plugins: [places],
    logLevel: "error",
  });
  return [process.execPath, "--enable-source-maps", outfile];
}

/** {@link bundleProgram} for test files, given from the root. @param only which tests, by their full title */
export function bundleTests(
  files: readonly string[],
  results: string,
  only: string | undefined,
): Promise<string[]> {
  const loads = files.map((file) => `${JSON.stringify(file)}: () => import("./${file}")`);
  const words = [join(results, eventsFile), ...(only === undefined ? [] : [only])];
  const contents = `import { runInside } from "./test/guest/inside.ts";
await runInside({ ${loads.join(", ")} }, ...${JSON.stringify(words)});`;
  return bundleProgram(contents, "tests", results);
}

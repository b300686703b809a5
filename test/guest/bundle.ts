/**
 * The guest's test process as one file: Node starts slowly in there, and would compile TypeScript slower still.
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

/** Bundles test files, from the root, with all they need. @returns the arguments to start them with, Node first */
export async function bundleTests(
  files: readonly string[],
  results: string,
  only: string | undefined,
): Promise<string[]> {
  const outfile = join(results, "tests.mjs");
  const loads = files.map((file) => `${JSON.stringify(file)}: () => import("./${file}")`);
  const words = [join(results, eventsFile), ...(only === undefined ? [] : [only])];
  const contents = `import { runInside } from "./test/guest/inside.ts";
await runInside({ ${loads.join(", ")} }, ...${JSON.stringify(words)});`;
  await build({
    stdin: { contents, resolveDir: root, sourcefile: "guest-tests.ts", loader: "ts" },
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

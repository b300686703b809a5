/**
 * Makes dist/netlink-ts/, the package as it is published: JavaScript and declarations of netlink-ts/, imported by the same
 * names as the sources. `npm publish dist/netlink-ts` does the rest.
 * @module
 */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./place.ts";

/** Compiles into `folder` and writes its package.json. */
export function packNetlinkTs(folder: string): void {
  const source = join(root, "netlink-ts");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  compile(folder);
  const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  const published = { ...manifest, exports: publishedExports, files: ["**/*.js", "**/*.d.ts"] };
  delete published.scripts;
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  copyFileSync(join(source, "README.md"), join(folder, "README.md"));
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
}

/** The names of the sources, so that an import reads the same in the repository and in what is published. */
const publishedExports = {
  ".": { types: "./index.d.ts", default: "./index.js" },
  "./*.ts": { types: "./*.d.ts", default: "./*.js" },
};

function compile(folder: string): void {
  const config = {
    extends: join(root, "tsconfig.json"),
    compilerOptions: {
      noEmit: false,
      declaration: true,
      rewriteRelativeImportExtensions: true,
      target: "es2022",
      rootDir: join(root, "netlink-ts"),
      outDir: folder,
    },
    include: [join(root, "netlink-ts"), join(root, "runtime/globals.d.ts")],
  };
  const file = join(folder, "tsconfig.json");
  writeFileSync(file, JSON.stringify(config));
  const tsc = join(root, "node_modules/.bin/tsc");
  execFileSync(tsc, ["-p", file], { stdio: "inherit" });
  rmSync(file);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  packNetlinkTs(join(root, "dist", "netlink-ts"));
}

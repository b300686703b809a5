/**
 * Where things lie in the repository.
 * @module
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder, absolute. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Where the build leaves the programs. */
export const binFolder = join(root, "dist", "bin");

/** Where `npm test` and `npm run bench` leave cnitool and the reference plugins, when Go is there. */
export const peers = join(root, ".cache", "peers");

/** The project's version, from package.json. */
export const version: string = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version;

/** A program of the suite. */
export interface Program {
  /** Its file name; a plugin's is the `type` of a configuration. */
  type: string;
  /** Its folder from the root, as `plugins/bridge`. */
  folder: string;
}

/** Programs that stay. They are not asked by CNI, and start otherwise: from bytecode, at an address of the kernel's choice. */
export function daemons(): Program[] {
  const known = [{ type: "dhcp-daemon", folder: "dhcp-proxy" }];
  return known.filter(({ folder }) => existsSync(join(root, folder, "main.ts")));
}

/** Every folder below plugins/ and ipam/ that has a `main.ts`, sorted. */
export function programs(): Program[] {
  const found = ["plugins", "ipam"].flatMap((parent) => {
    if (!existsSync(join(root, parent))) return [];
    const folders = readdirSync(join(root, parent)).map((type) => ({
      type,
      folder: `${parent}/${type}`,
    }));
    return folders.filter(({ folder }) => existsSync(join(root, folder, "main.ts")));
  });
  return found.sort((a, b) => (a.folder < b.folder ? -1 : 1));
}

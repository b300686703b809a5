/**
 * Starts the daemon that gives dhcp its addresses in fault tests.
 * @module
 */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/**
 * How it is started: `socket` and the leases lie in the folder.
 * @param scratch where it is put as one file: a loader of TypeScript would start processes beside it
 */
export function fixedLeases(folder: string, scratch: string): string[] {
  const outfile = join(scratch, "fixed-leases.mjs");
  const source = fileURLToPath(new URL("./fixed-leases-daemon.ts", import.meta.url));
  buildSync({ entryPoints: [source], outfile, bundle: true, platform: "node", format: "esm" });
  return [process.execPath, outfile, folder];
}

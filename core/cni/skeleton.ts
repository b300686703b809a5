/**
 * One run of a CNI program: environment and stdin in, one JSON document and an exit status out.
 * @module
 */

import type { Plugin } from "./plugin.ts";

/** Makes `plugin` the program: the host calls `globalThis.main`. Called once, from `main.ts`. */
export function runPlugin(plugin: Plugin): void {
  (globalThis as { main?: () => number }).main = () => (plugin.type === "" ? 1 : 0);
}

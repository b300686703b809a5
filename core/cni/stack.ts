/**
 * Traces that name the sources: the program is one bundled file, and the build attached a table of where each of its
 * lines comes from.
 * @module
 */

import { host } from "../host.ts";

/** `    at add (main:812:10)`: what comes before the place, the line, and the end. */
const frame = /^(\s*at .*?\(?)[^\s():<>]+:(\d+)(?::\d+)?(\)?)$/;

/** The engine's trace with `core/cni/skeleton.ts:42` in the place of the bundle's lines. */
export function mappedStack(stack: string): string {
  const table = new TextDecoder().decode(host.attachment()).split("\n");
  return stack
    .trimEnd()
    .split("\n")
    .map((line) =>
      line.replace(frame, (whole, before: string, number: string, end: string) => {
        const place = table[Number(number) - 1];
        return place ? `${before}${place}${end}` : whole;
      }),
    )
    .join("\n");
}

/**
 * Traces that name the sources: the program is one bundled file, and the build attached a table of where each of its
 * lines comes from.
 * @module
 */

import { host } from "../host.ts";

/** `    at add (main:812:10)`: what comes before the place, the line, and the end. */
const frame = /^(\s*at .*?\(?)[^\s():<>]+:(\d+)(?::\d+)?(\)?)$/;

/**
 * Where the bundle's line comes from, as `core/cni/skeleton.ts:42`; empty when the table does not say. A row without a
 * file, `:42`, is of the file that was named last.
 */
function placeOf(table: readonly string[], line: number): string {
  const row = table[line - 1] ?? "";
  if (!row.startsWith(":")) return row;
  const named = table
    .slice(0, line - 1)
    .findLast((above) => above !== "" && !above.startsWith(":"));
  return `${named?.replace(/:\d+$/, "")}${row}`;
}

/** The engine's trace with `core/cni/skeleton.ts:42` in the place of the bundle's lines. */
export function mappedStack(stack: string): string {
  const table = new TextDecoder().decode(host.attachment()).split("\n");
  return stack
    .trimEnd()
    .split("\n")
    .map((line) =>
      line.replace(frame, (whole, before: string, number: string, end: string) => {
        const place = placeOf(table, Number(number));
        return place ? `${before}${place}${end}` : whole;
      }),
    )
    .join("\n");
}

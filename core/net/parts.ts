/**
 * Lists that are too long for one datagram.
 * @module
 */

/** So many routes fit into what a socket sends at once, several times over. */
const MOST_AT_ONCE = 512;

/** The list in parts that can be sent at once. */
export function inParts<T>(all: readonly T[]): T[][] {
  const count = Math.ceil(all.length / MOST_AT_ONCE);
  return Array.from({ length: count }, (_, at) =>
    all.slice(at * MOST_AT_ONCE, (at + 1) * MOST_AT_ONCE),
  );
}

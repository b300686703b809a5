/**
 * What the drivers of this folder put to the test.
 * @module
 */

/** A message description, or anything else that encodes and parses. */
export interface Described<T> {
  encode(value: T): Uint8Array;
  parse(bytes: Uint8Array): T;
}

/** Whether two runs of bytes are the same. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}

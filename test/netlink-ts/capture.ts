import { deepEqual, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

/** A capture by its place below this folder, as `route/captures/address-add`. The command that made it is its first line. */
export function capture(name: string): Uint8Array {
  return hex(readFileSync(new URL(`./${name}.hex`, import.meta.url), "utf8"));
}

interface Described<T> {
  encode(value: T): Uint8Array;
  parse(bytes: Uint8Array): T;
}

/** Asserts that a capture re-encodes to the same bytes. */
export function reencodes<T>(described: Described<T>, bytes: Uint8Array): void {
  deepEqual(formatHex(described.encode(described.parse(bytes))), formatHex(bytes));
}

/** Asserts that a capture holds nothing unknown and decodes to the same again, where its order is not the table's. */
export function reencodesInTableOrder<T>(described: Described<T>, bytes: Uint8Array): void {
  const value = described.parse(bytes);
  const encoded = described.encode(value);
  deepEqual(described.parse(encoded), value);
  deepEqual(encoded.length, bytes.length);
}

/** Asserts that every truncation is refused with a DecodeError or is a shorter message: those of `lengths`. */
export function truncates<T>(described: Described<T>, bytes: Uint8Array, lengths: number[]): void {
  const { accepted, refused } = truncations(described, bytes);
  deepEqual(accepted, lengths);
  ok(refused.length === bytes.length - lengths.length);
}

/** What a broken capture is refused with. */
export function refusal(parse: () => unknown): string {
  try {
    parse();
  } catch (error) {
    ok(error instanceof DecodeError, String(error));
    return error.message;
  }
  throw new Error("want a DecodeError, got none");
}

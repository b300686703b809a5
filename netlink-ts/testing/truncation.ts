/**
 * Every truncation of a capture.
 * @module
 */

import { DecodeError } from "../wire/decode-error.ts";
import type { Described } from "./described.ts";
import { formatHex } from "./hex.ts";

/** How the prefixes of a capture fared. */
export interface Truncations {
  /** Lengths that ended in a {@link DecodeError}. */
  refused: number[];
  /** Lengths that are a shorter message in their own right. */
  accepted: number[];
}

/**
 * Parses every prefix of `bytes`, each in a buffer of its own so that nothing is read behind it.
 * @throws {Error} when one ends in another error than {@link DecodeError}, or decodes to more than it holds
 */
export function truncations<T>(described: Described<T>, bytes: Uint8Array): Truncations {
  const result: Truncations = { refused: [], accepted: [] };
  for (let length = 0; length < bytes.length; length++) {
    const prefix = bytes.slice(0, length);
    if (isAccepted(described, prefix)) {
      result.accepted.push(length);
    } else {
      result.refused.push(length);
    }
  }
  return result;
}

function isAccepted<T>(described: Described<T>, prefix: Uint8Array): boolean {
  let value: T;
  try {
    value = described.parse(prefix);
  } catch (cause) {
    if (cause instanceof DecodeError) {
      return false;
    }
    throw new Error(`prefix of ${prefix.length} bytes:\n${formatHex(prefix)}`, { cause });
  }
  const again = described.encode(value);
  if (again.length > prefix.length + 3) {
    const problem = `prefix of ${prefix.length} bytes decodes to ${again.length}`;
    throw new Error(`${problem}:\n${formatHex(prefix)}`);
  }
  return true;
}

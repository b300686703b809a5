/**
 * User data: type-length-value triples that nft(8) leaves beside an object and reads back when it lists it; the kernel keeps
 * them unread. One byte of type, one of length, then the value.
 * @see libnftnl, include/libnftnl/udata.h
 * @module
 */

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The comment of a table, set, chain, rule or element has this type in each of their lists. */
const COMMENT = 0;
/** The kernel takes 256 bytes of user data and stores 256 as none at all; two more are type and length, one the NUL. */
const MAX_COMMENT = 252;

/** One triple. @throws {RangeError} when the value is over 255 bytes */
export function userData(type: number, value: Uint8Array): Uint8Array {
  if (value.length > 0xff) {
    throw new RangeError(`want at most 255 bytes of user data, got ${value.length}`);
  }
  const triple = new Uint8Array(2 + value.length);
  triple[0] = type;
  triple[1] = value.length;
  triple.set(value, 2);
  return triple;
}

/** Triples one after another. */
export function joinUserData(...triples: Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(triples.reduce((sum, triple) => sum + triple.length, 0));
  let at = 0;
  for (const triple of triples) {
    joined.set(triple, at);
    at += triple.length;
  }
  return joined;
}

/**
 * A comment, as `nft … comment "text"` leaves it. nft itself loads at most 128 characters, so a longer one makes a saved
 * rule set unloadable. @throws {RangeError} over 252 bytes
 */
export function commentUserData(text: string): Uint8Array {
  const bytes = encoder.encode(`${text}\0`);
  if (bytes.length > MAX_COMMENT + 1) {
    throw new RangeError(`want a comment of at most ${MAX_COMMENT} bytes, got ${bytes.length - 1}`);
  }
  return userData(COMMENT, bytes);
}

/** The comment in user data, or undefined where there is none. Foreign and damaged triples are stepped over. */
export function commentOf(data: Uint8Array | undefined): string | undefined {
  let at = 0;
  while (data !== undefined && at + 2 <= data.length) {
    const end = at + 2 + data[at + 1]!;
    if (data[at] === COMMENT && end <= data.length) {
      const text = data.subarray(at + 2, end);
      return decoder.decode(text.at(-1) === 0 ? text.subarray(0, -1) : text);
    }
    at = end;
  }
  return undefined;
}

/**
 * Option 119: domain names in DNS's form, compressed within the option.
 * @see RFC 3397, RFC 1035 section 4.1.4
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";

const POINTER = 0xc0;
const LONGEST_NAME = 255;

/**
 * Reads the names, in order.
 * @throws {DecodeError} for a label or a pointer that leads out of the option or forwards, and a name over 255 bytes
 */
export function decodeDomainSearch(bytes: Uint8Array): string[] {
  const names: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { labels, end } = readName(bytes, at);
    if (labels.length > 0) names.push(labels.join("."));
    at = end;
  }
  return names;
}

/** @returns where the name ends where it began: pointers lead elsewhere */
function readName(bytes: Uint8Array, start: number): { labels: string[]; end: number } {
  const labels: string[] = [];
  let end: number | undefined;
  let size = 0;
  for (let at = start; ; ) {
    const length = byteAt(bytes, at);
    if (length === 0) return { labels, end: end ?? at + 1 };
    if ((length & POINTER) === POINTER) {
      const target = ((length & 0x3f) << 8) | byteAt(bytes, at + 1);
      if (target >= at) throw refused(at, `want a pointer backwards, got ${target}`);
      end ??= at + 2;
      size += 1; // so a chain of pointers has an end
      at = target;
    } else {
      labels.push(label(bytes, at, length));
      size += length + 1;
      at += length + 1;
    }
    if (size > LONGEST_NAME) throw refused(start, `want at most ${LONGEST_NAME} bytes a name`);
  }
}

function byteAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at];
  if (byte === undefined) throw refused(at, "want a name's end, got the option's");
  return byte;
}

/** Letters, digits, "-" and "_": the text goes into a file that resolvers read. */
function label(bytes: Uint8Array, at: number, length: number): string {
  if (length > 63) throw refused(at, `want a label of at most 63 bytes, got ${length}`);
  const text = String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length));
  if (text.length !== length || !/^[\w-]+$/.test(text)) {
    throw refused(at, `want a label of ${length} letters and digits, got ${JSON.stringify(text)}`);
  }
  return text;
}

function refused(at: number, problem: string): DecodeError {
  return new DecodeError("option 119", at, problem);
}

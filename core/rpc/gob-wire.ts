/**
 * The scalars of Go's gob format.
 *
 * An unsigned number below 128 is one byte; a larger one is its big-endian bytes behind a byte that holds their count,
 * negated. A signed number is an unsigned one whose lowest bit says "complemented". A float is its bits, bytes reversed.
 * @see https://pkg.go.dev/encoding/gob "Encoding Details"
 * @module
 */

import type { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

const LONGEST_NUMBER = 8;

/** Writes 0…2^64-1. */
export function writeUint(writer: Writer, value: number | bigint): void {
  if (value < 128) {
    const at = writer.take(1);
    writer.view.setUint8(at, Number(value));
    return;
  }
  const digits: number[] = [];
  for (let rest = BigInt(value); rest > 0n; rest >>= 8n) digits.unshift(Number(rest & 0xffn));
  writer.put(Uint8Array.of(256 - digits.length, ...digits));
}

/** Reads 0…2^64-1. @throws {DecodeError} */
export function readUint(reader: Reader): bigint {
  const at = reader.take(1);
  const first = reader.view.getUint8(at);
  if (first < 128) return BigInt(first);
  const count = 256 - first;
  if (count > LONGEST_NUMBER) {
    throw new DecodeError("", at, `want at most ${LONGEST_NUMBER} bytes of a number, got ${count}`);
  }
  return reader.slice(count).reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Writes -2^63…2^63-1. */
export function writeInt(writer: Writer, value: number | bigint): void {
  const bits = BigInt(value);
  writeUint(writer, bits < 0n ? (~bits << 1n) | 1n : bits << 1n);
}

/** Reads -2^63…2^63-1. @throws {DecodeError} */
export function readInt(reader: Reader): bigint {
  const bits = readUint(reader);
  return (bits & 1n) === 1n ? ~(bits >> 1n) : bits >> 1n;
}

/** Reads a length or an index. @throws {DecodeError} when it is over `most` */
export function readCount(reader: Reader, most: number): number {
  const at = reader.offset;
  const count = readUint(reader);
  if (count > BigInt(most)) throw new DecodeError("", at, `want at most ${most}, got ${count}`);
  return Number(count);
}

/** Reads a float of 64 bits. @throws {DecodeError} */
export function readFloat(reader: Reader): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, readUint(reader), true);
  return view.getFloat64(0, false);
}

/** Writes bytes behind their length. */
export function writeBytes(writer: Writer, bytes: Uint8Array): void {
  writeUint(writer, bytes.length);
  writer.put(bytes);
}

/** Reads bytes behind their length, a copy. @throws {DecodeError} */
export function readBytes(reader: Reader): Uint8Array {
  return reader.slice(readCount(reader, reader.left)).slice();
}

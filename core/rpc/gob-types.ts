/**
 * Types as a gob stream describes them: a sender says what its types are before it uses them.
 * @module
 */

import type { Reader } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { readBytes, readCount, readInt } from "./gob-wire.ts";

/** Ids of types that nobody needs to describe. */
export const builtIn = {
  bool: 1,
  int: 2,
  uint: 3,
  float: 4,
  bytes: 5,
  string: 6,
  complex: 7,
  interface: 8,
} as const;

/** The first id a sender may give to a type of its own. */
export const FIRST_ID = 64;

/** A type that a sender described. */
export type GobType =
  | { kind: "array"; element: number; length: number }
  | { kind: "slice"; element: number }
  | { kind: "struct"; name: string; fields: { name: string; type: number }[] }
  | { kind: "map"; key: number; element: number }
  /** A value that encodes itself, with GobEncode or MarshalBinary. */
  | { kind: "opaque" };

/** Fields of wireType, by number from 1. */
const kinds = ["array", "slice", "struct", "map", "opaque", "opaque", "opaque"] as const;
const MOST_FIELDS = 1000;

/** Clients all describe the same types: what was read of so many descriptions that are no longer is kept. */
const MOST_KEPT = 64;
const LONGEST_KEPT = 512;
const kept = new Map<string, GobType>();

/** Reads a wireType that fills the reader. @throws {DecodeError} */
export function readType(reader: Reader): GobType {
  if (reader.left > LONGEST_KEPT) return readWireType(reader);
  const key = String.fromCharCode(...reader.bytes.subarray(reader.offset, reader.end));
  const known = kept.get(key);
  if (known !== undefined) {
    reader.slice();
    return known;
  }
  const found = readWireType(reader);
  if (reader.left === 0 && kept.size < MOST_KEPT) kept.set(key, found);
  return found;
}

function readWireType(reader: Reader): GobType {
  let found: GobType | undefined;
  readFields(reader, (number) => {
    const kind = kinds[number - 1];
    if (kind === undefined || found !== undefined) {
      throw new DecodeError("type", reader.offset, `want one kind of type, got field ${number}`);
    }
    found = readKind(reader, kind);
  });
  if (found === undefined) throw new DecodeError("type", reader.offset, "want a kind, got none");
  return found;
}

function readKind(reader: Reader, kind: (typeof kinds)[number]): GobType {
  let name = "";
  const numbers: number[] = [];
  let fields: { name: string; type: number }[] = [];
  readFields(reader, (number) => {
    if (number === 1) name = readName(reader);
    else if (number === 2 && kind === "struct") fields = readFieldTypes(reader);
    else if (number <= 3) numbers[number - 2] = Number(readInt(reader));
    else throw new DecodeError("type", reader.offset, `want a field up to 3, got ${number}`);
  });
  const [first = 0, second = 0] = numbers;
  switch (kind) {
    case "array":
      return { kind, element: first, length: second };
    case "slice":
      return { kind, element: first };
    case "map":
      return { kind, key: first, element: second };
    case "struct":
      return { kind, name, fields };
    case "opaque":
      return { kind };
  }
}

/** CommonType: name and id; the id stood in front of the description already. */
function readName(reader: Reader): string {
  let name = "";
  readFields(reader, (number) => {
    if (number === 1) name = readText(reader);
    else readInt(reader);
  });
  return name;
}

function readFieldTypes(reader: Reader): { name: string; type: number }[] {
  const count = readCount(reader, Math.min(MOST_FIELDS, reader.left));
  return Array.from({ length: count }, () => {
    const field = { name: "", type: 0 };
    readFields(reader, (number) => {
      if (number === 1) field.name = readText(reader);
      else field.type = Number(readInt(reader));
    });
    return field;
  });
}

/** Text behind its length. @throws {DecodeError} */
export function readText(reader: Reader): string {
  return new TextDecoder().decode(readBytes(reader));
}

/** A struct's value: differences of field numbers, each with its value, and a zero. @param read takes the value of the field, from 1 */
export function readFields(reader: Reader, read: (number: number) => void): void {
  for (let number = 0; ; ) {
    const delta = readCount(reader, MOST_FIELDS);
    if (delta === 0) return;
    number += delta;
    read(number);
  }
}

/**
 * D-Bus values as bytes. Written in little-endian order; read in the order that the message names.
 * @see D-Bus Specification "Marshaling"
 * @module
 */

import type { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

import { type DbusType, parseSignature } from "./signature.ts";

/**
 * A value: numbers for `ynqiudh`, bigint for `xt`, text for `sog`, a list for arrays and structs, [key, value] for entries of
 * dictionaries.
 */
export type DbusValue = number | bigint | boolean | string | DbusVariant | readonly DbusValue[];

/** A value that brings its type along: `v`. */
export interface DbusVariant {
  readonly signature: string;
  readonly value: DbusValue;
}

/** Types of a fixed size, which is their alignment too: bytes, and how DataView calls them. */
const fixed = {
  y: [1, "Uint8"],
  n: [2, "Int16"],
  q: [2, "Uint16"],
  i: [4, "Int32"],
  u: [4, "Uint32"],
  h: [4, "Uint32"],
  b: [4, "Uint32"],
  d: [8, "Float64"],
  x: [8, "BigInt64"],
  t: [8, "BigUint64"],
} as const;
type FixedCode = keyof typeof fixed;

const alignments: Readonly<Record<string, number>> = {
  s: 4,
  o: 4,
  a: 4,
  g: 1,
  v: 1,
  "(": 8,
  "{": 8,
};
/** Variants in variants have no signature that bounds them. */
const deepestVariant = 32;
const objectPath = /^\/(?:[A-Za-z0-9_]+(?:\/[A-Za-z0-9_]+)*)?$/;
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function isFixed(code: string): code is FixedCode {
  return Object.hasOwn(fixed, code);
}

function alignmentOf({ code }: DbusType): number {
  return isFixed(code) ? fixed[code][0] : alignments[code]!;
}

/** Pads with zeroes to a multiple of `size` from the message's start. */
export function padTo(writer: Writer, size: number): void {
  writer.take((size - (writer.length % size)) % size);
}

/** Appends values of these types, as a struct or a body has them. */
export function writeValues(
  writer: Writer,
  types: readonly DbusType[],
  values: readonly DbusValue[],
): void {
  for (const [at, type] of types.entries()) writeValue(writer, type, values[at]!);
}

/** Appends a value, padded as its type wants. @throws {TypeError} the value is not of that type */
export function writeValue(writer: Writer, type: DbusType, value: DbusValue): void {
  const { code, inner } = type;
  padTo(writer, alignmentOf(type));
  if (isFixed(code)) {
    const [size, name] = fixed[code];
    const at = writer.take(size);
    writer.view[`set${name}`](at, (code === "b" ? Number(value) : value) as never, true);
  } else if (code === "v") {
    const { signature, value: held } = value as DbusVariant;
    writeText(writer, signature, 1);
    writeValue(writer, onlyType(signature), held);
  } else if (code === "a") {
    writeArray(writer, inner[0]!, value as readonly DbusValue[]);
  } else if (code === "(" || code === "{") {
    writeValues(writer, inner, value as readonly DbusValue[]);
  } else {
    writeText(writer, value as string, code === "g" ? 1 : 4);
  }
}

function writeText(writer: Writer, text: string, lengthSize: 1 | 4): void {
  const bytes = new TextEncoder().encode(text);
  const at = writer.take(lengthSize);
  if (lengthSize === 1) writer.view.setUint8(at, bytes.length);
  else writer.view.setUint32(at, bytes.length, true);
  writer.put(bytes);
  writer.take(1);
}

function writeArray(writer: Writer, element: DbusType, values: readonly DbusValue[]): void {
  const at = writer.take(4);
  padTo(writer, alignmentOf(element)); // not counted
  const start = writer.length;
  for (const each of values) writeValue(writer, element, each);
  writer.view.setUint32(at, writer.length - start, true);
}

/** Reads values of a message, from where `reader` stands. @throws {DecodeError} for any byte that cannot be there */
export class ValueReader {
  readonly reader: Reader;
  readonly #isLittle: boolean;
  #variants = 0;

  /** @param reader over the message from its first byte, which alignment counts from */
  constructor(reader: Reader, isLittle: boolean) {
    this.reader = reader;
    this.#isLittle = isLittle;
  }

  /** Moves on to a multiple of `size`; what is passed is zero. */
  align(size: number): void {
    const { reader } = this;
    const at = reader.offset;
    const padding = reader.slice((size - (at % size)) % size);
    if (padding.some((byte) => byte !== 0)) throw new DecodeError("", at, "want zeroes as padding");
  }

  /** The next value, of that type. */
  value(type: DbusType): DbusValue {
    const { code, inner } = type;
    this.align(alignmentOf(type));
    if (code === "b") return this.#boolean();
    if (isFixed(code)) return this.#fixed(code);
    if (code === "v") return this.#variant();
    if (code === "a") return this.#array(inner[0]!);
    if (code === "(" || code === "{") return inner.map((each) => this.value(each));
    return this.#text(code);
  }

  #fixed(code: FixedCode): number | bigint {
    const { reader } = this;
    const [size, name] = fixed[code];
    const at = reader.take(size);
    return reader.view[`get${name}`](at, this.#isLittle);
  }

  #boolean(): boolean {
    const at = this.reader.offset;
    const number = this.#fixed("u");
    if (number === 0 || number === 1) return number === 1;
    throw new DecodeError("", at, `want 0 or 1 as a boolean, got ${number}`);
  }

  #text(code: string): string {
    const at = this.reader.offset;
    const length = Number(this.#fixed(code === "g" ? "y" : "u"));
    const bytes = this.reader.slice(length);
    const end = this.reader.offset;
    if (this.reader.slice(1)[0] !== 0) throw new DecodeError("", end, "want a zero behind a text");
    const text = decodeText(bytes, at);
    if (code === "o" && !objectPath.test(text)) {
      throw new DecodeError("", at, `want an object's path, got ${JSON.stringify(text)}`);
    }
    if (code === "g") parseSignature(text);
    return text;
  }

  #variant(): DbusVariant {
    const at = this.reader.offset;
    const signature = this.#text("g");
    if (++this.#variants > deepestVariant) {
      throw new DecodeError("", at, `want at most ${deepestVariant} variants in each other`);
    }
    const value = this.value(onlyType(signature));
    this.#variants -= 1;
    return { signature, value };
  }

  #array(element: DbusType): DbusValue[] {
    const { reader } = this;
    const length = Number(this.#fixed("u"));
    this.align(alignmentOf(element)); // not counted
    const end = reader.offset + length;
    if (end > reader.end) {
      throw new DecodeError("", reader.offset, `want ${length} bytes, got ${reader.left}`);
    }
    const values: DbusValue[] = [];
    while (reader.offset < end) values.push(this.value(element));
    if (reader.offset === end) return values;
    throw new DecodeError("", end, "want the end of an element at the end of its array");
  }
}

function decodeText(bytes: Uint8Array, at: number): string {
  if (bytes.includes(0)) throw new DecodeError("", at, "want a text without zeroes");
  try {
    return strict.decode(bytes);
  } catch {
    throw new DecodeError("", at, "want UTF-8");
  }
}

function onlyType(signature: string): DbusType {
  const types = parseSignature(signature);
  if (types.length === 1) return types[0]!;
  throw new DecodeError("signature", 0, `want one type, got ${JSON.stringify(signature)}`);
}

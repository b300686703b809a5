/**
 * Writes a gob stream: values of types that are described here, each type told before it is first used.
 * @module
 */

import { Writer } from "netlink-ts/wire/cursor.ts";
import { builtIn, FIRST_ID } from "./gob-types.ts";
import { writeBytes, writeInt, writeUint } from "./gob-wire.ts";

/** What a value is, for the encoder. */
export type GobShape =
  | "bool"
  | "int"
  | "uint"
  | "string"
  | "bytes"
  | { list: GobShape }
  /** Go's name of the struct, and its fields in order. */
  | { struct: string; fields: Readonly<Record<string, GobShape>> };

/** The members of a struct; one that is absent, or zero, is not sent. */
export type GobFields = Readonly<Record<string, unknown>>;

/** Writes the values of one stream. */
export class GobEncoder {
  readonly #ids = new Map<GobShape, number>();
  #nextId: number = FIRST_ID;

  /** The bytes that tell one struct, after the types it needs that were not told yet. */
  encode(shape: GobShape & { struct: string }, value: GobFields): Uint8Array {
    const stream = new Writer(512);
    const id = this.#define(shape, stream);
    writeMessage(stream, (message) => {
      writeInt(message, BigInt(id));
      writeValue(message, shape, value);
    });
    return stream.finish();
  }

  /** The type's id; its description, and those of the types inside, go to the stream when they are new. */
  #define(shape: GobShape, stream: Writer): number {
    if (typeof shape === "string") return builtIn[shape];
    const known = this.#ids.get(shape);
    if (known !== undefined) return known;
    const id = this.#nextId++;
    this.#ids.set(shape, id);
    const inner = "list" in shape ? [shape.list] : Object.values(shape.fields);
    const ids = inner.map((each) => this.#define(each, stream));
    writeMessage(stream, (message) => {
      writeInt(message, BigInt(-id));
      writeDescription(message, shape, id, ids);
    });
    return id;
  }
}

function writeMessage(stream: Writer, write: (message: Writer) => void): void {
  const message = new Writer(256);
  write(message);
  writeBytes(stream, message.finish());
}

/** wireType: field 2 is a slice, field 3 a struct; both begin with CommonType { name, id }. */
function writeDescription(
  writer: Writer,
  shape: Exclude<GobShape, string>,
  id: number,
  ids: readonly number[],
): void {
  const name = "struct" in shape ? shape.struct : "";
  writeStruct(writer, [
    [
      "struct" in shape ? 3 : 2,
      (kind) =>
        writeStruct(kind, [
          [1, (common) => writeCommon(common, name, id)],
          "struct" in shape
            ? [2, (list) => writeFieldTypes(list, Object.keys(shape.fields), ids)]
            : [2, (element) => writeInt(element, BigInt(ids[0] ?? 0))],
        ]),
    ],
  ]);
}

function writeCommon(writer: Writer, name: string, id: number): void {
  writeStruct(writer, [
    name === "" ? undefined : [1, (text) => writeText(text, name)],
    [2, (number) => writeInt(number, BigInt(id))],
  ]);
}

function writeFieldTypes(writer: Writer, names: readonly string[], ids: readonly number[]): void {
  writeUint(writer, BigInt(names.length));
  for (const [index, name] of names.entries()) {
    writeStruct(writer, [
      [1, (text) => writeText(text, name)],
      [2, (number) => writeInt(number, BigInt(ids[index] ?? 0))],
    ]);
  }
}

type Field = readonly [number: number, write: (writer: Writer) => void];

function writeStruct(writer: Writer, fields: readonly (Field | undefined)[]): void {
  let last = 0;
  for (const field of fields) {
    if (field === undefined) continue;
    const [number, write] = field;
    writeUint(writer, BigInt(number - last));
    write(writer);
    last = number;
  }
  writeUint(writer, 0n);
}

function writeValue(writer: Writer, shape: GobShape, value: unknown) {
  if (typeof shape === "string") return writeScalar(writer, shape, value);
  if ("list" in shape) {
    const list = value as readonly unknown[];
    writeUint(writer, BigInt(list.length));
    for (const entry of list) writeValue(writer, shape.list, entry);
    return;
  }
  const fields = value as GobFields;
  const present = Object.entries(shape.fields).map(([name, field], index): Field | undefined => {
    const member = fields[name];
    return isZero(field, member)
      ? undefined
      : [index + 1, (each) => writeValue(each, field, member)];
  });
  writeStruct(writer, present);
}

function writeScalar(writer: Writer, shape: GobShape & string, value: unknown) {
  switch (shape) {
    case "bool":
      return writeUint(writer, value === true ? 1n : 0n);
    case "int":
      return writeInt(writer, BigInt(value as number));
    case "uint":
      return writeUint(writer, BigInt(value as number));
    case "string":
      return writeText(writer, value as string);
    case "bytes":
      return writeBytes(writer, value as Uint8Array);
  }
}

/** A struct is sent even when all its members are zero, as Go does it. */
function isZero(shape: GobShape, value: unknown): boolean {
  if (value === undefined || value === 0 || value === "" || value === false) return true;
  if (shape === "bytes") return (value as Uint8Array).length === 0;
  return typeof shape === "object" && "list" in shape && (value as readonly unknown[]).length === 0;
}

function writeText(writer: Writer, text: string): void {
  writeBytes(writer, new TextEncoder().encode(text));
}

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

/** Writes the values of one stream. Shapes are to be constants: what is told of them is worked out once. */
export class GobEncoder {
  #told = nothingTold;

  /** The bytes that tell one struct, after the types it needs that were not told yet. */
  encode(shape: GobShape & { struct: string }, value: GobFields): Uint8Array {
    const { bytes, told } = this.#told.tell(shape);
    this.#told = told;
    const stream = new Writer(512);
    stream.put(bytes);
    writeMessage(stream, (message) => {
      writeInt(message, told.idOf(shape));
      writeValue(message, shape, value);
    });
    return stream.finish();
  }
}

/** What a stream has told of its types; streams that have told the same share it. */
class ToldTypes {
  readonly #ids: ReadonlyMap<GobShape, number>;
  readonly #next = new Map<GobShape, { bytes: Uint8Array; told: ToldTypes }>();

  constructor(ids: ReadonlyMap<GobShape, number>) {
    this.#ids = ids;
  }

  /** The id of a shape that has been told, or need not be. */
  idOf(shape: GobShape): number {
    return typeof shape === "string" ? builtIn[shape] : (this.#ids.get(shape) ?? 0);
  }

  /** The bytes that tell a shape where it has not been told, and what has been told then. */
  tell(shape: GobShape): { bytes: Uint8Array; told: ToldTypes } {
    const known = this.#next.get(shape);
    if (known !== undefined) return known;
    const ids = new Map(this.#ids);
    const stream = new Writer(512);
    define(shape, ids, stream);
    const isNew = ids.size > this.#ids.size;
    const found = { bytes: stream.finish(), told: isNew ? new ToldTypes(ids) : this };
    this.#next.set(shape, found);
    return found;
  }
}

const nothingTold = new ToldTypes(new Map());

/** The type's id; its description, and those of the types inside, go to the stream when they are new. */
function define(shape: GobShape, known: Map<GobShape, number>, stream: Writer): number {
  if (typeof shape === "string") return builtIn[shape];
  const before = known.get(shape);
  if (before !== undefined) return before;
  const id = FIRST_ID + known.size;
  known.set(shape, id);
  const inner = "list" in shape ? [shape.list] : Object.values(shape.fields);
  const ids = inner.map((each) => define(each, known, stream));
  writeMessage(stream, (message) => {
    writeInt(message, -id);
    writeDescription(message, shape, id, ids);
  });
  return id;
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
            : [2, (element) => writeInt(element, ids[0] ?? 0)],
        ]),
    ],
  ]);
}

function writeCommon(writer: Writer, name: string, id: number): void {
  writeStruct(writer, [
    name === "" ? undefined : [1, (text) => writeText(text, name)],
    [2, (number) => writeInt(number, id)],
  ]);
}

function writeFieldTypes(writer: Writer, names: readonly string[], ids: readonly number[]): void {
  writeUint(writer, names.length);
  for (const [index, name] of names.entries()) {
    writeStruct(writer, [
      [1, (text) => writeText(text, name)],
      [2, (number) => writeInt(number, ids[index] ?? 0)],
    ]);
  }
}

type Field = readonly [number: number, write: (writer: Writer) => void];

function writeStruct(writer: Writer, fields: readonly (Field | undefined)[]): void {
  let last = 0;
  for (const field of fields) {
    if (field === undefined) continue;
    const [number, write] = field;
    writeUint(writer, number - last);
    write(writer);
    last = number;
  }
  writeUint(writer, 0);
}

function writeValue(writer: Writer, shape: GobShape, value: unknown) {
  if (typeof shape === "string") return writeScalar(writer, shape, value);
  if ("list" in shape) {
    const list = value as readonly unknown[];
    writeUint(writer, list.length);
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
      return writeUint(writer, value === true ? 1 : 0);
    case "int":
      return writeInt(writer, value as number | bigint);
    case "uint":
      return writeUint(writer, value as number | bigint);
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

/**
 * Attributes: type-length-value, aligned to four bytes, in one table that encodes, decodes and types them.
 * @see include/uapi/linux/netlink.h, struct nlattr
 * @module
 */

import type { Codec, Decoded } from "./codec.ts";
import { align, littleEndian, type Reader, type Writer } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";
import { nameRange, rangeError } from "./range.ts";
import { bytes as bytesCodec } from "./scalars.ts";

/** The payload is attributes itself. */
const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const NLA_HDRLEN = 4;

/** An attribute the table does not know, kept so that nothing is lost when the message is sent back. */
export interface UnknownAttribute {
  /** With its flag bits. */
  readonly type: number;
  readonly bytes: Uint8Array;
}

type Row = readonly [type: number, codec: Codec<any>];
type Rows = Record<string, Row>;
/** What a table of attributes decodes to: what was there, and what the table does not know. */
export type AttributesValue<R extends Rows> = {
  [K in keyof R]?: Decoded<R[K][1]> | undefined;
} & { unknown?: UnknownAttribute[] | undefined };

/** A table of attributes, as a codec of the object that holds them. */
export interface Attributes<T> extends Codec<T> {
  /** Decodes into an object that has fields already: a message's header. @throws {DecodeError} */
  readInto<H extends object>(reader: Reader, value: H): H & T;
  /** The same table that decodes only the named attributes; the others are stepped over, not kept as unknown. */
  pick<K extends keyof T & string>(...names: K[]): Attributes<Pick<T, K>>;
}

/** One row, ready for the loops below. */
interface Field {
  readonly name: string;
  readonly type: number;
  readonly codec: Codec<unknown>;
  /** The codec of one of several, for {@link repeated}. */
  readonly item: Codec<unknown> | undefined;
  /** Names of the siblings whose payload this one selects. */
  readonly selects: readonly string[] | undefined;
}

/**
 * Describes a run of attributes by name, number and payload. Encoding follows the order of the table (the kernel's own, so
 * that a dump re-encodes to the same bytes); decoding takes any order, and a repeated attribute's last occurrence unless its
 * codec is {@link repeated}. As a payload it is a nest, with NLA_F_NESTED.
 */
export function attributes<R extends Rows>(rows: R): Attributes<AttributesValue<R>> {
  return table(fieldsOf(rows), true);
}

/** The same attributes in a nest whose type carries no NLA_F_NESTED, where the kernel's own dumps leave it out. */
export function unflagged<C extends Codec<unknown>>(codec: C): C {
  return { ...codec, nested: false };
}

/** A nest nobody looked into. */
export const nestBytes: Codec<Uint8Array> = { ...bytesCodec, nested: true };

/** A nest that holds a list: each item is an attribute of the same type (NFTA_LIST_ELEM is 1). */
export function list<T>(item: Codec<T>, type = 1): Codec<T[]> {
  return {
    nested: true,
    write: (writer, values) => writeItems(writer, values, type, item),
    read: (reader) => readItems(reader, type, item),
  };
}

interface Repeated<T> extends Codec<T[]> {
  readonly item: Codec<T>;
}

/** An attribute that may stand several times side by side, as IFLA_BRIDGE_VLAN_INFO; decodes to an array. */
export function repeated<T>(item: Codec<T>): Codec<T[]> {
  const codec: Repeated<T> = {
    item,
    write: () => {
      throw new TypeError("a repeated attribute stands in a table of attributes");
    },
    read: (reader) => [item.read(reader)],
  };
  return codec;
}

interface Selected<T> extends Codec<T> {
  readonly selector: string;
}

/**
 * A payload that a sibling selects, as IFLA_INFO_DATA by `kind`; the selecting attribute, or header field of the message,
 * stands before it. What no codec of the table is for stays bytes.
 */
export function selectedBy<T extends Record<string | number, Codec<any>>>(
  selector: string,
  table: T,
): Codec<Decoded<T[keyof T]> | Uint8Array> {
  const codecOf = (parent: object | undefined): Codec<unknown> | undefined => {
    const key = (parent as Record<string, unknown> | undefined)?.[selector];
    const usable = typeof key === "string" || typeof key === "number";
    return usable && Object.hasOwn(table, key) ? table[key] : undefined;
  };
  const codec: Selected<Decoded<T[keyof T]> | Uint8Array> = {
    nested: true,
    selector,
    write(writer, value, parent) {
      const codec = codecOf(parent);
      if (value instanceof Uint8Array) {
        writer.put(value);
      } else if (codec === undefined) {
        throw new TypeError(`nothing describes the payload that "${selector}" selects`);
      } else {
        codec.write(writer, value, parent);
      }
    },
    read: (reader, parent) => {
      const codec = codecOf(parent);
      return (codec === undefined ? reader.slice() : codec.read(reader, parent)) as
        | Decoded<T[keyof T]>
        | Uint8Array;
    },
  };
  return codec;
}

/**
 * @param keeps whether attributes without a row are kept as unknown
 * @param types how many numbers the look-up holds: without holes, and without ends that are met often, engines find faster
 */
function table<T extends object>(
  fields: Field[],
  keeps: boolean,
  types = 1 + Math.max(0, ...fields.map(({ type }) => type)),
): Attributes<T> {
  const byType: (Field | undefined)[] = new Array(types).fill(undefined);
  for (const field of fields) {
    byType[field.type] = field;
  }
  const readInto = (reader: Reader, into: object) => {
    readTable(reader, byType, into as Record<string, unknown>, keeps);
    return into;
  };
  return {
    nested: true,
    write: (writer, value) => writeTable(writer, fields, value as Record<string, unknown>),
    read: (reader) => readInto(reader, {}) as T,
    readInto: readInto as Attributes<T>["readInto"],
    pick: (...names) => {
      const picked = fields.filter((field) => (names as string[]).includes(field.name));
      return table(picked, (names as string[]).includes("unknown"), types);
    },
  };
}

function fieldsOf(rows: Rows): Field[] {
  const entries = Object.entries(rows);
  return entries.map(([name, [type, codec]]) => {
    const { item } = codec as Partial<Repeated<unknown>>;
    const selected = entries.filter(
      ([, [, other]]) => (other as Partial<Selected<unknown>>).selector === name,
    );
    const selects = selected.length === 0 ? undefined : selected.map(([other]) => other);
    return { name, type, codec: item ?? codec, item, selects };
  });
}

function writeTable(writer: Writer, fields: Field[], value: Record<string, unknown>): void {
  let name = "";
  try {
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index] as Field;
      const content = value[field.name];
      if (content !== undefined) {
        name = field.name;
        writeField(writer, field, content, value);
      }
    }
    name = "unknown";
    for (const { type, bytes } of (value.unknown ?? []) as UnknownAttribute[]) {
      const at = writer.take(NLA_HDRLEN);
      writer.put(bytes);
      finishAttribute(writer, at, type);
    }
  } catch (error) {
    throw nameRange(error, name);
  }
}

function writeField(writer: Writer, field: Field, content: unknown, parent: object): void {
  if (field.item === undefined) {
    writeAttribute(writer, field.type, field.codec, content, parent);
  } else {
    for (const one of content as unknown[]) {
      writeAttribute(writer, field.type, field.item, one, parent);
    }
  }
}

function writeItems<T>(writer: Writer, values: T[], type: number, item: Codec<T>): void {
  let index = 0;
  try {
    for (; index < values.length; index++) {
      writeAttribute(writer, type, item, values[index], values);
    }
  } catch (error) {
    throw nameRange(error, String(index));
  }
}

function writeAttribute(
  writer: Writer,
  type: number,
  codec: Codec<unknown>,
  content: unknown,
  parent: object,
): void {
  const at = writer.take(NLA_HDRLEN);
  codec.write(writer, content, parent);
  finishAttribute(writer, at, codec.nested === true ? type | NLA_F_NESTED : type);
}

/** Fills in the header of the attribute that starts at `at` and pads it. */
function finishAttribute(writer: Writer, at: number, type: number): void {
  const length = writer.length - at;
  if (length > 0xffff) {
    throw rangeError(`want at most 65535 bytes in one attribute, got ${length}`);
  }
  writer.view.setUint16(at, length, littleEndian);
  writer.view.setUint16(at + 2, type, littleEndian);
  writer.pad();
}

/**
 * Decodes attributes to the end of the window. A dump's reader spends its time here, so a header is one read, and an attribute
 * that nobody wants costs no call.
 */
function readTable(
  reader: Reader,
  byType: (Field | undefined)[],
  value: Record<string, unknown>,
  keeps: boolean,
): void {
  const { view, end } = reader;
  let at = reader.offset;
  let type = -1;
  try {
    while (at < end) {
      if (end - at < NLA_HDRLEN) {
        type = -1;
        reader.offset = at;
        reader.take(NLA_HDRLEN); // throws
      }
      const header = view.getUint32(at, littleEndian);
      const length = littleEndian ? header & 0xffff : header >>> 16;
      type = littleEndian ? header >>> 16 : header & 0xffff;
      const stop = at + length;
      if (length < NLA_HDRLEN || stop > end) {
        throw badLength(at, end, length);
      }
      const field = byType[type & NLA_TYPE_MASK];
      if (field !== undefined || keeps) {
        reader.offset = at + NLA_HDRLEN;
        reader.end = stop;
        if (field !== undefined) {
          readField(reader, field, value);
        } else {
          keepUnknown(value, { type, bytes: reader.slice() });
        }
      }
      at += (length + 3) & ~3;
    }
  } catch (error) {
    throw type < 0 ? error : within(error, nameOfType(byType, type & NLA_TYPE_MASK));
  }
  reader.offset = end;
  reader.end = end;
}

function readField(reader: Reader, field: Field, value: Record<string, unknown>): void {
  if (field.selects !== undefined) {
    refuseLate(reader, field.selects, value);
  }
  const content = readPayload(reader, field.codec, value);
  if (field.item === undefined) {
    value[field.name] = content;
    return;
  }
  const earlier = value[field.name] as unknown[] | undefined;
  if (earlier === undefined) {
    value[field.name] = [content];
  } else {
    earlier.push(content);
  }
}

/** What a selector selects would otherwise have been decoded by another. */
function refuseLate(reader: Reader, selects: readonly string[], value: object): void {
  for (const name of selects) {
    if (Object.hasOwn(value, name)) {
      throw new DecodeError("", reader.offset - NLA_HDRLEN, `want it before "${name}"`);
    }
  }
}

function keepUnknown(value: { unknown?: UnknownAttribute[] }, attribute: UnknownAttribute): void {
  if (value.unknown === undefined) {
    value.unknown = [];
  }
  value.unknown.push(attribute);
}

function readItems<T>(reader: Reader, type: number, item: Codec<T>): T[] {
  const { end } = reader;
  const values: T[] = [];
  try {
    while (reader.offset < end) {
      const at = reader.take(NLA_HDRLEN);
      const found = reader.view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK;
      if (found !== type) {
        throw new DecodeError("", at, `want list item of type ${type}, got ${found}`);
      }
      const next = openPayload(reader, at, end);
      values.push(readPayload(reader, item, values) as T);
      reader.offset = next;
      reader.end = end;
    }
  } catch (error) {
    throw within(error, String(values.length));
  }
  return values;
}

/** Narrows the window to the payload of the attribute at `at`, whose header was taken; returns where the next one starts. */
function openPayload(reader: Reader, at: number, end: number): number {
  const length = reader.view.getUint16(at, littleEndian);
  const stop = at + length;
  if (length < NLA_HDRLEN || stop > end) {
    throw badLength(at, end, length);
  }
  reader.end = stop;
  const next = at + align(length);
  return Math.min(next, end);
}

function badLength(at: number, end: number, length: number): DecodeError {
  const problem = `want an attribute length of ${NLA_HDRLEN} to ${end - at}, got ${length}`;
  return new DecodeError("", at, problem);
}

function readPayload(reader: Reader, codec: Codec<unknown>, parent: object): unknown {
  const { size } = codec;
  if (size !== undefined) {
    const left = reader.end - reader.offset;
    if (codec.extensible === true ? left < size : left !== size) {
      throw new DecodeError("", reader.offset, `want ${size} bytes, got ${left}`);
    }
  }
  return codec.read(reader, parent);
}

function within(error: unknown, name: string): unknown {
  return error instanceof DecodeError ? error.within(name) : error;
}

function nameOfType(byType: (Field | undefined)[], type: number): string {
  return byType[type]?.name ?? `attribute ${type}`;
}

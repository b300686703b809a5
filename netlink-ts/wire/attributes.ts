/**
 * Attributes: type-length-value, aligned to four bytes, in one table that encodes, decodes and types them.
 * @see include/uapi/linux/netlink.h, struct nlattr
 * @module
 */

import type { Codec, Decoded } from "./codec.ts";
import { align, littleEndian, type Reader, type Writer } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";

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

// biome-ignore lint/suspicious/noExplicitAny: inference over every codec
type Row = readonly [type: number, codec: Codec<any>];
type Rows = Record<string, Row>;
/** What a table of attributes decodes to: what was there, and what the table does not know. */
export type AttributesValue<R extends Rows> = {
  [K in keyof R]?: Decoded<R[K][1]> | undefined;
} & { unknown?: UnknownAttribute[] | undefined };

/**
 * Describes a run of attributes by name, number and payload. Encoding follows the order of the table (the kernel's own, so
 * that a dump re-encodes to the same bytes); decoding takes any order, and a repeated attribute's last occurrence unless its
 * codec is {@link repeated}. As a payload it is a nest, with NLA_F_NESTED.
 */
export function attributes<R extends Rows>(rows: R): Codec<AttributesValue<R>> {
  const byName = Object.entries(rows);
  const byType = new Map(byName.map(([name, [type, codec]]) => [type, { name, codec }]));
  return {
    nested: true,
    write(writer, value) {
      const fields: Record<string, unknown> = value;
      for (const [name, [type, codec]] of byName) {
        const field = fields[name];
        if (field !== undefined) {
          writeField(writer, type, codec, field, value);
        }
      }
      for (const { type, bytes } of value.unknown ?? []) {
        writeAttribute(writer, type, () => writer.put(bytes));
      }
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      eachAttribute(reader, (type) => {
        const row = byType.get(type & NLA_TYPE_MASK);
        if (row === undefined) {
          const unknown = (value.unknown ??= []) as UnknownAttribute[];
          unknown.push({ type, bytes: reader.slice() });
        } else {
          value[row.name] = readField(reader, row.name, row.codec, value);
        }
      });
      return value as AttributesValue<R>;
    },
  };
}

/** The same attributes in a nest whose type carries no NLA_F_NESTED, where the kernel's own dumps leave it out. */
export function unflagged<T>(codec: Codec<T>): Codec<T> {
  return { ...codec, nested: false };
}

/** A nest that holds a list: each item is an attribute of the same type (NFTA_LIST_ELEM is 1). */
export function list<T>(item: Codec<T>, type = 1): Codec<T[]> {
  return {
    nested: true,
    write(writer, values) {
      for (const value of values) {
        writeField(writer, type, item, value, values);
      }
    },
    read(reader) {
      const values: T[] = [];
      eachAttribute(reader, (found) => {
        if ((found & NLA_TYPE_MASK) !== type) {
          const problem = `want list item of type ${type}, got ${found & NLA_TYPE_MASK}`;
          throw new DecodeError("", reader.offset - NLA_HDRLEN, problem);
        }
        values.push(readField(reader, String(values.length), item, values) as T);
      });
      return values;
    },
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

/**
 * A payload that a sibling selects, as IFLA_INFO_DATA by `kind`; the selecting attribute stands before it. What no codec of
 * the table is for stays bytes.
 */
// biome-ignore lint/suspicious/noExplicitAny: inference over every codec
export function selectedBy<T extends Record<string, Codec<any>>>(
  selector: string,
  table: T,
): Codec<Decoded<T[keyof T]> | Uint8Array> {
  const codecOf = (parent: object | undefined): Codec<unknown> | undefined => {
    const key = (parent as Record<string, unknown> | undefined)?.[selector];
    return typeof key === "string" && Object.hasOwn(table, key) ? table[key] : undefined;
  };
  return {
    nested: true,
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
}

function writeField(
  writer: Writer,
  type: number,
  codec: Codec<unknown>,
  value: unknown,
  parent: object,
): void {
  const item = (codec as Partial<Repeated<unknown>>).item;
  if (item !== undefined) {
    for (const one of value as unknown[]) {
      writeField(writer, type, item, one, parent);
    }
    return;
  }
  const flags = codec.nested ? NLA_F_NESTED : 0;
  writeAttribute(writer, type | flags, () => codec.write(writer, value, parent));
}

function writeAttribute(writer: Writer, type: number, payload: () => void): void {
  const at = writer.take(NLA_HDRLEN);
  payload();
  const length = writer.length - at;
  if (length > 0xffff) {
    throw new RangeError(`attribute ${type & NLA_TYPE_MASK} of ${length} bytes is over 65535`);
  }
  writer.view.setUint16(at, length, littleEndian);
  writer.view.setUint16(at + 2, type, littleEndian);
  writer.pad();
}

/** Narrows the reader to the payload of each attribute in turn. */
function eachAttribute(reader: Reader, visit: (type: number) => void): void {
  const end = reader.end;
  while (reader.offset < end) {
    const at = reader.take(NLA_HDRLEN);
    const length = reader.view.getUint16(at, littleEndian);
    const type = reader.view.getUint16(at + 2, littleEndian);
    if (length < NLA_HDRLEN || at + length > end) {
      const problem = `want an attribute length of ${NLA_HDRLEN} to ${end - at}, got ${length}`;
      throw new DecodeError("", at, problem);
    }
    reader.end = at + length;
    visit(type);
    reader.offset = Math.min(at + align(length), end);
    reader.end = end;
  }
}

function readField(
  reader: Reader,
  name: string,
  codec: Codec<unknown>,
  parent: object,
): unknown {
  const { offset, left } = reader;
  try {
    const { size } = codec;
    if (size !== undefined && (codec.extensible ? left < size : left !== size)) {
      throw new DecodeError("", offset, `want ${size} bytes, got ${left}`);
    }
    const value = codec.read(reader, parent);
    const earlier = (parent as Record<string, unknown>)[name];
    const joins = (codec as Partial<Repeated<unknown>>).item !== undefined && earlier !== undefined;
    return joins ? [...(earlier as unknown[]), ...(value as unknown[])] : value;
  } catch (error) {
    throw error instanceof DecodeError ? error.within(name) : error;
  }
}

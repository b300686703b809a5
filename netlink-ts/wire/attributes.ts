/**
 * Attributes: type-length-value, aligned to four bytes, in one table that encodes, decodes and types them.
 * @see include/uapi/linux/netlink.h, struct nlattr
 * @module
 */

import type { Field, ItemType, UnknownAttribute } from "./attribute-field.ts";
import { readItems, readTable } from "./attribute-reader.ts";
import { placesOf, writeItems, writeTable } from "./attribute-writer.ts";
import type { Codec, Decoded } from "./codec.ts";
import type { Reader, Writer } from "./cursor.ts";
import { bytes as bytesCodec } from "./scalars.ts";

export type { UnknownAttribute };

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
  /**
   * The same table that decodes only the named attributes; the others are stepped over, not kept as unknown. Behind the last
   * of the named ones nothing is looked at.
   */
  pick<K extends keyof T & string>(...names: K[]): Attributes<Pick<T, K>>;
}

/**
 * Describes a run of attributes by name, number and payload. Encoding follows the order of the table (the kernel's own, so
 * that a dump re-encodes to the same bytes); decoding takes any order, and a repeated attribute's last occurrence unless its
 * codec is {@link repeated}. As a payload it is a nest, with NLA_F_NESTED.
 */
export function attributes<R extends Rows>(rows: R): Attributes<AttributesValue<R>> {
  return new Table(fieldsOf(rows), true);
}

/** The same attributes in a nest whose type carries no NLA_F_NESTED, where the kernel's own dumps leave it out. */
export function unflagged<C extends Codec<unknown>>(codec: C): C {
  return Object.assign(Object.create(Object.getPrototypeOf(codec)), codec, { nested: false });
}

/** A nest nobody looked into. */
export const nestBytes: Codec<Uint8Array> = { ...bytesCodec, nested: true };

/**
 * A nest that holds a list: each item is an attribute of the same type (NFTA_LIST_ELEM is 1), or its place in the list is its
 * type, from 1 on.
 */
export function list<T>(item: Codec<T>, type: ItemType = 1): Codec<T[]> {
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

/** A class, for a program has many tables, and closures of each would be most of what a table takes. */
class Table<T extends object> implements Attributes<T> {
  readonly nested = true;
  private readonly fields: Field[];
  /** The index of each field by its name, in a table that is large. */
  private readonly places: Record<string, number> | undefined;
  private readonly byType: (Field | undefined)[];
  private readonly keeps: boolean;
  /** What is picked is decoded only until all of it is found. */
  private readonly wanted: number;

  /**
   * @param keeps whether attributes without a row are kept as unknown
   * @param picked it is a part of a table
   * @param types how many numbers the look-up holds: without holes, and without ends that are met often, engines find faster
   */
  constructor(
    fields: Field[],
    keeps: boolean,
    types = 1 + Math.max(0, ...fields.map(({ type }) => type)),
    picked = false,
  ) {
    this.fields = fields;
    this.keeps = keeps;
    this.byType = new Array(types).fill(undefined);
    for (const field of fields) this.byType[field.type] = field;
    this.places = placesOf(fields);
    const endless = !picked || keeps || fields.some(({ item }) => item !== undefined);
    this.wanted = endless ? Number.POSITIVE_INFINITY : fields.length;
  }

  write(writer: Writer, value: T): void {
    writeTable(writer, this.fields, this.places, value as Record<string, unknown>);
  }

  read(reader: Reader): T {
    return this.readInto(reader, {});
  }

  readInto<H extends object>(reader: Reader, value: H): H & T {
    const into = value as Record<string, unknown>;
    readTable(reader, this.byType, into, this.keeps, this.wanted);
    return value as H & T;
  }

  pick<K extends keyof T & string>(...names: K[]): Attributes<Pick<T, K>> {
    const chosen = this.fields.filter((field) => (names as string[]).includes(field.name));
    const keeps = (names as string[]).includes("unknown");
    return new Table(chosen, keeps, this.byType.length, true);
  }
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

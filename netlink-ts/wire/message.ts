/**
 * A message: a fixed header struct, then attributes; one object for both.
 * @module
 */

import type { Attributes, AttributesValue } from "./attributes.ts";
import type { Codec } from "./codec.ts";
import { align, Reader, Writer } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";
import { nameRange } from "./range.ts";
import type { Struct } from "./struct.ts";

/** Header fields as they are encoded: what is left out or undefined is zero. */
export type HeaderInput<H> = { [K in keyof H]?: H[K] | undefined };

/** A description of the payload of a netlink message: what follows struct nlmsghdr. */
export interface Message<H extends object, A extends object> extends Codec<H & A> {
  /** Stands first in the path of a {@link DecodeError}. */
  readonly name: string;
  /** Where the attributes start. */
  readonly headerSize: number;
  /** Header fields left out are zero, attributes left out are not sent. @throws {RangeError} naming the field */
  write(writer: Writer, value: HeaderInput<H> & A): void;
  encode(value: HeaderInput<H> & A): Uint8Array;
  /** @throws {DecodeError} with the message's name first in the path */
  parse(bytes: Uint8Array): H & A;
  /**
   * The same message that decodes its header and the named attributes and steps over the others: what a caller of a dump
   * needs is often three attributes of sixty.
   */
  pick<K extends keyof A & string>(...names: K[]): Message<H, Pick<A, K>>;
}

/**
 * Joins a header and its attributes; no name may stand in both. A message that is itself the payload of an attribute
 * (VETH_INFO_PEER) has the name "".
 */
export function message<H extends object, A extends object>(
  name: string,
  header: Struct<H>,
  attrs: Attributes<A>,
): Message<H, A> {
  return new TableMessage(name, header, attrs);
}

class TableMessage<H extends object, A extends object> implements Message<H, A> {
  readonly name: string;
  readonly headerSize: number;
  private readonly header: Struct<H>;
  private readonly attrs: Attributes<A>;

  constructor(name: string, header: Struct<H>, attrs: Attributes<A>) {
    this.name = name;
    this.headerSize = align(header.size);
    this.header = header;
    this.attrs = attrs;
  }

  write(writer: Writer, value: HeaderInput<H> & A): void {
    try {
      this.header.write(writer, value);
      writer.pad();
      this.attrs.write(writer, value);
    } catch (error) {
      throw nameRange(error, this.name);
    }
  }

  read(reader: Reader): H & A {
    try {
      const head = this.header.read(reader);
      reader.offset = Math.min(align(reader.offset), reader.end);
      return this.attrs.readInto(reader, head);
    } catch (error) {
      throw error instanceof DecodeError ? error.within(this.name) : error;
    }
  }

  encode(value: HeaderInput<H> & A): Uint8Array {
    const writer = new Writer();
    this.write(writer, value);
    return writer.finish();
  }

  parse(bytes: Uint8Array): H & A {
    return this.read(new Reader(bytes));
  }

  pick<K extends keyof A & string>(...names: K[]): Message<H, Pick<A, K>> {
    return new TableMessage(this.name, this.header, this.attrs.pick(...names));
  }
}

/** What a message is encoded from: header fields optional. */
export type MessageInput<M extends Message<any, any>> =
  M extends Message<infer H, infer A> ? HeaderInput<H> & A : never;

/** The attribute part of a table, for annotations. */
export type { AttributesValue };

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
  const headerSize = align(header.size);
  const codec: Message<H, A> = {
    name,
    headerSize,
    write(writer, value) {
      try {
        header.write(writer, value);
        writer.pad();
        attrs.write(writer, value);
      } catch (error) {
        throw nameRange(error, name);
      }
    },
    read(reader) {
      try {
        const head = header.read(reader);
        reader.offset = Math.min(align(reader.offset), reader.end);
        return attrs.readInto(reader, head);
      } catch (error) {
        throw error instanceof DecodeError ? error.within(name) : error;
      }
    },
    encode(value) {
      const writer = new Writer();
      codec.write(writer, value);
      return writer.finish();
    },
    parse: (bytes) => codec.read(new Reader(bytes)),
    pick: (...names) => message(name, header, attrs.pick(...names)),
  };
  return codec;
}

/** What a message is encoded from: header fields optional. */
export type MessageInput<M extends Message<any, any>> =
  M extends Message<infer H, infer A> ? HeaderInput<H> & A : never;

/** The attribute part of a table, for annotations. */
export type { AttributesValue };

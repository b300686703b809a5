/**
 * C structs: fields one after another, without padding of their own.
 * @module
 */

import type { Codec, Decoded } from "./codec.ts";
import type { Reader, Writer } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";

// biome-ignore lint/suspicious/noExplicitAny: inference over every codec
type Fields = Record<string, Codec<any>>;
/** Every field is there after decoding. */
export type StructValue<F extends Fields> = { [K in keyof F]: Decoded<F[K]> };
/** A codec of structs: fields left out are encoded as zero bytes. */
export interface Struct<T> extends Codec<T> {
  readonly size: number;
  write(writer: Writer, value: Partial<T>): void;
}

/**
 * Describes a C struct by its fields in order; alignment gaps are written out with {@link padding}.
 * As the payload of an attribute it may be longer than described: kernels append fields.
 */
export function struct<F extends Fields>(fields: F): Struct<StructValue<F>> {
  const entries = Object.entries(fields);
  const size = entries.reduce((sum, [name, codec]) => sum + fixedSize(name, codec), 0);
  return {
    size,
    extensible: true,
    write(writer, value) {
      for (const [name, codec] of entries) {
        const field = value[name];
        if (field === undefined) {
          writer.take(codec.size ?? 0);
        } else {
          codec.write(writer, field);
        }
      }
    },
    read: (reader) => readFields(reader, entries, size) as StructValue<F>,
  };
}

/** `size` bytes that mean nothing; name the field `_` and it stays out of the way. */
export function padding(size: number): Codec<undefined> {
  return {
    size,
    write: (writer) => void writer.take(size),
    read: (reader) => void reader.take(size),
  };
}

function readFields(reader: Reader, entries: [string, Codec<unknown>][], size: number): object {
  if (reader.left < size) {
    throw new DecodeError("", reader.offset, `want ${size} bytes, got ${reader.left}`);
  }
  const value: Record<string, unknown> = {};
  for (const [name, codec] of entries) {
    const field = codec.read(reader);
    if (field !== undefined) {
      value[name] = field;
    }
  }
  return value;
}

function fixedSize(name: string, codec: Codec<unknown>): number {
  if (codec.size === undefined) {
    throw new TypeError(`struct field "${name}" has no fixed size`);
  }
  return codec.size;
}

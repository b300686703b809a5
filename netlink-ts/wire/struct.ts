/**
 * C structs: fields one after another, without padding of their own.
 * @module
 */

import type { Codec, Decoded } from "./codec.ts";
import type { Reader, Writer } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";
import { nameRange } from "./range.ts";

type Fields = Record<string, Codec<any>>;
/** Every field is there after decoding. */
export type StructValue<F extends Fields> = { [K in keyof F]: Decoded<F[K]> };
/** A codec of structs: fields left out are encoded as zero bytes. */
export interface Struct<T> extends Codec<T> {
  readonly size: number;
  write(writer: Writer, value: { [K in keyof T]?: T[K] | undefined }): void;
}

/**
 * Describes a C struct by its fields in order; alignment gaps are written out with {@link padding}.
 * As the payload of an attribute it may be longer than described: kernels append fields.
 */
export function struct<F extends Fields>(fields: F): Struct<StructValue<F>> {
  const names = Object.keys(fields);
  const codecs = Object.values(fields);
  const sizes = names.map((name, index) => fixedSize(name, codecs[index] as Codec<unknown>));
  const size = sizes.reduce((sum, one) => sum + one, 0);
  return {
    size,
    extensible: true,
    write(writer, value) {
      for (let index = 0; index < names.length; index++) {
        const name = names[index] as string;
        const field = value[name];
        if (field === undefined) {
          writer.take(sizes[index] as number);
        } else {
          writeField(writer, name, codecs[index] as Codec<unknown>, field);
        }
      }
    },
    read(reader) {
      if (reader.left < size) {
        throw new DecodeError("", reader.offset, `want ${size} bytes, got ${reader.left}`);
      }
      return readFields(reader, names, codecs) as StructValue<F>;
    },
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

function writeField(writer: Writer, name: string, codec: Codec<unknown>, field: unknown): void {
  try {
    codec.write(writer, field);
  } catch (error) {
    throw nameRange(error, name);
  }
}

function readFields(reader: Reader, names: string[], codecs: Codec<unknown>[]): object {
  const value: Record<string, unknown> = {};
  for (let index = 0; index < names.length; index++) {
    const field = (codecs[index] as Codec<unknown>).read(reader);
    if (field !== undefined) {
      value[names[index] as string] = field;
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

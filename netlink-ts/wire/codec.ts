/**
 * What every description of bytes can do.
 * @module
 */

import { Reader, Writer } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";

/** Turns values into bytes and back. `parent` is the object the value lies in, for codecs that a sibling selects. */
export interface Codec<T> {
  /** Bytes it takes; undefined when that depends on the value. */
  readonly size?: number;
  /** Attribute payloads of a struct may be longer than we know it; scalars may not. */
  readonly extensible?: boolean;
  /** Attribute payloads of this codec are marked NLA_F_NESTED. */
  readonly nested?: boolean;
  write(writer: Writer, value: T, parent?: object): void;
  /** Reads at the reader's offset, to its end when the size is not fixed. @throws {DecodeError} */
  read(reader: Reader, parent?: object): T;
}

/** The value a codec, attribute table or message decodes to. */
export type Decoded<C extends Codec<any>> = C extends { read(reader: Reader): infer T } ? T : never;

/** Encodes one value on its own. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer(256);
  codec.write(writer, value);
  return writer.finish();
}

/** Decodes one value from all of `bytes`. @throws {DecodeError} when they do not fit, or bytes are left over */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): T {
  const reader = new Reader(bytes);
  const value = codec.read(reader);
  if (reader.left > 0) {
    throw new DecodeError("", reader.offset, `want the end, got ${reader.left} more bytes`);
  }
  return value;
}

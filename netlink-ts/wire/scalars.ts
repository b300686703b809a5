/**
 * Scalars. Byte order is part of the type: `u32` is the machine's, `u32be` the network's.
 * @module
 */

import type { Codec } from "./codec.ts";
import { littleEndian as host, type Reader, type Writer } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";
import { rangeError } from "./range.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

// A write takes its room first and looks the view up afterwards: taking may replace the view.

/** 0…255. */
export const u8: Codec<number> = {
  size: 1,
  write(writer, value) {
    if ((value & 0xff) !== value) {
      throw notIn("0 to 255", value);
    }
    const at = writer.take(1);
    writer.view.setUint8(at, value);
  },
  read: (reader) => reader.view.getUint8(reader.take(1)),
};

/** Host order. */
export const u16 = integer16(host);
/** Network order. */
export const u16be = integer16(false);
/** Host order. */
export const u32 = integer32(host);
/** Network order. */
export const u32be = integer32(false);
/** Host order, a bigint. */
export const u64 = integer64(host);
/** Network order, a bigint. */
export const u64be = integer64(false);

/** Signed, host order. */
export const i32: Codec<number> = {
  size: 4,
  write(writer, value) {
    if ((value | 0) !== value) {
      throw notIn("-2147483648 to 2147483647", value);
    }
    const at = writer.take(4);
    writer.view.setInt32(at, value, host);
  },
  read: (reader) => reader.view.getInt32(reader.take(4), host),
};

/** Signed, network order: nf_tables' verdicts and priorities. */
export const i32be: Codec<number> = {
  size: 4,
  write(writer, value) {
    const at = writer.take(4);
    writer.view.setInt32(at, value);
  },
  read: (reader) => reader.view.getInt32(reader.take(4)),
};

/** An attribute that says something by being there: no bytes, `true`. */
export const flag: Codec<true> = { size: 0, write: () => {}, read: () => true };

/** Text with a closing NUL. Decoding stops at the first NUL and takes text without one. */
export const cstring: Codec<string> = {
  write(writer, value) {
    writeText(writer, value);
    writer.take(1);
  },
  read: readText,
};

/** Text without a closing NUL; decodes as {@link cstring}. */
export const string: Codec<string> = {
  write: writeText,
  read: readText,
};

/** All bytes there are. */
export const bytes: Codec<Uint8Array> = {
  write: (writer, value) => writer.put(value),
  read: (reader) => reader.slice(),
};

/** An IP address: 4 or 16 bytes. */
export const ip = bytesOf(4, 16);
/** A hardware address: 6 bytes, 8 (EUI-64), or 20 (InfiniBand). */
export const mac = bytesOf(6, 8, 20);

/** Exactly `size` bytes; shorter values are filled up with zeroes. */
export function fixed(size: number): Codec<Uint8Array> {
  return {
    size,
    write(writer, value) {
      if (value.length > size) {
        throw rangeError(`want at most ${size} bytes, got ${value.length}`);
      }
      writer.put(value);
      writer.take(size - value.length);
    },
    read: (reader) => reader.slice(size),
  };
}

function notIn(range: string, value: number | bigint): RangeError {
  return rangeError(`want ${range}, got ${value}`);
}

function writeText(writer: Writer, value: string): void {
  if (value.includes("\0")) {
    throw rangeError(`want text without NUL, got ${JSON.stringify(value)}`);
  }
  writer.put(encoder.encode(value));
}

function readText(reader: Reader): string {
  const all = reader.slice();
  const nul = all.indexOf(0);
  return decoder.decode(nul < 0 ? all : all.subarray(0, nul));
}

function bytesOf(...sizes: number[]): Codec<Uint8Array> {
  const wanted = `${sizes.slice(0, -1).join(", ")} or ${sizes.at(-1)} bytes`;
  return {
    write(writer, value) {
      if (!sizes.includes(value.length)) {
        throw rangeError(`want ${wanted}, got ${value.length}`);
      }
      writer.put(value);
    },
    read(reader) {
      if (!sizes.includes(reader.left)) {
        throw new DecodeError("", reader.offset, `want ${wanted}, got ${reader.left}`);
      }
      return reader.slice();
    },
  };
}

function integer16(little: boolean): Codec<number> {
  return {
    size: 2,
    write(writer, value) {
      if ((value & 0xffff) !== value) {
        throw notIn("0 to 65535", value);
      }
      const at = writer.take(2);
      writer.view.setUint16(at, value, little);
    },
    read: (reader) => reader.view.getUint16(reader.take(2), little),
  };
}

function integer32(little: boolean): Codec<number> {
  return {
    size: 4,
    write(writer, value) {
      if (value >>> 0 !== value) {
        throw notIn("0 to 4294967295", value);
      }
      const at = writer.take(4);
      writer.view.setUint32(at, value, little);
    },
    read: (reader) => reader.view.getUint32(reader.take(4), little),
  };
}

function integer64(little: boolean): Codec<bigint> {
  return {
    size: 8,
    write(writer, value) {
      if (BigInt.asUintN(64, value) !== value) {
        throw notIn("0 to 18446744073709551615", value);
      }
      const at = writer.take(8);
      writer.view.setBigUint64(at, value, little);
    },
    read: (reader) => reader.view.getBigUint64(reader.take(8), little),
  };
}

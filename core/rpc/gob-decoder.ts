/**
 * Reads a gob stream, whatever types its sender describes, into plain values.
 *
 * A struct becomes an object by its field names, without the fields that are zero, which are not sent; a slice or array
 * a list; `[]byte` and values that encode themselves bytes; a map a Map; integers become numbers where these are exact,
 * else bigints; a value in an interface `{ type, value }`.
 * @module
 */

import { Reader } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { joinBytes } from "../bytes.ts";
import { builtIn, FIRST_ID, type GobType, readFields, readText, readType } from "./gob-types.ts";
import { readBytes, readCount, readFloat, readInt, readUint } from "./gob-wire.ts";

/** More than any configuration has. */
const LONGEST_MESSAGE = 16 * 1024 * 1024;
const DEEPEST = 100;
/** So many bytes a length takes at most. */
const LONGEST_LENGTH = 9;
const MOST_TYPES = 10_000;

/** The values of one stream: what a type means is said once in it. */
export class GobDecoder {
  readonly #types = new Map<number, GobType>();
  #pending = new Uint8Array();

  /**
   * Takes bytes as they come and gives back the values that are whole now.
   * @throws {DecodeError} the stream is of no use after that
   */
  feed(bytes: Uint8Array): unknown[] {
    this.#pending = joinBytes(this.#pending, bytes);
    const values: unknown[] = [];
    for (let message = this.#next(); message !== undefined; message = this.#next()) {
      this.#read(message, values);
    }
    return values;
  }

  /** One message without its length; undefined when it is not there whole. */
  #next(): Reader | undefined {
    const reader = new Reader(this.#pending);
    if (!hasLength(reader)) return undefined;
    const length = readCount(reader, LONGEST_MESSAGE);
    if (length > reader.left) return undefined;
    const start = reader.offset;
    this.#pending = this.#pending.subarray(start + length);
    return new Reader(reader.bytes.subarray(start, start + length));
  }

  /** A negative id defines a type, a positive one stands before a value of that type. */
  #read(reader: Reader, values: unknown[]): void {
    try {
      const id = Number(readInt(reader));
      if (id < 0) this.#define(-id, reader);
      else values.push(this.#topLevel(id, reader));
    } catch (error) {
      throw error instanceof DecodeError ? error.within("gob") : error;
    }
    if (reader.left > 0) {
      throw new DecodeError("gob", reader.offset, `want the end, got ${reader.left} more bytes`);
    }
  }

  #define(id: number, reader: Reader): void {
    if (id < FIRST_ID || this.#types.has(id) || this.#types.size >= MOST_TYPES) {
      throw new DecodeError("type", reader.offset, `want a new id from ${FIRST_ID} on, got ${id}`);
    }
    this.#types.set(id, readType(reader));
  }

  /** What is no struct has a zero in front, as if it were the first field of one. */
  #topLevel(id: number, reader: Reader): unknown {
    if (this.#types.get(id)?.kind !== "struct") {
      const at = reader.offset;
      const zero = readUint(reader);
      if (zero !== 0n) throw new DecodeError("value", at, `want 0 before it, got ${zero}`);
    }
    return this.#value(id, reader, 0);
  }

  #value(id: number, reader: Reader, depth: number): unknown {
    if (depth > DEEPEST) {
      throw new DecodeError("value", reader.offset, `want at most ${DEEPEST} levels, got more`);
    }
    const type = this.#types.get(id);
    return type === undefined
      ? this.#builtIn(id, reader, depth)
      : this.#described(type, reader, depth + 1);
  }

  #builtIn(id: number, reader: Reader, depth: number): unknown {
    switch (id) {
      case builtIn.bool:
        return readUint(reader) !== 0n;
      case builtIn.int:
        return plainNumber(readInt(reader));
      case builtIn.uint:
        return plainNumber(readUint(reader));
      case builtIn.float:
        return readFloat(reader);
      case builtIn.bytes:
        return readBytes(reader);
      case builtIn.string:
        return readText(reader);
      case builtIn.complex:
        return [readFloat(reader), readFloat(reader)];
      case builtIn.interface:
        return this.#interface(reader, depth + 1);
    }
    throw new DecodeError("type", reader.offset, `want a type that was described, got ${id}`);
  }

  #described(type: GobType, reader: Reader, depth: number): unknown {
    switch (type.kind) {
      case "struct":
        return this.#struct(type, reader, depth);
      case "opaque":
        return readBytes(reader);
      case "map": {
        const entries = this.#repeat(reader, () => {
          const key = this.#value(type.key, reader, depth);
          return [key, this.#value(type.element, reader, depth)] as const;
        });
        return new Map(entries);
      }
      default:
        return this.#repeat(reader, () => this.#value(type.element, reader, depth));
    }
  }

  #struct(type: GobType & { kind: "struct" }, reader: Reader, depth: number): object {
    const entries: [string, unknown][] = [];
    readFields(reader, (number) => {
      const field = type.fields[number - 1];
      if (field === undefined) {
        const wanted = `want a field of ${type.name} up to ${type.fields.length}, got ${number}`;
        throw new DecodeError("value", reader.offset, wanted);
      }
      entries.push([field.name, this.#value(field.type, reader, depth)]);
    });
    return Object.fromEntries(entries);
  }

  /** An empty struct takes one byte, all else takes one or more: so a count is never over what is left. */
  #repeat<T>(reader: Reader, read: () => T): T[] {
    const count = readCount(reader, reader.left);
    return Array.from({ length: count }, read);
  }

  /** Name of the concrete type; an empty one stands for nil. Then its id, and the value with its length and a zero. */
  #interface(reader: Reader, depth: number): unknown {
    const type = readText(reader);
    if (type === "") return undefined;
    const id = Number(readInt(reader));
    readCount(reader, reader.left);
    if (this.#types.get(id)?.kind !== "struct") readUint(reader);
    return { type, value: this.#value(id, reader, depth) };
  }
}

/** Whether the number at the reader's place is there whole. */
function hasLength({ bytes }: Reader): boolean {
  const [first] = bytes;
  if (first === undefined) return false;
  const size = first < 128 ? 1 : 1 + (256 - first);
  return size > LONGEST_LENGTH || bytes.length >= size; // too long a number is refused when it is read
}

function plainNumber(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

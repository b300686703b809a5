/**
 * Decodes attributes.
 * @module
 */

import {
  type Field,
  type ItemType,
  itemType,
  NLA_HDRLEN,
  NLA_TYPE_MASK,
  type UnknownAttribute,
} from "./attribute-field.ts";
import type { Codec } from "./codec.ts";
import { align, littleEndian, type Reader } from "./cursor.ts";
import { DecodeError } from "./decode-error.ts";

/**
 * Decodes attributes to the end of the window. A dump's reader spends its time here, so a header is one read, and an attribute
 * that nobody wants costs no call.
 * @param wanted after so many attributes that have a row, the rest is not looked at
 */
export function readTable(
  reader: Reader,
  byType: (Field | undefined)[],
  value: Record<string, unknown>,
  keeps: boolean,
  wanted: number,
): void {
  const { view, end } = reader;
  let at = reader.offset;
  let type = -1;
  let left = wanted;
  try {
    while (at < end && left > 0) {
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
          left--;
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

/** Decodes a list, each item an attribute of the same type, or of its place as type. */
export function readItems<T>(reader: Reader, type: ItemType, item: Codec<T>): T[] {
  const { end } = reader;
  const values: T[] = [];
  try {
    while (reader.offset < end) {
      const at = reader.take(NLA_HDRLEN);
      const found = reader.view.getUint16(at + 2, littleEndian) & NLA_TYPE_MASK;
      const wanted = itemType(type, values.length);
      if (found !== wanted) {
        throw new DecodeError("", at, `want list item of type ${wanted}, got ${found}`);
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

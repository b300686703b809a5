/**
 * Encodes attributes.
 * @module
 */

import {
  type Field,
  type ItemType,
  itemType,
  NLA_F_NESTED,
  NLA_HDRLEN,
  type UnknownAttribute,
} from "./attribute-field.ts";
import type { Codec } from "./codec.ts";
import { littleEndian, type Writer } from "./cursor.ts";
import { nameRange, rangeError } from "./range.ts";

/** From how many rows on the fields of the value are gone through, and not those of the table: a link has 70, and is sent with five. */
const LARGE_TABLE = 8;

/**
 * Encodes the fields that an object has, in the order of the table, and then what it keeps as unknown.
 * @param places of {@link placesOf}
 */
export function writeTable(
  writer: Writer,
  fields: Field[],
  places: Readonly<Record<string, number>> | undefined,
  value: Record<string, unknown>,
): void {
  let name = "";
  try {
    const found = places === undefined ? undefined : presentFields(places, value);
    const count = found?.length ?? fields.length;
    for (let index = 0; index < count; index++) {
      const field = fields[found === undefined ? index : (found[index] as number)] as Field;
      const content = value[field.name];
      if (content !== undefined) {
        name = field.name;
        writeField(writer, field, content, value);
      }
    }
    name = "unknown";
    for (const { type, bytes } of (value.unknown ?? []) as UnknownAttribute[]) {
      const at = writer.take(NLA_HDRLEN);
      writer.put(bytes);
      finishAttribute(writer, at, type);
    }
  } catch (error) {
    throw nameRange(error, name);
  }
}

/** The index of each field by its name; undefined for a table so small that its rows are gone through. */
export function placesOf(fields: readonly Field[]): Record<string, number> | undefined {
  if (fields.length < LARGE_TABLE) return undefined;
  const places: Record<string, number> = Object.create(null);
  fields.forEach(({ name }, index) => {
    places[name] = index;
  });
  return places;
}

/** Indexes of the fields that the object has, ascending. */
function presentFields(places: Readonly<Record<string, number>>, value: object): number[] {
  const found: number[] = [];
  for (const name in value) {
    const place = places[name];
    if (place === undefined) {
      continue;
    }
    let at = found.length;
    for (; at > 0 && (found[at - 1] as number) > place; at--) {
      found[at] = found[at - 1] as number;
    }
    found[at] = place;
  }
  return found;
}

function writeField(writer: Writer, field: Field, content: unknown, parent: object): void {
  if (field.item === undefined) {
    writeAttribute(writer, field.type, field.codec, content, parent);
  } else {
    for (const one of content as unknown[]) {
      writeAttribute(writer, field.type, field.item, one, parent);
    }
  }
}

/** Encodes a list, each item as an attribute of the same type, or of its place as type. */
export function writeItems<T>(writer: Writer, values: T[], type: ItemType, item: Codec<T>): void {
  let index = 0;
  try {
    for (; index < values.length; index++) {
      writeAttribute(writer, itemType(type, index), item, values[index], values);
    }
  } catch (error) {
    throw nameRange(error, String(index));
  }
}

function writeAttribute(
  writer: Writer,
  type: number,
  codec: Codec<unknown>,
  content: unknown,
  parent: object,
): void {
  const at = writer.take(NLA_HDRLEN);
  codec.write(writer, content, parent);
  finishAttribute(writer, at, codec.nested === true ? type | NLA_F_NESTED : type);
}

/** Fills in the header of the attribute that starts at `at` and pads it. */
function finishAttribute(writer: Writer, at: number, type: number): void {
  const length = writer.length - at;
  if (length > 0xffff) {
    throw rangeError(`want at most 65535 bytes in one attribute, got ${length}`);
  }
  writer.view.setUint16(at, length, littleEndian);
  writer.view.setUint16(at + 2, type, littleEndian);
  writer.pad();
}

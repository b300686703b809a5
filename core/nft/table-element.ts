/**
 * Elements of our sets and maps as plain values: made by the builders beside this file, sent by `addElements` and
 * `removeElements`, kept in attachment records as text.
 * @module
 */

import { type DataType, joinFields, slotLength } from "netlink-ts/nftables/data-types.ts";
import type { Element } from "netlink-ts/nftables/element.ts";
import { commentUserData } from "netlink-ts/nftables/user-data.ts";
import { fromHex, sameBytes, toHex } from "../bytes.ts";
import { type SetName, sets, type TableSet } from "./sets.ts";

/** One element: bytes as the kernel has them, fields padded to four each. */
export interface TableElement {
  readonly set: SetName;
  /** The key, or the first one of an interval. */
  readonly key: Uint8Array;
  /** The last key of an interval, inclusive field by field. */
  readonly keyEnd?: Uint8Array;
  /** What a map maps to. */
  readonly data?: Uint8Array;
  /** `ownerText` of the attachment; absent for what pods share. */
  readonly owner?: string;
}

type Fields = readonly Uint8Array[];

/** What an element may have beside its key. */
export interface ElementParts {
  readonly keyEnd?: Fields;
  readonly data?: Fields;
  readonly owner?: string | undefined;
}

/** Makes an element from the fields of its key. @throws {RangeError} for a field that is too long */
export function tableElement(set: SetName, key: Fields, parts: ElementParts = {}): TableElement {
  const types: TableSet = sets[set];
  const { keyEnd, data, owner } = parts;
  return {
    set,
    key: joinFields(types.key, key),
    ...(keyEnd && { keyEnd: joinFields(types.key, keyEnd) }),
    ...(data && { data: joinFields(types.data ?? [], data) }),
    ...(owner !== undefined && { owner }),
  };
}

/** An interface name as a field: at most 15 bytes. */
export function ifnameField(name: string): Uint8Array {
  return new TextEncoder().encode(name);
}

/** A port number as a field. */
export function portField(port: number): Uint8Array {
  return new Uint8Array([port >> 8, port & 0xff]);
}

/** The element as it is added. */
export function wholeElement({ key, keyEnd, data, owner }: TableElement): Element {
  return {
    key: { value: key },
    keyEnd: keyEnd && { value: keyEnd },
    data: data && { value: data },
    userdata: owner === undefined ? undefined : commentUserData(owner),
  };
}

/** The element as it is asked for and deleted: by key. */
export function elementKey({ key, keyEnd }: TableElement): Element {
  return { key: { value: key }, keyEnd: keyEnd && { value: keyEnd } };
}

/** True when both stand in the same place: set, key and, for intervals, end of the key. */
export function samePlace(one: TableElement, other: TableElement): boolean {
  return (
    one.set === other.set &&
    sameBytes(one.key, other.key) &&
    sameBytes(one.keyEnd ?? one.key, other.keyEnd ?? other.key)
  );
}

/** The elements without those that stand in the place of an earlier one. */
export function eachPlaceOnce(elements: readonly TableElement[]): TableElement[] {
  const taken = new Set<string>();
  return elements.filter((element) => {
    const place = placeText(element);
    return !taken.has(place) && taken.add(place);
  });
}

function placeText({ set, key, keyEnd }: TableElement): string {
  return `${set} ${toHex(key)}${keyEnd === undefined ? "" : `-${toHex(keyEnd)}`}`;
}

/** Elements as text for a record, one each: `any4 060000001f900000=0a47000200500000`; the owner is the record's. */
export function encodeElements(elements: readonly TableElement[]): string[] {
  return elements.map((element) => {
    const { data } = element;
    return `${placeText(element)}${data === undefined ? "" : `=${toHex(data)}`}`;
  });
}

const recorded = /^(\w+) ([0-9a-f]+)(?:-([0-9a-f]+))?(?:=([0-9a-f]+))?$/;

/**
 * Reads what {@link encodeElements} wrote; lines that are none, sets of another version, and keys that do not fit their set
 * are left out.
 */
export function decodeElements(lines: readonly string[], owner?: string): TableElement[] {
  return lines.flatMap((line) => {
    const [, set = "", key = "", keyEnd, data] = recorded.exec(line) ?? [];
    if (!Object.hasOwn(sets, set)) return [];
    const types: TableSet = sets[set as SetName];
    if (!fits(key, types.key) || (keyEnd !== undefined && !fits(keyEnd, types.key))) return [];
    if ((keyEnd !== undefined && !types.interval) || !fits(data ?? "", types.data ?? [])) return [];
    return {
      set: set as SetName,
      key: fromHex(key),
      ...(keyEnd !== undefined && { keyEnd: fromHex(keyEnd) }),
      ...(data !== undefined && { data: fromHex(data) }),
      ...(owner !== undefined && { owner }),
    };
  });
}

function fits(digits: string, types: readonly DataType[]): boolean {
  return digits.length === 2 * slotLength(types);
}

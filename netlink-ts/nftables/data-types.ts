/**
 * What nft(8) calls the types of keys and data: numbers and user data that let it list a set as it was described. The kernel
 * reads the lengths alone.
 * @see nftables, include/datatype.h; libnftnl, include/libnftnl/udata.h
 * @module
 */

import { encode } from "../wire/codec.ts";
import { u32 } from "../wire/scalars.ts";
import { NFT_SET_CONCAT, NFT_SET_INTERVAL, NFT_SET_MAP, type SetMessage } from "./set.ts";
import { joinUserData, userData } from "./user-data.ts";

/** One type: nft's number, its length in bytes, and nft's number of the byte order. */
export interface DataType {
  readonly id: number;
  readonly length: number;
  readonly byteOrder: number;
}

const HOST_ENDIAN = 1;
const BIG_ENDIAN = 2;

/** Types of nft, under its own names: `ipv4_addr`, `ether_addr`, `inet_service` and so on. */
export const ipv4Addr: DataType = { id: 7, length: 4, byteOrder: BIG_ENDIAN };
export const ipv6Addr: DataType = { id: 8, length: 16, byteOrder: BIG_ENDIAN };
export const etherAddr: DataType = { id: 9, length: 6, byteOrder: BIG_ENDIAN };
export const inetProto: DataType = { id: 12, length: 1, byteOrder: BIG_ENDIAN };
export const inetService: DataType = { id: 13, length: 2, byteOrder: BIG_ENDIAN };
export const ifname: DataType = { id: 41, length: 16, byteOrder: HOST_ENDIAN };
/** Raw bytes of a header, as `@th,64,128`: nft's type integer. */
export function rawBytes(length: number): DataType {
  return { id: 4, length, byteOrder: BIG_ENDIAN };
}

/** A set, or with `data` a map: the fields of its key and of what it maps to. */
export interface SetDescription {
  readonly key: readonly DataType[];
  readonly data?: readonly DataType[];
  /** Keys are intervals, field by field. */
  readonly interval?: boolean;
  /** What the key was written as, for keys that have no named type; see {@link typeofKey}. */
  readonly keyTypeof?: Uint8Array;
}

/** Bits of nft's number a field of a concatenation takes. */
const TYPE_BITS = 6;

/** The types, lengths, flags and user data of a set; table, name and id are the caller's. */
export function describeSet(
  description: SetDescription,
): Omit<SetMessage, "family" | "version" | "resourceId"> {
  const { key, data, interval = false } = description;
  const pipapo = interval && key.length > 1;
  return {
    flags:
      (interval ? NFT_SET_INTERVAL : 0) | (data ? NFT_SET_MAP : 0) | (pipapo ? NFT_SET_CONCAT : 0),
    keyType: typeId(key),
    keyLength: slotLength(key),
    ...(data && { dataType: typeId(data), dataLength: slotLength(data) }),
    ...(pipapo && { description: { fields: key.map(({ length }) => ({ length })) } }),
    userdata: setUserData(description),
  };
}

/** Bytes a key or data takes: every field whole 4-byte slots. */
export function slotLength(fields: readonly DataType[]): number {
  return fields.length === 1
    ? fields[0]!.length
    : fields.reduce((sum, { length }) => sum + slots(length), 0);
}

/** Joins the fields of a key or data, each padded with zeroes to whole 4-byte slots. @throws {RangeError} for a field too long */
export function joinFields(types: readonly DataType[], fields: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(slotLength(types));
  let at = 0;
  types.forEach(({ length }, index) => {
    const field = fields[index]!;
    if (field.length > length) {
      throw new RangeError(`want at most ${length} bytes in field ${index}, got ${field.length}`);
    }
    joined.set(field, at);
    at += slots(length);
  });
  return joined;
}

function slots(length: number): number {
  return (length + 3) & ~3;
}

function typeId(fields: readonly DataType[]): number {
  return fields.reduce((id, field) => (id << TYPE_BITS) | field.id, 0);
}

// ---- user data of sets: enum nftnl_udata_set_types

const KEY_BYTE_ORDER = 0;
const DATA_BYTE_ORDER = 1;
const MERGE_ELEMENTS = 2;
const KEY_TYPEOF = 3;
const DATA_TYPEOF = 4;
const DATA_INTERVAL = 6;

const TYPEOF_EXPRESSION = 0;
const TYPEOF_DATA = 1;

/** nft's numbers of the expressions a typeof may hold. */
const EXPR_PAYLOAD = 7;
const EXPR_META = 9;
const EXPR_CONCAT = 13;

function setUserData({ key, data, interval = false, keyTypeof }: SetDescription): Uint8Array {
  const triples = [number(KEY_BYTE_ORDER, byteOrder(key))];
  if (data !== undefined) {
    triples.push(number(DATA_BYTE_ORDER, byteOrder(data)));
  }
  if (interval && key.length === 1) {
    triples.push(number(MERGE_ELEMENTS, 0));
  }
  if (key.length > 1) {
    triples.push(userData(KEY_TYPEOF, keyTypeof ?? typeofExpression(EXPR_CONCAT)));
  }
  if (data !== undefined) {
    if (data.length > 1) {
      triples.push(userData(DATA_TYPEOF, typeofExpression(EXPR_CONCAT)));
    }
    triples.push(number(DATA_INTERVAL, 0));
  }
  return joinUserData(...triples);
}

/** What `typeof` was written with: a concatenation of {@link typeofMeta} and {@link typeofPayload}. */
export function typeofKey(...parts: Uint8Array[]): Uint8Array {
  return typeofExpression(EXPR_CONCAT, ...parts.map((part, index) => userData(index, part)));
}

/** `meta` key in a typeof. @param key NFT_META_* */
export function typeofMeta(key: number): Uint8Array {
  return typeofExpression(EXPR_META, number(0, key));
}

/** `@th,64,128` in a typeof. @param base nft's number of the header: 3 is transport. @param offset and length in bits */
export function typeofPayload(base: number, offset: number, length: number): Uint8Array {
  const unnamed = [number(0, 0), number(1, 0)];
  const place = [number(2, base), number(3, offset), number(4, length)];
  return typeofExpression(EXPR_PAYLOAD, ...unnamed, ...place);
}

function typeofExpression(id: number, ...data: Uint8Array[]): Uint8Array {
  return joinUserData(number(TYPEOF_EXPRESSION, id), userData(TYPEOF_DATA, joinUserData(...data)));
}

/** Host order, as nft writes it. */
function number(type: number, value: number): Uint8Array {
  return userData(type, encode(u32, value));
}

function byteOrder(fields: readonly DataType[]): number {
  return fields.length === 1 ? fields[0]!.byteOrder : 0;
}

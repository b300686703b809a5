/**
 * What the reader and the writer of attributes have in common.
 * @see include/uapi/linux/netlink.h, struct nlattr
 * @module
 */

import type { Codec } from "./codec.ts";

/** The payload is attributes itself. */
export const NLA_F_NESTED = 0x8000;
/** Leaves the number of a type, without its flag bits. */
export const NLA_TYPE_MASK = 0x3fff;
/** sizeof(struct nlattr): length u16, type u16. */
export const NLA_HDRLEN = 4;

/** An attribute the table does not know, kept so that nothing is lost when the message is sent back. */
export interface UnknownAttribute {
  /** With its flag bits. */
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** One row, ready for the loops. */
export interface Field {
  readonly name: string;
  readonly type: number;
  readonly codec: Codec<unknown>;
  /** The codec of one of several, for {@link repeated}. */
  readonly item: Codec<unknown> | undefined;
  /** Names of the siblings whose payload this one selects. */
  readonly selects: readonly string[] | undefined;
}

/** The type of a list's items: one number for all, or the place of each, the first 1. */
export type ItemType = number | "place";

/** The type of the item at an index. */
export function itemType(type: ItemType, index: number): number {
  return type === "place" ? index + 1 : type;
}

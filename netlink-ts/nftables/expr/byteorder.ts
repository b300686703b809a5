/**
 * byteorder: turns a register's bytes around.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_byteorder_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

export const NFT_BYTEORDER_NTOH = 0;
export const NFT_BYTEORDER_HTON = 1;

/** Converts `length` bytes in units of `size`. */
export const byteorder = expression(
  "byteorder",
  attributes({
    sreg: [1, u32be],
    dreg: [2, u32be],
    /** NFT_BYTEORDER_* */
    operator: [3, u32be],
    length: [4, u32be],
    size: [5, u32be],
  }),
);

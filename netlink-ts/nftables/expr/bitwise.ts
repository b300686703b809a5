/**
 * bitwise: `dreg = (sreg & mask) ^ xor`.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_bitwise_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { data } from "../data.ts";
import { expression } from "./expression.ts";

/** NFT_BITWISE_BOOL: mask and xor. Other operators shift, with `data`. */
export const NFT_BITWISE_MASK_XOR = 0;

/** Works on `length` bytes. */
export const bitwise = expression(
  "bitwise",
  attributes({
    sreg: [1, u32be],
    dreg: [2, u32be],
    /** NFT_BITWISE_*; left out it is NFT_BITWISE_MASK_XOR. */
    operator: [6, u32be],
    length: [3, u32be],
    mask: [4, data],
    xor: [5, data],
    data: [7, data],
    sreg2: [8, u32be],
  }),
);

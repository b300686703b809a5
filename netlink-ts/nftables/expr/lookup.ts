/**
 * lookup: goes on if a set has the key in a register; a map's data lands in `dreg`.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_lookup_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { cstring, u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

/** Goes on if the set does not have it. */
export const NFT_LOOKUP_F_INV = 1;

/** Looks a key up. */
export const lookup = expression(
  "lookup",
  attributes({
    sreg: [2, u32be],
    dreg: [3, u32be],
    set: [1, cstring],
    /** A set made in the same batch. */
    setId: [4, u32be],
    /** NFT_LOOKUP_F_INV */
    flags: [5, u32be],
  }),
);

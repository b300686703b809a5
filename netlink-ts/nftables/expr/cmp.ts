/**
 * cmp: goes on if a register holds what is wanted.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_cmp_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { data } from "../data.ts";
import { expression } from "./expression.ts";

export const NFT_CMP_EQ = 0;
export const NFT_CMP_NEQ = 1;

/** Compares as many bytes as `data` has. */
export const cmp = expression(
  "cmp",
  attributes({
    sreg: [1, u32be],
    /** NFT_CMP_* */
    operator: [2, u32be],
    data: [3, data],
  }),
);

/**
 * fib: what the routing table says of an address of the packet.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_fib_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

/** Look the destination up. */
export const NFTA_FIB_F_DADDR = 2;
/** The type of the address: RTN_LOCAL is 2, host order. */
export const NFT_FIB_RESULT_ADDRTYPE = 3;

/** Looks up what `flags` name and puts `result` into `dreg`. */
export const fib = expression(
  "fib",
  attributes({
    /** NFTA_FIB_F_* */
    flags: [3, u32be],
    /** NFT_FIB_RESULT_* */
    result: [2, u32be],
    dreg: [1, u32be],
  }),
);

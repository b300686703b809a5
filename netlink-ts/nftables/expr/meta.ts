/**
 * meta: what the kernel knows of a packet beside its bytes, into a register or out of one.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_meta_keys, enum nft_meta_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

/** The EtherType of the payload, network order. */
export const NFT_META_PROTOCOL = 1;
/** The mark, host order. */
export const NFT_META_MARK = 3;
/** Interface indexes, host order. */
export const NFT_META_IIF = 4;
/** Interface names, 16 bytes. */
export const NFT_META_IIFNAME = 6;
export const NFT_META_OIFNAME = 7;
/** NFPROTO_IPV4 or NFPROTO_IPV6, one byte. */
export const NFT_META_NFPROTO = 15;
/** The transport protocol, one byte. */
export const NFT_META_L4PROTO = 16;

/** Reads `key` into `dreg`, or sets it from `sreg`. */
export const meta = expression(
  "meta",
  attributes({
    /** NFT_META_* */
    key: [2, u32be],
    dreg: [1, u32be],
    sreg: [3, u32be],
  }),
);

/**
 * ct: what connection tracking knows of a packet.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_ct_keys, enum nft_ct_attributes; nf_conntrack_common.h
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u8, u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

/** One bit a state, host order. */
export const NFT_CT_STATE = 0;
/** IPS_* bits, host order. */
export const NFT_CT_STATUS = 2;

/** Bits of NFT_CT_STATE: NF_CT_STATE_BIT of IP_CT_ESTABLISHED and IP_CT_RELATED. */
export const NF_CT_STATE_ESTABLISHED = 0x2;
export const NF_CT_STATE_RELATED = 0x4;
/** Bit of NFT_CT_STATUS: the destination was translated. */
export const IPS_DST_NAT = 0x20;

/** Reads `key` into `dreg`. */
export const ct = expression(
  "ct",
  attributes({
    /** NFT_CT_* */
    key: [2, u32be],
    dreg: [1, u32be],
    direction: [3, u8],
    sreg: [4, u32be],
  }),
);

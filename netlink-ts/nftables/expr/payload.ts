/**
 * payload: bytes of the packet into a register.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_payload_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

export const NFT_PAYLOAD_LL_HEADER = 0;
export const NFT_PAYLOAD_NETWORK_HEADER = 1;
export const NFT_PAYLOAD_TRANSPORT_HEADER = 2;

/** Loads `length` bytes at `offset` of a header into `dreg`; a packet that is too short does not match. */
export const payload = expression(
  "payload",
  attributes({
    dreg: [1, u32be],
    /** NFT_PAYLOAD_*_HEADER */
    base: [2, u32be],
    /** Bytes. */
    offset: [3, u32be],
    /** Bytes. */
    length: [4, u32be],
    sreg: [5, u32be],
    checksumType: [6, u32be],
    checksumOffset: [7, u32be],
    checksumFlags: [8, u32be],
  }),
);

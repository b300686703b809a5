/**
 * nat: translates the source or destination to an address, and a port, in registers.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_nat_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

export const NFT_NAT_SNAT = 0;
export const NFT_NAT_DNAT = 1;

/** Without `protocolMin` the port stays. */
export const nat = expression(
  "nat",
  attributes({
    /** NFT_NAT_SNAT or NFT_NAT_DNAT */
    type: [1, u32be],
    /** NFPROTO_IPV4 or NFPROTO_IPV6 */
    family: [2, u32be],
    /** Register of the (first) address. */
    addressMin: [3, u32be],
    addressMax: [4, u32be],
    /** Register of the (first) port. */
    protocolMin: [5, u32be],
    protocolMax: [6, u32be],
    flags: [7, u32be],
  }),
);

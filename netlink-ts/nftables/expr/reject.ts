/**
 * reject: drops the packet and tells the sender.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_reject_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u8, u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

export const NFT_REJECT_ICMP_UNREACH = 0;
/** Code 3 of ICMP's "destination unreachable". */
export const ICMP_PORT_UNREACH = 3;

/** Answers with an ICMP error or a TCP reset. */
export const reject = expression(
  "reject",
  attributes({
    /** NFT_REJECT_* */
    type: [1, u32be],
    /** The code of NFT_REJECT_ICMP_UNREACH. */
    icmpCode: [2, u8],
  }),
);

/**
 * masq: translates the source to the address of the interface the packet leaves by.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_masq_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

/** Without attributes the port stays where it can. */
export const masquerade = expression(
  "masq",
  attributes({
    flags: [1, u32be],
    protocolMin: [2, u32be],
    protocolMax: [3, u32be],
  }),
);

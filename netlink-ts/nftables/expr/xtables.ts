/**
 * match and target: the extensions of iptables inside nf_tables, which need the kernel's nft_compat.
 * @see include/uapi/linux/netfilter/nf_tables_compat.h
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { bytes, cstring, u32be } from "../../wire/scalars.ts";
import { expression } from "./expression.ts";

const extension = attributes({
  /** As iptables names it: "mark", "comment". */
  name: [1, cstring],
  revision: [2, u32be],
  /** The extension's own struct, padded as XT_ALIGN wants it. */
  info: [3, bytes],
});

/** Goes on if the extension matches. */
export const match = expression("match", extension);
/** What the extension does with the packet. */
export const target = expression("target", extension);

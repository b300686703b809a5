/**
 * immediate: a constant into a register; in the verdict's register it decides the packet.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_immediate_attributes
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { u32be } from "../../wire/scalars.ts";
import { data } from "../data.ts";
import { NFT_REG_VERDICT } from "../registers.ts";
import { expression } from "./expression.ts";

/** Loads `data` into `dreg`. */
export const immediate = expression("immediate", attributes({ dreg: [1, u32be], data: [2, data] }));

/** Decides the packet: `code` is NF_DROP, NF_ACCEPT, NFT_RETURN, or with a chain NFT_JUMP, NFT_GOTO. */
export function verdict(code: number, chain?: string): ReturnType<typeof immediate> {
  return immediate({ dreg: NFT_REG_VERDICT, data: { verdict: { code, chain } } });
}

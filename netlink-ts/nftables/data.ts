/**
 * What a register can hold: bytes, or a verdict.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_data_attributes
 * @module
 */

import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { bytes, cstring, i32be, u32be } from "../wire/scalars.ts";

export const NF_DROP = 0;
export const NF_ACCEPT = 1;
export const NFT_JUMP = -3;
export const NFT_GOTO = -4;
export const NFT_RETURN = -5;

/** NFTA_VERDICT_*: what happens to the packet. */
const verdict = attributes({
  /** NFTA_VERDICT_CODE: NF_DROP, NF_ACCEPT, NFT_JUMP, NFT_GOTO, NFT_RETURN. */
  code: [1, i32be],
  /** NFTA_VERDICT_CHAIN: where NFT_JUMP and NFT_GOTO lead. */
  chain: [2, cstring],
  /** NFTA_VERDICT_CHAIN_ID */
  chainId: [3, u32be],
});
export type Verdict = Decoded<typeof verdict>;

/** NFTA_DATA_*: one of the two. */
export const data = attributes({
  /** NFTA_DATA_VALUE: the bytes of the register, fields of a concatenation padded to four each. */
  value: [1, bytes],
  /** NFTA_DATA_VERDICT */
  verdict: [2, verdict],
});
export type Data = Decoded<typeof data>;

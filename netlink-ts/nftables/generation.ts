/**
 * The generation of the rule set: a number that every commit changes. NFT_MSG_GETGEN, NFT_MSG_NEWGEN.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_gen_attributes
 * @module
 */

import { request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { message } from "../wire/message.ts";
import { cstring, u32be } from "../wire/scalars.ts";
import { NFT_MSG_GETGEN, nfgenmsg } from "./nfgenmsg.ts";

/** Payload of NFT_MSG_NEWGEN, the answer to NFT_MSG_GETGEN and the last notification of a commit. */
export const generationMessage = message(
  "generation",
  nfgenmsg,
  attributes({
    /** NFTA_GEN_ID */
    id: [1, u32be],
    /** NFTA_GEN_PROC_PID: who committed. */
    pid: [2, u32be],
    /** NFTA_GEN_PROC_NAME */
    processName: [3, cstring],
  }),
);
export type GenerationMessage = Decoded<typeof generationMessage>;

/** Asks for the generation. */
export const getGeneration = request(NFT_MSG_GETGEN, 0, generationMessage);

/**
 * Chains: NFT_MSG_NEWCHAIN, NFT_MSG_GETCHAIN, NFT_MSG_DELCHAIN.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_chain_attributes
 * @module
 */

import { NLM_F_CREATE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { message } from "../wire/message.ts";
import { bytes, cstring, i32be, u32be, u64be } from "../wire/scalars.ts";
import { NFT_MSG_DELCHAIN, NFT_MSG_GETCHAIN, NFT_MSG_NEWCHAIN, nfgenmsg } from "./nfgenmsg.ts";

export const NF_INET_PRE_ROUTING = 0;
export const NF_INET_LOCAL_IN = 1;
export const NF_INET_FORWARD = 2;
export const NF_INET_LOCAL_OUT = 3;
export const NF_INET_POST_ROUTING = 4;

/** NFTA_HOOK_*: where in the stack a base chain runs, lowest priority first. */
const hook = attributes({
  /** NFTA_HOOK_HOOKNUM: NF_INET_*. */
  number: [1, u32be],
  /** NFTA_HOOK_PRIORITY */
  priority: [2, i32be],
  /** NFTA_HOOK_DEV */
  device: [3, cstring],
});

/** NFTA_COUNTER_* */
const counters = attributes({ bytes: [1, u64be], packets: [2, u64be] });

/** Payload of every NFT_MSG_*CHAIN message. */
export const chainMessage = message(
  "chain",
  nfgenmsg,
  attributes({
    /** NFTA_CHAIN_TABLE */
    table: [1, cstring],
    /** NFTA_CHAIN_HANDLE */
    handle: [2, u64be],
    /** NFTA_CHAIN_NAME */
    name: [3, cstring],
    /** NFTA_CHAIN_TYPE: "filter", "nat" or "route"; base chains alone. */
    type: [7, cstring],
    /** NFTA_CHAIN_POLICY: NF_ACCEPT or NF_DROP; base chains alone. */
    policy: [5, u32be],
    /** NFTA_CHAIN_HOOK: makes it a base chain. */
    hook: [4, hook],
    /** NFTA_CHAIN_USE: rules in it and jumps to it. */
    use: [6, u32be],
    /** NFTA_CHAIN_COUNTERS */
    counters: [8, counters],
    /** NFTA_CHAIN_FLAGS: NFT_CHAIN_*; 1 is base. */
    flags: [10, u32be],
    /** NFTA_CHAIN_ID */
    id: [11, u32be],
    /** NFTA_CHAIN_USERDATA: a comment. */
    userdata: [12, bytes],
  }),
);
export type ChainMessage = Decoded<typeof chainMessage>;

/** Makes a chain, or keeps the one that is there. @throws {NetlinkError} EOPNOTSUPP when that has another hook or priority */
export const newChain = request(NFT_MSG_NEWCHAIN, NLM_F_CREATE, chainMessage);
/** Asks for one chain, or for all. @throws {NetlinkError} ENOENT */
export const getChain = request(NFT_MSG_GETCHAIN, 0, chainMessage);
/** Deletes a chain. @throws {NetlinkError} ENOENT; EBUSY while it is jumped to */
export const deleteChain = request(NFT_MSG_DELCHAIN, 0, chainMessage);

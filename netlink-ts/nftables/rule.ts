/**
 * Rules: NFT_MSG_NEWRULE, NFT_MSG_GETRULE, NFT_MSG_DELRULE. A rule is a list of expressions; the first that does not match ends it.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_rule_attributes
 * @module
 */

import { NLM_F_APPEND, NLM_F_CREATE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { message } from "../wire/message.ts";
import { bytes, cstring, u32be, u64be } from "../wire/scalars.ts";
import { expressions } from "./expr/expressions.ts";
import { NFT_MSG_DELRULE, NFT_MSG_GETRULE, NFT_MSG_NEWRULE, nfgenmsg } from "./nfgenmsg.ts";

/** NFTA_RULE_COMPAT_*: what iptables-nft leaves in rules with xt matches of a single protocol. */
const compat = attributes({ protocol: [1, u32be], flags: [2, u32be] });

/** Payload of every NFT_MSG_*RULE message. A DELRULE without `handle` empties the chain. */
export const ruleMessage = message(
  "rule",
  nfgenmsg,
  attributes({
    /** NFTA_RULE_TABLE */
    table: [1, cstring],
    /** NFTA_RULE_CHAIN */
    chain: [2, cstring],
    /** NFTA_RULE_HANDLE */
    handle: [3, u64be],
    /** NFTA_RULE_POSITION: the handle of the rule before it (NLM_F_APPEND) or after it. */
    position: [6, u64be],
    /** NFTA_RULE_EXPRESSIONS */
    expressions: [4, expressions],
    /** NFTA_RULE_COMPAT */
    compat: [5, compat],
    /** NFTA_RULE_USERDATA: a comment. */
    userdata: [7, bytes],
    /** NFTA_RULE_ID */
    id: [9, u32be],
    /** NFTA_RULE_POSITION_ID */
    positionId: [10, u32be],
    /** NFTA_RULE_CHAIN_ID */
    chainId: [11, u32be],
  }),
);
export type RuleMessage = Decoded<typeof ruleMessage>;

/** Puts a rule at the end of its chain. */
export const appendRule = request(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, ruleMessage);
/** Puts a rule at the start of its chain. */
export const insertRule = request(NFT_MSG_NEWRULE, NLM_F_CREATE, ruleMessage);
/** Dumps rules; a chain named here is a filter. */
export const getRule = request(NFT_MSG_GETRULE, 0, ruleMessage);
/** Deletes a rule by handle, or without one all rules of its chain. */
export const deleteRule = request(NFT_MSG_DELRULE, 0, ruleMessage);

/**
 * Elements of sets and maps: NFT_MSG_NEWSETELEM, NFT_MSG_GETSETELEM, NFT_MSG_DELSETELEM, NFT_MSG_DESTROYSETELEM.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_set_elem_attributes
 * @module
 */

import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes, list } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { message } from "../wire/message.ts";
import { bytes, cstring, u32be, u64be } from "../wire/scalars.ts";
import { data } from "./data.ts";
import { expressions } from "./expr/expressions.ts";
import {
  NFT_MSG_DELSETELEM,
  NFT_MSG_DESTROYSETELEM,
  NFT_MSG_GETSETELEM,
  NFT_MSG_NEWSETELEM,
  nfgenmsg,
} from "./nfgenmsg.ts";

/** The element is the end of an interval of a plain interval set. */
export const NFT_SET_ELEM_INTERVAL_END = 0x1;

/** NFTA_SET_ELEM_*: one element. */
export const element = attributes({
  /** NFTA_SET_ELEM_FLAGS */
  flags: [3, u32be],
  /** NFTA_SET_ELEM_TIMEOUT: ms. */
  timeoutMs: [4, u64be],
  /** NFTA_SET_ELEM_EXPIRATION: ms left. */
  expirationMs: [5, u64be],
  /** NFTA_SET_ELEM_KEY: the key, or the first of an interval of a concatenation. */
  key: [1, data],
  /** NFTA_SET_ELEM_KEY_END: the last of the interval, inclusive, field by field. */
  keyEnd: [10, data],
  /** NFTA_SET_ELEM_DATA: what a map maps to. Not compared by DELSETELEM. */
  data: [2, data],
  /** NFTA_SET_ELEM_USERDATA: a comment. */
  userdata: [6, bytes],
  /** NFTA_SET_ELEM_OBJREF */
  object: [9, cstring],
  /** NFTA_SET_ELEM_EXPRESSIONS */
  expressions: [11, expressions],
});
export type Element = Decoded<typeof element>;

/**
 * Payload of every NFT_MSG_*SETELEM message. The list is one attribute, so its 64 KiB are the limit: some 400 elements with
 * comments.
 */
export const elementsMessage = message(
  "elements",
  nfgenmsg,
  attributes({
    /** NFTA_SET_ELEM_LIST_TABLE */
    table: [1, cstring],
    /** NFTA_SET_ELEM_LIST_SET */
    set: [2, cstring],
    /** NFTA_SET_ELEM_LIST_SET_ID: a set made in the same batch. */
    setId: [4, u32be],
    /** NFTA_SET_ELEM_LIST_ELEMENTS */
    elements: [3, list(element)],
  }),
);
export type ElementsMessage = Decoded<typeof elementsMessage>;

/** Adds elements; one that is there stays as it is. @throws {NetlinkError} EEXIST when that maps to something else */
export const newElements = request(NFT_MSG_NEWSETELEM, NLM_F_CREATE, elementsMessage);
/** Adds elements that must not be there yet. @throws {NetlinkError} EEXIST */
export const newElementsExclusively = request(
  NFT_MSG_NEWSETELEM,
  NLM_F_CREATE | NLM_F_EXCL,
  elementsMessage,
);
/** Asks for elements by key, or dumps a set. @throws {NetlinkError} ENOENT for a missing set or element */
export const getElements = request(NFT_MSG_GETSETELEM, 0, elementsMessage);
/** Deletes elements by key. @throws {NetlinkError} ENOENT when one is missing; then none is deleted */
export const deleteElements = request(NFT_MSG_DELSETELEM, 0, elementsMessage);
/** Deletes elements by key, minding none that is missing. Linux 6.3 and later. */
export const destroyElements = request(NFT_MSG_DESTROYSETELEM, 0, elementsMessage);

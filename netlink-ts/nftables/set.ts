/**
 * Sets and maps: NFT_MSG_NEWSET, NFT_MSG_GETSET, NFT_MSG_DELSET.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_set_attributes
 * @module
 */

import { NLM_F_CREATE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes, list } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { message } from "../wire/message.ts";
import { bytes, cstring, u32be, u64be } from "../wire/scalars.ts";
import { NFT_MSG_DELSET, NFT_MSG_GETSET, NFT_MSG_NEWSET, nfgenmsg } from "./nfgenmsg.ts";

/** Keys are intervals: elements have a key and a key end. */
export const NFT_SET_INTERVAL = 0x4;
/** A map: elements have data. */
export const NFT_SET_MAP = 0x8;
/** Elements may have a time-out. */
export const NFT_SET_TIMEOUT = 0x10;
/** Keys are concatenations, each field an interval of its own. */
export const NFT_SET_CONCAT = 0x80;

/** NFTA_SET_FIELD_*: one field of a concatenated key, its length in bytes without padding. */
const field = attributes({ length: [1, u32be] });

/** NFTA_SET_DESC_* */
const description = attributes({
  /** NFTA_SET_DESC_SIZE: most elements. */
  size: [1, u32be],
  /** NFTA_SET_DESC_CONCAT: a list entry a field. */
  fields: [2, list(field)],
});

/** Payload of every NFT_MSG_*SET message. */
export const setMessage = message(
  "set",
  nfgenmsg,
  attributes({
    /** NFTA_SET_TABLE */
    table: [1, cstring],
    /** NFTA_SET_NAME */
    name: [2, cstring],
    /** NFTA_SET_HANDLE */
    handle: [16, u64be],
    /** NFTA_SET_FLAGS: NFT_SET_*. */
    flags: [3, u32be],
    /** NFTA_SET_KEY_TYPE: nft's number of the type, 6 bits a field of a concatenation; the kernel does not read it. */
    keyType: [4, u32be],
    /** NFTA_SET_KEY_LEN: bytes, fields padded to four each. */
    keyLength: [5, u32be],
    /** NFTA_SET_DATA_TYPE: as `keyType`. */
    dataType: [6, u32be],
    /** NFTA_SET_DATA_LEN */
    dataLength: [7, u32be],
    /** NFTA_SET_OBJ_TYPE */
    objectType: [15, u32be],
    /** NFTA_SET_POLICY */
    policy: [8, u32be],
    /** NFTA_SET_ID: names the set in its own batch; NEWSET must have one. */
    id: [10, u32be],
    /** NFTA_SET_DESC */
    description: [9, description],
    /** NFTA_SET_TIMEOUT: of elements that name none, ms. */
    timeoutMs: [11, u64be],
    /** NFTA_SET_GC_INTERVAL: ms. */
    gcIntervalMs: [12, u32be],
    /** NFTA_SET_USERDATA: what nft needs to list it, see `describeSet`. */
    userdata: [13, bytes],
  }),
);
export type SetMessage = Decoded<typeof setMessage>;

/** Makes a set or map, or keeps the one that is there. @throws {NetlinkError} EEXIST when that has keys of another length */
export const newSet = request(NFT_MSG_NEWSET, NLM_F_CREATE, setMessage);
/** Asks for one set. @throws {NetlinkError} ENOENT */
export const getSet = request(NFT_MSG_GETSET, 0, setMessage);
/** Deletes a set. @throws {NetlinkError} ENOENT; EBUSY while a rule uses it */
export const deleteSet = request(NFT_MSG_DELSET, 0, setMessage);

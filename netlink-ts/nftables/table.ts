/**
 * Tables: NFT_MSG_NEWTABLE, NFT_MSG_GETTABLE, NFT_MSG_DELTABLE.
 * @see include/uapi/linux/netfilter/nf_tables.h, enum nft_table_attributes
 * @module
 */

import { NLM_F_CREATE } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { message } from "../wire/message.ts";
import { bytes, cstring, u32be, u64be } from "../wire/scalars.ts";
import { NFT_MSG_DELTABLE, NFT_MSG_GETTABLE, NFT_MSG_NEWTABLE, nfgenmsg } from "./nfgenmsg.ts";

/** Payload of every NFT_MSG_*TABLE message. */
export const tableMessage = message(
  "table",
  nfgenmsg,
  attributes({
    /** NFTA_TABLE_NAME */
    name: [1, cstring],
    /** NFTA_TABLE_FLAGS: NFT_TABLE_F_*; 1 is dormant. */
    flags: [2, u32be],
    /** NFTA_TABLE_USE: chains in it. */
    use: [3, u32be],
    /** NFTA_TABLE_HANDLE */
    handle: [4, u64be],
    /** NFTA_TABLE_USERDATA: a comment, see `commentUserData`. */
    userdata: [6, bytes],
    /** NFTA_TABLE_OWNER: the netlink port that owns it. */
    owner: [7, u32be],
  }),
);
export type TableMessage = Decoded<typeof tableMessage>;

/** Makes a table, or leaves the one that is there as it is, comment included. */
export const newTable = request(NFT_MSG_NEWTABLE, NLM_F_CREATE, tableMessage);
/** Asks for one table. @throws {NetlinkError} ENOENT */
export const getTable = request(NFT_MSG_GETTABLE, 0, tableMessage);
/** Deletes a table with all that is in it. @throws {NetlinkError} ENOENT */
export const deleteTable = request(NFT_MSG_DELTABLE, 0, tableMessage);

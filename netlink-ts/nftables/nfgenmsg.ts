/**
 * What stands before the attributes of every nfnetlink message, and the numbers of the nf_tables messages.
 * @see include/uapi/linux/netfilter/nfnetlink.h, include/uapi/linux/netfilter/nf_tables.h
 * @module
 */

import { type MessageType, messageType } from "../netlink/request.ts";
import { u8, u16be } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";

/** struct nfgenmsg. `family` is an NFPROTO_*; `resourceId` is the subsystem in the messages that open and close a batch. */
export const nfgenmsg = struct({ family: u8, version: u8, resourceId: u16be });

export const NFNL_SUBSYS_NFTABLES = 10;

/** Families of tables: both IPs in one table, IPv4, IPv6, frames on a bridge. */
export const NFPROTO_INET = 1;
export const NFPROTO_IPV4 = 2;
export const NFPROTO_BRIDGE = 7;
export const NFPROTO_IPV6 = 10;

/** The message type of a command: the subsystem in the upper byte. */
function nftables(name: string, command: number): MessageType {
  return messageType(name, (NFNL_SUBSYS_NFTABLES << 8) | command);
}

export const NFT_MSG_NEWTABLE = nftables("NFT_MSG_NEWTABLE", 0);
export const NFT_MSG_GETTABLE = nftables("NFT_MSG_GETTABLE", 1);
export const NFT_MSG_DELTABLE = nftables("NFT_MSG_DELTABLE", 2);
export const NFT_MSG_NEWCHAIN = nftables("NFT_MSG_NEWCHAIN", 3);
export const NFT_MSG_GETCHAIN = nftables("NFT_MSG_GETCHAIN", 4);
export const NFT_MSG_DELCHAIN = nftables("NFT_MSG_DELCHAIN", 5);
export const NFT_MSG_NEWRULE = nftables("NFT_MSG_NEWRULE", 6);
export const NFT_MSG_GETRULE = nftables("NFT_MSG_GETRULE", 7);
export const NFT_MSG_DELRULE = nftables("NFT_MSG_DELRULE", 8);
export const NFT_MSG_NEWSET = nftables("NFT_MSG_NEWSET", 9);
export const NFT_MSG_GETSET = nftables("NFT_MSG_GETSET", 10);
export const NFT_MSG_DELSET = nftables("NFT_MSG_DELSET", 11);
export const NFT_MSG_NEWSETELEM = nftables("NFT_MSG_NEWSETELEM", 12);
export const NFT_MSG_GETSETELEM = nftables("NFT_MSG_GETSETELEM", 13);
export const NFT_MSG_DELSETELEM = nftables("NFT_MSG_DELSETELEM", 14);
export const NFT_MSG_NEWGEN = nftables("NFT_MSG_NEWGEN", 15);
export const NFT_MSG_GETGEN = nftables("NFT_MSG_GETGEN", 16);
/** Linux 6.3 and later: as DELSETELEM, but a missing element is no error. */
export const NFT_MSG_DESTROYSETELEM = nftables("NFT_MSG_DESTROYSETELEM", 30);

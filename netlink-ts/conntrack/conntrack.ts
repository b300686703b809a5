/**
 * Tracked connections: IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE.
 * @see include/uapi/linux/netfilter/nfnetlink_conntrack.h
 * @module
 */

import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/flags.ts";
import { type MessageType, messageType, request } from "../netlink/request.ts";
import { nfgenmsg } from "../nftables/nfgenmsg.ts";
import { attributes, nestBytes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { bytes, cstring, u8, u16be, u32, u32be, u64be } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";
import { tuple } from "./tuple.ts";

/** Number of conntrack in nfnetlink message types. */
export const NFNL_SUBSYS_CTNETLINK = 1;

/** The message type of a command: the subsystem in the upper byte. */
function conntrack(name: string, command: number): MessageType {
  return messageType(name, (NFNL_SUBSYS_CTNETLINK << 8) | command);
}

export const IPCTNL_MSG_CT_NEW = conntrack("IPCTNL_MSG_CT_NEW", 0);
export const IPCTNL_MSG_CT_GET = conntrack("IPCTNL_MSG_CT_GET", 1);
export const IPCTNL_MSG_CT_DELETE = conntrack("IPCTNL_MSG_CT_DELETE", 2);

/** In `status`: packets were seen in both directions. */
export const IPS_SEEN_REPLY = 0x2;
/** Lives longer than its first packets. */
export const IPS_ASSURED = 0x4;
/** Its first packet has left. */
export const IPS_CONFIRMED = 0x8;
/** The source is translated. */
export const IPS_SRC_NAT = 0x10;
/** The destination is translated. */
export const IPS_DST_NAT = 0x20;

/** In `filter.origFlags` and `filter.replyFlags`: what of the tuple has to be equal. */
export const CTA_FILTER_F_IP_SRC = 0x1;
export const CTA_FILTER_F_IP_DST = 0x2;
export const CTA_FILTER_F_TUPLE_ZONE = 0x4;
export const CTA_FILTER_F_PROTO_NUM = 0x8;
export const CTA_FILTER_F_PROTO_SRC_PORT = 0x10;
export const CTA_FILTER_F_PROTO_DST_PORT = 0x20;

/** CTA_COUNTERS_*: there when net.netfilter.nf_conntrack_acct is 1. */
const counters = attributes({ packets: [1, u64be], bytes: [2, u64be] });

/** struct nf_ct_tcp_flags */
const tcpFlags = struct({ flags: u8, mask: u8 });

/** CTA_PROTOINFO */
const protoInfo = attributes({
  tcp: [
    1,
    attributes({
      /** CTA_PROTOINFO_TCP_STATE: 1 SYN_SENT, 2 SYN_RECV, 3 ESTABLISHED, 7 TIME_WAIT, 8 CLOSE. */
      state: [1, u8],
      wscaleOriginal: [2, u8],
      wscaleReply: [3, u8],
      flagsOriginal: [4, tcpFlags],
      flagsReply: [5, tcpFlags],
    }),
  ],
  dccp: [2, bytes],
  sctp: [3, attributes({ state: [1, u8], vtagOriginal: [2, u32be], vtagReply: [3, u32be] })],
});

/** Payload of every IPCTNL_MSG_CT_* message. */
export const conntrackMessage = message(
  "ct",
  nfgenmsg,
  attributes({
    /** CTA_TUPLE_ORIG: of the packets that opened the connection, before NAT. */
    tupleOrig: [1, tuple],
    /** CTA_TUPLE_REPLY: of the answers, as they arrive. */
    tupleReply: [2, tuple],
    zone: [18, u16be],
    /** CTA_STATUS: IPS_* bits. */
    status: [3, u32be],
    mark: [8, u32be],
    secctx: [19, attributes({ name: [1, cstring] })],
    labels: [22, bytes],
    /** CTA_ID: tells this entry from a later one with the same tuple. */
    id: [12, u32be],
    use: [11, u32be],
    tupleMaster: [14, tuple],
    seqAdjOrig: [15, nestBytes],
    seqAdjReply: [16, nestBytes],
    /** CTA_TIMEOUT: seconds. */
    timeout: [7, u32be],
    protoInfo: [4, protoInfo],
    countersOrig: [9, counters],
    countersReply: [10, counters],
    /** CTA_TIMESTAMP: nanoseconds since 1970. */
    timestamp: [20, attributes({ start: [1, u64be], stop: [2, u64be] })],
    help: [5, attributes({ name: [1, cstring], info: [2, bytes] })],
    synproxy: [24, nestBytes],
    labelsMask: [23, bytes],
    markMask: [21, u32be],
    statusMask: [26, u32be],
    /** CTA_FILTER: what a dump has to match, CTA_FILTER_F_* bits; Linux 5.8 and later. */
    filter: [25, attributes({ origFlags: [1, u32], replyFlags: [2, u32] })],
  }),
);
export type ConntrackMessage = Decoded<typeof conntrackMessage>;
export type ConntrackInput = MessageInput<typeof conntrackMessage>;

/** Makes an entry, without a packet. @throws {NetlinkError} EEXIST */
export const newConntrack = request(IPCTNL_MSG_CT_NEW, NLM_F_CREATE | NLM_F_EXCL, conntrackMessage);
/** Gets one entry by `tupleOrig` or `tupleReply`; or, as a dump, all of a family. @throws {NetlinkError} ENOENT */
export const getConntrack = request(IPCTNL_MSG_CT_GET, 0, conntrackMessage);
/**
 * Deletes the entry with exactly this `tupleOrig` (and `id`). @throws {NetlinkError} ENOENT when there is none.
 * Without a tuple the kernel deletes all entries: use {@link deleteConntracks}.
 */
export const deleteConntrack = request(IPCTNL_MSG_CT_DELETE, 0, conntrackMessage);

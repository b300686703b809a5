/**
 * Policy rules, which choose a routing table: RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE.
 * @see include/uapi/linux/fib_rules.h, ip-rule(8)
 * @module
 */

import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { cstring, ip, u8, u16, u32, u32be, u64be } from "../wire/scalars.ts";
import { padding, struct } from "../wire/struct.ts";
import { RTM_DELRULE, RTM_GETRULE, RTM_NEWRULE } from "./message-types.ts";

/** In `action`: look into `table`. */
export const FR_ACT_TO_TBL = 1;
/** In `action`: go on at the rule of priority `goto`. */
export const FR_ACT_GOTO = 2;
/** Does nothing. */
export const FR_ACT_NOP = 3;
/** Drops in silence. */
export const FR_ACT_BLACKHOLE = 6;
/** Answers ICMP unreachable. */
export const FR_ACT_UNREACHABLE = 7;
/** Answers ICMP prohibited. */
export const FR_ACT_PROHIBIT = 8;

/** In `flags`: the rule is for what does not match. */
export const FIB_RULE_INVERT = 0x2;

/** struct fib_rule_port_range, both ends included. */
const ports = struct({ start: u16, end: u16 });

/** Payload of every RTM_*RULE message. */
export const ruleMessage = message(
  "rule",
  /** struct fib_rule_hdr. Lengths are prefix lengths. `headerTable` holds tables up to 255; `table` overrides it. */
  struct({
    family: u8,
    dstLength: u8,
    srcLength: u8,
    tos: u8,
    headerTable: u8,
    _: padding(2),
    action: u8,
    flags: u32,
  }),
  attributes({
    /** FRA_TABLE */
    table: [15, u32],
    /** FRA_SUPPRESS_PREFIXLEN: routes of this length or shorter do not count; 0xffffffff is none. */
    suppressPrefixlen: [14, u32],
    /** FRA_PROTOCOL: who made it, RTPROT_*. */
    protocol: [21, u8],
    iifname: [3, cstring],
    oifname: [17, cstring],
    /** FRA_PRIORITY: smaller goes first; one before the smallest there unless given. */
    priority: [6, u32],
    fwmark: [10, u32],
    fwmask: [16, u32],
    goto: [4, u32],
    tunId: [12, u64be],
    l3mdev: [19, u8],
    /** FRA_UID_RANGE: both ends included. */
    uidRange: [20, struct({ start: u32, end: u32 })],
    sportRange: [23, ports],
    dportRange: [24, ports],
    ipProto: [22, u8],
    dscp: [25, u8],
    suppressIfgroup: [13, u32],
    /** FRA_DST, FRA_SRC: 4 or 16 bytes. */
    dst: [1, ip],
    src: [2, ip],
    flow: [11, u32],
    flowlabel: [26, u32be],
    flowlabelMask: [27, u32be],
  }),
);
export type RuleMessage = Decoded<typeof ruleMessage>;
export type RuleInput = MessageInput<typeof ruleMessage>;

/** Adds a rule. @throws {NetlinkError} EEXIST when there is one just like it */
export const newRule = request(RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, ruleMessage);
/** Deletes the first rule that has all that is given. @throws {NetlinkError} ENOENT when there is none */
export const deleteRule = request(RTM_DELRULE, 0, ruleMessage);
/** Gets the rules of a family, as a dump. */
export const getRule = request(RTM_GETRULE, 0, ruleMessage);

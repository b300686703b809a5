/**
 * What queueing disciplines, classes and filters have in common.
 * @see include/uapi/linux/rtnetlink.h struct tcmsg, include/uapi/linux/pkt_sched.h, tc(8)
 * @module
 */

import { bytes, cstring, i32, u8, u16, u32 } from "../wire/scalars.ts";
import { padding, struct } from "../wire/struct.ts";

/** In `parent`: what a link sends is queued by it. */
export const TC_H_ROOT = 0xffff_ffff;
/** In `parent`: it sees what a link receives. */
export const TC_H_INGRESS = 0xffff_fff1;

/** A handle as tc writes it, `1:30`: major and minor number, 16 bits each. */
export function handleOf(major: number, minor = 0): number {
  return ((major << 16) | minor) >>> 0;
}

/** struct tcmsg. `handle` and `parent` are as of {@link handleOf}; what `info` is depends on the message. */
export const tcmsg = struct({
  family: u8,
  _: padding(3),
  ifindex: i32,
  handle: u32,
  parent: u32,
  info: u32,
});

/**
 * struct tc_ratespec. `rate` in bytes a second, 0xffffffff when it takes an attribute of 64 bits; `linklayer` 0 when nobody
 * said, 1 Ethernet, 2 ATM.
 */
export const rateSpec = struct({
  cellLog: u8,
  linklayer: u8,
  overhead: u16,
  cellAlign: u16,
  mpu: u16,
  rate: u32,
});

/** Rows before the options, whose kind they tell. */
export const rowsBeforeOptions = {
  /** TCA_KIND: as "tbf". */
  kind: [1, cstring],
  /** TCA_INGRESS_BLOCK, TCA_EGRESS_BLOCK: blocks of filters that links share. */
  ingressBlock: [13, u32],
  egressBlock: [14, u32],
  /** TCA_CHAIN: number of the chain that a filter is in. */
  chain: [11, u32],
} as const;

/** Rows behind the options: counters, and what only requests have. */
export const rowsAfterOptions = {
  /** TCA_HW_OFFLOAD: 1 when the device does it. */
  hwOffload: [12, u8],
  /** TCA_STAB: a table of packet sizes. */
  stab: [8, bytes],
  /** TCA_STATS2, TCA_STATS, TCA_XSTATS: counters. */
  stats2: [7, bytes],
  stats: [3, bytes],
  xstats: [4, bytes],
  /** TCA_RATE: asks for an estimator. */
  rate: [5, bytes],
  fcnt: [6, u32],
} as const;

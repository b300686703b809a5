/**
 * htb: classes with a rate each, and what they may borrow.
 * @see include/uapi/linux/pkt_sched.h, enum TCA_HTB_*; tc-htb(8)
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { bytes, flag, u32, u64 } from "../../wire/scalars.ts";
import { struct } from "../../wire/struct.ts";
import { rateSpec } from "../traffic-control.ts";

/** In `init.version` of a request: 3; answers have the kernel's minor version above it. */
export const HTB_VERSION = 3;

/** struct tc_htb_glob. `defaultClass` is the minor number of the class of what no filter sends elsewhere, 0 for none. */
const init = struct({
  version: u32,
  rate2quantum: u32,
  defaultClass: u32,
  debug: u32,
  directPackets: u32,
});

/** struct tc_htb_opt. `buffer` and `cbuffer` are buckets in ticks of 64 ns at `rate` and `ceil`; `quantum` is in bytes. */
const parms = struct({
  rate: rateSpec,
  ceil: rateSpec,
  buffer: u32,
  cbuffer: u32,
  quantum: u32,
  level: u32,
  priority: u32,
});

/** TCA_OPTIONS of an htb, and of its classes. */
export const htb = attributes({
  /** TCA_HTB_INIT: of the queueing discipline. */
  init: [2, init],
  /** TCA_HTB_DIRECT_QLEN: packets. */
  directQlen: [5, u32],
  /** TCA_HTB_PARMS: of a class. */
  parms: [1, parms],
  offload: [9, flag],
  /** TCA_HTB_RATE64, TCA_HTB_CEIL64: bytes a second, where 32 bits do not do. */
  rate64: [6, u64],
  ceil64: [7, u64],
  /** TCA_HTB_CTAB, TCA_HTB_RTAB: tables that kernels before 3.8 looked times up in. */
  ctab: [3, bytes],
  rtab: [4, bytes],
});

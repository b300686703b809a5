/**
 * tbf: a token bucket holds back what exceeds a rate.
 * @see include/uapi/linux/pkt_sched.h, enum TCA_TBF_*; tc-tbf(8)
 * @module
 */

import { attributes } from "../../wire/attributes.ts";
import { bytes, u32, u64 } from "../../wire/scalars.ts";
import { struct } from "../../wire/struct.ts";
import { rateSpec } from "../traffic-control.ts";

/** struct tc_tbf_qopt. `limit` in bytes; `buffer` and `mtu` (the bucket of the peak rate) in ticks of 64 ns at their rates. */
const parms = struct({ rate: rateSpec, peakrate: rateSpec, limit: u32, buffer: u32, mtu: u32 });

/** TCA_OPTIONS of a tbf. */
export const tbf = attributes({
  /** TCA_TBF_PARMS */
  parms: [1, parms],
  /** TCA_TBF_RATE64, TCA_TBF_PRATE64: bytes a second, where 32 bits do not do. */
  rate64: [4, u64],
  prate64: [5, u64],
  /** TCA_TBF_BURST, TCA_TBF_PBURST: sizes of the buckets in bytes; in requests alone, and there instead of ticks. */
  burst: [6, u32],
  pburst: [7, u32],
  /** TCA_TBF_RTAB, TCA_TBF_PTAB: tables that kernels before 3.8 looked times up in. */
  rtab: [2, bytes],
  ptab: [3, bytes],
});

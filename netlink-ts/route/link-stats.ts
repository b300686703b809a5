/**
 * Counters of a link.
 * @see include/uapi/linux/if_link.h, struct rtnl_link_stats64
 * @module
 */

import type { Decoded } from "../wire/codec.ts";
import { u64 } from "../wire/scalars.ts";
import { struct } from "../wire/struct.ts";

/** IFLA_STATS64, for {@link decode} of a link's `stats64`, which links leave as bytes. Kernels append counters. */
export const linkStats64 = struct({
  rxPackets: u64,
  txPackets: u64,
  rxBytes: u64,
  txBytes: u64,
  rxErrors: u64,
  txErrors: u64,
  rxDropped: u64,
  txDropped: u64,
  multicast: u64,
  collisions: u64,
  rxLengthErrors: u64,
  rxOverErrors: u64,
  rxCrcErrors: u64,
  rxFrameErrors: u64,
  rxFifoErrors: u64,
  rxMissedErrors: u64,
  txAbortedErrors: u64,
  txCarrierErrors: u64,
  txFifoErrors: u64,
  txHeartbeatErrors: u64,
  txWindowErrors: u64,
  rxCompressed: u64,
  txCompressed: u64,
});
export type LinkStats64 = Decoded<typeof linkStats64>;

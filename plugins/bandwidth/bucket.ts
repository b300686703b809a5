/**
 * Limits as the kernel is told them, with the reference's arithmetic: whichever program made it, the other finds it right.
 * @module
 */

import type { Limit } from "./config.ts";

const MICROSECONDS = 1_000_000;
/** Ticks of 64 ns in a microsecond, of every kernel since 2.6.31 (/proc/net/psched: 3e8 over 40). */
const TICKS = 0x3e8 / 0x40;
/** Packets wait no longer than that, and are dropped. */
const LATENCY_MICROSECONDS = 25_000;
const U32 = 2 ** 32;

/** A token bucket. */
export interface Bucket {
  /** Bytes a second. */
  readonly rate: bigint;
  /** Bytes that may wait. */
  readonly limit: number;
  /** Ticks in which a burst passes. */
  readonly buffer: number;
}

/** The bucket of a limit. What does not fit into 32 bits is as large as fits. */
export function bucketOf(limit: Limit): Bucket {
  return bucket(limit, (value) => Math.min(Math.trunc(value), U32 - 1));
}

/** The same as the reference has it: what does not fit loses its upper bits. */
export function referenceBucketOf(limit: Limit): Bucket {
  return bucket(limit, (value) => Math.trunc(value) % U32);
}

function bucket(limit: Limit, toU32: (value: number) => number): Bucket {
  const rate = limit.rate / 8n;
  const perSecond = Number(rate);
  const burst = Number(limit.burst / 8n);
  const microseconds = toU32((burst * MICROSECONDS) / perSecond);
  const waiting = toU32((perSecond * LATENCY_MICROSECONDS) / MICROSECONDS);
  return { rate, limit: toU32(waiting + burst), buffer: toU32(microseconds * TICKS) };
}

/** `rate` of a struct tc_ratespec, and the attribute beside it for what takes more than 32 bits. */
export function splitRate(rate: bigint): { rate: number; rate64: bigint | undefined } {
  if (rate < BigInt(U32)) return { rate: Number(rate), rate64: undefined };
  return { rate: U32 - 1, rate64: rate };
}

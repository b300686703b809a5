/**
 * How long a client waits, everything with a part that is left to chance: clients that began together shall not stay together.
 * @see RFC 2131 sections 4.1 and 4.4.5
 * @module
 */

/** A message is sent so often before the try has failed. */
export const SENDS = 3;

const jitterMs = 1000;
const firstPauseMs = 2000;
/** So many tries follow each other quickly. */
const QUICK_TRIES = 4;
const slowPauseMs = 4000;
const afterConflictMs = 10_000;
const leastRetryMs = 1000;
const mostRetryMs = 60_000;

/** How long the answer to the nth sending of a message, from 1, is waited for: it doubles each time. */
export function answerMs(timeoutMs: number, sends: number, random: number): number {
  return timeoutMs * 2 ** (sends - 1) * (0.9 + 0.2 * random);
}

/** The pause after the nth failed try, from 1: 2 s for the first four, then 4 s, doubling up to the limit; a second more or less. */
export function pauseMs(failures: number, resendMaxMs: number, random: number): number {
  const jitter = jitterMs * (2 * random - 1);
  if (failures <= QUICK_TRIES) return firstPauseMs + jitter;
  const doublings = Math.min(failures - QUICK_TRIES - 1, 32);
  const pause = Math.min(slowPauseMs * 2 ** doublings, Math.max(resendMaxMs, slowPauseMs));
  return pause + jitter;
}

/** The pause after an address was declined: quick the first time, then as RFC 2131 section 3.1 wants it. */
export function pauseAfterConflictMs(declines: number, random: number): number {
  return declines <= 1 ? firstPauseMs + jitterMs * (2 * random - 1) : afterConflictMs;
}

/** How long a renewal is waited for until it is sent again: half of what is left, within bounds that suit the whole span. */
export function renewalRetryMs(leftMs: number, spanMs: number): number {
  const least = Math.min(Math.max(spanMs / 4, leastRetryMs), mostRetryMs);
  return Math.max(leftMs / 2, least);
}

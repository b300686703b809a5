/**
 * How long a client waits, everything with a part that is left to chance: clients that began together shall not stay together.
 * @see RFC 2131 sections 4.1 and 4.4.5
 * @module
 */

/** A link that has just been made loses what is sent first: the bridge at its other end learns within a second that it is up. */
const earlyMs = [250, 1000];

const jitterMs = 1000;
const firstPauseMs = 2000;
/** So many tries follow each other quickly. */
const QUICK_TRIES = 4;
const slowPauseMs = 4000;
const afterConflictMs = 10_000;
const leastRetryMs = 1000;
const mostRetryMs = 60_000;

/** What is sent, as far as its timing differs. */
export interface Sending {
  /** It is the first message of a lease. */
  isFirst: boolean;
  /** It asks for a lease of before, of which a server that does not know it may say nothing: there is another way. */
  isForKnown: boolean;
}

/**
 * How long the answer to each sending of a message is waited for: three sendings, of which each waits twice as long as the one before, one when
 * there is another way. A first message has gone out once or twice before that.
 */
export function answerMs(timeoutMs: number, { isFirst, isForKnown }: Sending): number[] {
  const usual = isForKnown ? [timeoutMs] : [timeoutMs, 2 * timeoutMs, 4 * timeoutMs];
  return isFirst ? [...earlyMs.filter((ms) => ms < timeoutMs), ...usual] : usual;
}

/** A wait with a tenth more or less. */
export function jittered(ms: number, random: number): number {
  return ms * (0.9 + 0.2 * random);
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

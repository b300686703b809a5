/**
 * How long a DHCPv6 client waits for an answer.
 * @see RFC 8415 sections 7.6 and 15
 * @module
 */

/** How a message is sent again: first time-out, longest one (0: none), how often at most (0: without end). */
export interface Retransmission {
  readonly firstMs: number;
  readonly longestMs: number;
  readonly most: number;
}

/** By message. */
export const retransmissions = {
  solicit: { firstMs: 1000, longestMs: 3_600_000, most: 0 },
  request: { firstMs: 1000, longestMs: 30_000, most: 10 },
  confirm: { firstMs: 1000, longestMs: 4000, most: 3 },
  renew: { firstMs: 10_000, longestMs: 600_000, most: 0 },
  rebind: { firstMs: 10_000, longestMs: 600_000, most: 0 },
  inform: { firstMs: 1000, longestMs: 3_600_000, most: 0 },
} as const satisfies Record<string, Retransmission>;

/** A message of that kind. */
export type Asking = keyof typeof retransmissions;

const jitter = (random: number) => 0.2 * random - 0.1;

/** The wait for the first answer; to a Solicit never shorter than said, since others may answer too. */
export function firstWaitMs(asking: Asking, random: number): number {
  const { firstMs } = retransmissions[asking];
  const part = jitter(random);
  return firstMs * (1 + (asking === "solicit" ? Math.abs(part) : part));
}

/** The wait after one of this length was in vain. */
export function nextWaitMs(asking: Asking, beforeMs: number, random: number): number {
  const { longestMs } = retransmissions[asking];
  const next = beforeMs * (2 + jitter(random));
  return next > longestMs ? longestMs * (1 + jitter(random)) : next;
}

/**
 * The state machine of one DHCPv6 lease: events in, actions out. It opens nothing, waits for nothing and asks no clock.
 * @see RFC 8415 section 18.2
 * @module
 */

import type { Lease6Action, Lease6Event, Lease6State } from "./lease6-state.ts";
import { Lease6Step } from "./lease6-step.ts";

/**
 * One event. Nothing else changes a lease, and the same input gives the same output.
 * @param random numbers from 0 up to 1, for transaction ids and jitter
 */
export function advance6(
  state: Lease6State,
  event: Lease6Event,
  now: { bootMs: number },
  random: () => number,
): { state: Lease6State; actions: Lease6Action[] } {
  const step = new Lease6Step(state, now.bootMs, random);
  step.take(event);
  return { state: step.state, actions: step.actions };
}

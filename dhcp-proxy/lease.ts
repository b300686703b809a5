/**
 * The state machine of one DHCPv4 lease: events in, actions out. It opens nothing, waits for nothing and asks no clock.
 * @see RFC 2131 section 4.4 and figure 5, RFC 5227
 * @module
 */

import type { LeaseAction, LeaseEvent, LeaseState } from "./lease-state.ts";
import { LeaseStep } from "./lease-step.ts";

/** What {@link advance} gives back. */
export interface LeaseProgress {
  state: LeaseState;
  actions: LeaseAction[];
}

/**
 * One event. Nothing else changes a lease, and the same input gives the same output.
 * @param random numbers from 0 up to 1, for transaction ids and jitter
 */
export function advance(
  state: LeaseState,
  event: LeaseEvent,
  now: { bootMs: number },
  random: () => number,
): LeaseProgress {
  const step = new LeaseStep(state, now.bootMs, random);
  step.take(event);
  return { state: step.state, actions: step.actions };
}

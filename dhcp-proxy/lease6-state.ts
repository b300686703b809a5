/**
 * What a DHCPv6 lease is at one moment, what happens to it, and what is to be done then.
 *
 * Times are milliseconds of CLOCK_BOOTTIME.
 * @module
 */

import type { CniError } from "../core/errors.ts";
import type { Lease6Info } from "./lease6-info.ts";
import type { Dhcp6Message } from "./packet6/message.ts";

/** Everything about a client that does not change while it lives. */
export interface Lease6Settings {
  /** The link's name in the container, for messages. */
  ifname: string;
  /** `duidOf` the attachment. */
  duid: Uint8Array;
  iaid: number;
  /** Addresses and options, or options alone, beside addresses that routers advertise. */
  mode: "stateful" | "stateless";
  /** How long a first lease is tried for. */
  resendTimeoutMs: number;
  /** Pauses between tries stop growing there. */
  resendMaxMs: number;
}

/** Where a client stands; `waiting` is the pause before it solicits again. */
export type Lease6Phase =
  | "new"
  | "soliciting"
  | "requesting"
  | "waiting"
  | "confirming"
  | "informing"
  | "bound"
  | "renewing"
  | "rebinding"
  | "stopped";

/** All that is known of a lease at one moment. Made by {@link newLease6}, changed by `advance6` alone. */
export interface Lease6State {
  readonly settings: Lease6Settings;
  readonly phase: Lease6Phase;
  /** What the pod has: the valid lease, or after its end the last one, until there is another. */
  readonly lease?: Lease6Info | undefined;
  /** The best offer so far. */
  readonly offer?: { serverId: Uint8Array; preference: number } | undefined;
  readonly xid: number;
  readonly beganAtMs: number;
  readonly sends: number;
  /** The wait for an answer to what was sent last. */
  readonly waitMs: number;
  /** Offers since the last lease that their servers then did not keep, and addresses since the last renewal that somebody else has. */
  readonly failures: number;
  readonly declines: number;
  readonly timerAtMs?: number | undefined;
  /** A first lease is tried for until then. */
  readonly deadlineMs?: number | undefined;
  /** Solicits sent and offers seen, and the last words of a server that refused. */
  readonly solicits: number;
  readonly offers: number;
  readonly refusal?: string | undefined;
}

/** What happens to a lease; the words mean what they mean in `lease-state.ts`. */
export type Lease6Event =
  | { type: "start"; previous?: Lease6Info; resume?: boolean }
  | { type: "message"; message: Dhcp6Message }
  | { type: "timer" }
  /** The kernel found that somebody else has this address, 16 bytes. */
  | { type: "conflict"; address: Uint8Array }
  | { type: "check" }
  | { type: "release" };

/** What is to be done, in order. Every message goes to all servers of the link. */
export type Lease6Action =
  | { type: "send"; message: Dhcp6Message }
  | { type: "timer"; atMs: number | undefined }
  | { type: "bound"; lease: Lease6Info }
  | { type: "changed"; lease: Lease6Info; before: Lease6Info }
  | { type: "expired"; lease: Lease6Info; reason: string }
  | { type: "failed"; error: CniError }
  | { type: "note"; text: string }
  | { type: "done" };

/** A lease before its first event. */
export function newLease6(settings: Lease6Settings): Lease6State {
  return {
    settings,
    phase: "new",
    xid: 0,
    beganAtMs: 0,
    sends: 0,
    waitMs: 0,
    failures: 0,
    declines: 0,
    solicits: 0,
    offers: 0,
  };
}

/** The lease that may be used now; undefined when there is none. */
export function heldLease6({ phase, lease }: Lease6State): Lease6Info | undefined {
  const holds = phase === "bound" || phase === "renewing" || phase === "rebinding";
  return holds ? lease : undefined;
}

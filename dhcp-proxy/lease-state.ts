/**
 * What a lease is at one moment, what happens to it, and what is to be done then.
 *
 * Times are milliseconds of CLOCK_BOOTTIME, which goes on while the machine sleeps, as a lease does.
 * @module
 */

import type { CniError } from "../core/errors.ts";
import { emptyTally, type Tally } from "./failure.ts";
import type { LeaseInfo } from "./lease-info.ts";
import type { LeaseSettings } from "./lease-settings.ts";
import type { DhcpMessage } from "./packet/message.ts";

/**
 * Where a client stands. RFC 2131's INIT is `waiting` between two tries; its INIT-REBOOT is passed at once, to `rebooting`;
 * `probing` is what it says a client should do between DHCPACK and BOUND.
 */
export type LeasePhase =
  | "new"
  | "selecting"
  | "requesting"
  | "rebooting"
  | "waiting"
  | "probing"
  | "bound"
  | "renewing"
  | "rebinding"
  | "stopped";

/** All that is known of a lease at one moment. Made by {@link newLease}, changed by `advance` alone. */
export interface LeaseState {
  readonly settings: LeaseSettings;
  readonly phase: LeasePhase;
  /** What the pod has: the valid lease, or after its end the last one, until there is another. */
  readonly lease?: LeaseInfo | undefined;
  /** Granted, and not yet found to be free. */
  readonly pending?: LeaseInfo | undefined;
  /** The address and server of the offer that is being requested, 4 bytes each. */
  readonly offer?: { address: Uint8Array; serverId: Uint8Array; xid: number } | undefined;
  readonly xid: number;
  /** When this exchange began, for the field `secs`. */
  readonly beganAtMs: number;
  /** When the last request went out: from then on a lease counts. */
  readonly requestedAtMs: number;
  /** How often this message has been sent. */
  readonly sends: number;
  /** How many tries failed since the last lease. */
  readonly failures: number;
  /** The next "timer" event; an earlier one is not meant. */
  readonly timerAtMs?: number | undefined;
  /** A first lease is tried for until then. */
  readonly deadlineMs?: number | undefined;
  readonly tally: Tally;
}

/** What happens to a lease. */
export type LeaseEvent =
  /**
   * The first event. With `previous` the client asks for that lease again (INIT-REBOOT); with `resume` it holds it still, since only
   * the program was restarted, and goes on where its times say.
   */
  | { type: "start"; previous?: LeaseInfo; resume?: boolean }
  /** A message to this client's port came in. Whether it is meant for this client is looked at here. */
  | { type: "message"; message: DhcpMessage }
  | { type: "timer" }
  /** Outcome of the probe: somebody has the address. */
  | { type: "conflict" }
  /** Outcome of the probe: nobody has. */
  | { type: "unused" }
  /** Somebody wants to know whether the lease is good. */
  | { type: "check" }
  | { type: "release" };

/** What is to be done, in order. */
export type LeaseAction =
  /** `to` is the server's address, 4 bytes, reached with the lease's own; or everybody, from 0.0.0.0 or `ciaddr`. */
  | { type: "send"; message: DhcpMessage; to: "broadcast" | Uint8Array }
  /** Replaces the timer before; `undefined`: there is none any more. */
  | { type: "timer"; atMs: number | undefined }
  /** Ask with ARP whether somebody has the address, 4 bytes; answered by "conflict" or "unused". */
  | { type: "probe"; address: Uint8Array }
  /** There is a lease, for the first time, or again with the same values. To be written down before it is answered. */
  | { type: "bound"; lease: LeaseInfo }
  /** There is a lease with other values than before. */
  | { type: "changed"; lease: LeaseInfo; before: LeaseInfo }
  /** The lease is lost; the client goes on to ask for another. */
  | { type: "expired"; lease: LeaseInfo; reason: string }
  /** There is no lease, and nothing more is tried. */
  | { type: "failed"; error: CniError }
  /** Something for the log. */
  | { type: "note"; text: string }
  /** Released: nothing follows. */
  | { type: "done" };

/** A lease before its first event. */
export function newLease(settings: LeaseSettings): LeaseState {
  return {
    settings,
    phase: "new",
    xid: 0,
    beganAtMs: 0,
    requestedAtMs: 0,
    sends: 0,
    failures: 0,
    tally: emptyTally,
  };
}

/** The lease that may be used now; undefined when there is none. */
export function heldLease({ phase, lease }: LeaseState): LeaseInfo | undefined {
  return phase === "bound" || phase === "renewing" || phase === "rebinding" ? lease : undefined;
}

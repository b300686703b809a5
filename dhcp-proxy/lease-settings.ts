/**
 * What a lease is asked for with, and how long.
 * @module
 */

/** Everything about a client that does not change while it lives. */
export interface LeaseSettings {
  /** The link's name in the container, for messages. */
  ifname: string;
  /** 6 bytes. */
  mac: Uint8Array;
  /** Option 61 with its type byte, unless `provide` has another. */
  clientId: Uint8Array;
  /** The parameter request list. */
  request: readonly number[];
  /** Options that are sent with every message, by code. */
  provide: ReadonlyMap<number, Uint8Array>;
  /** How long the first answer to a message is waited for; it doubles, and a message is sent three times. */
  timeoutMs: number;
  /** The pause between tries stops growing there. */
  resendMaxMs: number;
  /** How long a first lease is tried for. */
  resendTimeoutMs: number;
  /** Answers shall be sent to everybody: ipvlan hands over no packet for an address that it does not know. */
  broadcast: boolean;
  /** An address is probed with ARP before it is used. */
  detectConflicts: boolean;
  /** What is known of the link, for the hint in an error. */
  surroundings?: {
    /** `macvlan`, `ipvlan`, `veth` … */
    linkKind?: string;
    /** A program on this machine listens on the server's port. */
    hostServesDhcp?: boolean;
  };
}

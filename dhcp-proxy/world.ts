/**
 * What every part of the daemon works with.
 * @module
 */

import type { Journal } from "../core/daemon/journal.ts";
import type { EventLoop } from "../core/daemon/loop.ts";
import type { LeaseStore } from "./store.ts";

/** What the command line says. Durations in milliseconds. */
export interface DaemonSettings {
  /** Absolute, or empty for none. */
  pidfile: string;
  /** Put before the path of the socket, of namespaces and of our state. */
  hostPrefix: string;
  /** Without the prefix. */
  socketPath: string;
  /** Servers are told to answer to everybody. */
  broadcast: boolean;
  timeoutMs: number;
  resendMaxMs: number;
  resendTimeoutMs: number;
  /** How long an address is probed before it is used; 0 for not at all. */
  probeMs: number;
}

/** One daemon. */
export interface World {
  loop: EventLoop;
  journal: Journal;
  settings: DaemonSettings;
  store: LeaseStore;
}

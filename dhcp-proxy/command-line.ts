/**
 * The daemon's flags: the reference's, and one of our own.
 * @module
 */

import { parseFlags } from "../core/daemon/flags.ts";
import { defaultSocketPath } from "../core/dhcp/config.ts";
import type { DaemonSettings } from "./world.ts";

const known = {
  broadcast: { kind: "boolean", default: false, usage: "broadcast DHCP leases" },
  hostprefix: { kind: "string", default: "", usage: "optional prefix to host root" },
  pidfile: { kind: "string", default: "", usage: "optional path to write daemon PID to" },
  probetime: {
    kind: "duration",
    default: 200,
    usage: "how long an address is probed with ARP before it is used, 0 for not at all",
  },
  resendmax: {
    kind: "duration",
    default: 62_000,
    usage: "optional dhcp client max resend delay between requests",
  },
  resendtimeout: {
    kind: "duration",
    default: 208_000,
    usage: "optional dhcp client resend timeout, no more retries after this timeout",
  },
  socketpath: { kind: "string", default: "", usage: "optional dhcp server socketpath" },
  timeout: {
    kind: "duration",
    default: 10_000,
    usage: "optional dhcp client timeout duration for each request",
  },
} as const;

/**
 * Reads the words behind the program's name.
 * @throws {FlagError} what is to be printed, and the status to leave with
 */
export function readCommandLine(words: readonly string[]): DaemonSettings {
  const { flags } = parseFlags("daemon", known, words);
  return {
    pidfile: flags.pidfile,
    hostPrefix: flags.hostprefix,
    socketPath: flags.socketpath || defaultSocketPath,
    broadcast: flags.broadcast,
    timeoutMs: flags.timeout,
    resendMaxMs: flags.resendmax,
    resendTimeoutMs: flags.resendtimeout,
    probeMs: flags.probetime,
  };
}

/**
 * Telling the service manager how we are.
 * @see sd_notify(3), sd_watchdog_enabled(3)
 * @module
 */

import { explain } from "../errors.ts";
import { host } from "../host.ts";
import { warn } from "../log.ts";
import { environmentValue } from "./activation.ts";
import { unixAddress } from "./unix-socket.ts";

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const MSG_DONTWAIT = 0x40;
const CLOCK_MONOTONIC = 1;

/** What there is to tell: variables of sd_notify(3), as `{ READY: 1, STATUS: "serves 3 leases" }`. */
export type Notification = Record<string, string | number>;

/** The service manager, or nobody. */
export class ServiceManager {
  readonly #address: Uint8Array | undefined;
  /** The manager wants to hear of us this often, in milliseconds, or it ends us; undefined when it does not care. */
  readonly watchdogMs: number | undefined;

  constructor(environ: readonly string[], pid: number) {
    this.#address = notifyAddress(environmentValue(environ, "NOTIFY_SOCKET"));
    this.watchdogMs = watchdogMs(environ, pid);
  }

  /** Tells it; a manager that is gone or deaf is said on stderr and is no reason to fail. */
  tell(what: Notification): void {
    if (this.#address === undefined) return;
    const text = Object.entries(what)
      .map(([name, value]) => `${name}=${value}`)
      .join("\n");
    try {
      sendTo(this.#address, new TextEncoder().encode(text));
    } catch (error) {
      warn(`cannot notify the service manager: ${explain(error)}`);
    }
  }

  /** Tells it that READY=1 follows when all is read anew. */
  tellReloading(): void {
    const microseconds = Math.floor(host.clockGettime(CLOCK_MONOTONIC) * 1000);
    this.tell({ RELOADING: 1, MONOTONIC_USEC: microseconds });
  }
}

/** Paths begin with "/", abstract names with "@"; others (vsock:) are for machines that have no such socket. */
function notifyAddress(text: string | undefined): Uint8Array | undefined {
  return text !== undefined && /^[/@]./.test(text) ? unixAddress(text) : undefined;
}

function watchdogMs(environ: readonly string[], pid: number): number | undefined {
  const meant = environmentValue(environ, "WATCHDOG_PID");
  if (meant !== undefined && meant !== String(pid)) return undefined;
  const microseconds = Number(environmentValue(environ, "WATCHDOG_USEC"));
  return microseconds > 0 ? microseconds / 1000 : undefined;
}

function sendTo(address: Uint8Array, bytes: Uint8Array): void {
  const fd = host.socket(AF_UNIX, SOCK_DGRAM, 0);
  try {
    host.sendmsg(fd, bytes, address, [], MSG_DONTWAIT);
  } finally {
    host.close(fd);
  }
}

/**
 * `NLDEBUG=1`: every netlink message, decoded, on stderr.
 * @module
 */

import type { TraceEvent } from "netlink-ts/netlink/connection.ts";

import { host } from "../host.ts";
import { writeStderr } from "../log.ts";

let wanted: boolean | undefined;

/** Prints messages when `NLDEBUG=1` is in the environment; undefined when it is not. For {@link Connection}. */
export function netlinkTrace(): ((event: TraceEvent) => void) | undefined {
  wanted ??= host.environ().includes("NLDEBUG=1");
  return wanted ? print : undefined;
}

function print({ direction, name, flags, sequence, value }: TraceEvent): void {
  const arrow = direction === "sent" ? ">" : "<";
  writeStderr(`${arrow} ${name} #${sequence} 0x${flags.toString(16)} ${formatMessage(value)}\n`);
}

/** A decoded message as one line of JSON; bytes are hexadecimal, what is undefined is left out. */
export function formatMessage(message: unknown): string {
  return JSON.stringify(message, (_, value) => {
    if (typeof value === "bigint") return String(value);
    if (!(value instanceof Uint8Array)) return value;
    return Array.from(value, (byte) => byte.toString(16).padStart(2, "0")).join("");
  });
}

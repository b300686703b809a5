/**
 * Where the system bus listens.
 * @see D-Bus Specification "Server Addresses", "System message bus"
 * @module
 */

import { littleEndian } from "netlink-ts/wire/cursor.ts";

/** AF_UNIX */
const family = 1;
/** sizeof sun_path; a path has a zero behind it. */
const longestPath = 108;

/** A place to connect to. */
export interface BusAddress {
  /** As it stands in the list: `unix:path=/run/dbus/system_bus_socket`. */
  readonly text: string;
  /** struct sockaddr_un. */
  readonly sockaddr: Uint8Array;
}

/** The usual places; the second is what the specification names, and on most hosts the same. */
const usual = "unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket";

/**
 * The addresses to be tried, in order: those of DBUS_SYSTEM_BUS_ADDRESS or, without it, the usual ones.
 * @param variable `unix:path=…` or `unix:abstract=…`, several with `;`; other transports are left out
 * @throws {Error} none of them can be used here
 */
export function systemBusAddresses(variable: string | undefined): BusAddress[] {
  const found = (variable || usual).split(";").flatMap((text) => {
    const sockaddr = text.startsWith("unix:") ? sockaddrOf(text.slice("unix:".length)) : undefined;
    return sockaddr === undefined ? [] : [{ text, sockaddr }];
  });
  if (found.length > 0) return found;
  throw new Error(
    `DBUS_SYSTEM_BUS_ADDRESS has no address that can be used: want "unix:path=FILE" or "unix:abstract=NAME", got ${JSON.stringify(variable)}`,
  );
}

function sockaddrOf(options: string): Uint8Array | undefined {
  for (const [key, value] of options.split(",").map((each) => each.split("=", 2))) {
    const name = value === undefined ? undefined : unescaped(value);
    if (name === undefined || name.length === 0 || name.length >= longestPath) continue;
    if (key === "path") return sockaddr([...name, 0]);
    if (key === "abstract") return sockaddr([0, ...name]);
  }
  return undefined;
}

function sockaddr(path: readonly number[]): Uint8Array {
  return new Uint8Array([...(littleEndian ? [family, 0] : [0, family]), ...path]);
}

/** Bytes of a value, of which any may stand as `%2f`; undefined when a `%` is followed by something else. */
function unescaped(value: string): number[] | undefined {
  if (/%(?![0-9a-fA-F]{2})/.test(value)) return undefined;
  const bytes: number[] = [];
  for (const [part, digits] of value.matchAll(/%(..)|[^%]+/g)) {
    if (digits !== undefined) bytes.push(Number.parseInt(digits, 16));
    else bytes.push(...new TextEncoder().encode(part));
  }
  return bytes;
}

/**
 * How full a range set is, and who fills it: for those who have to find out why there is no address.
 * @module
 */

import { host } from "../../core/host.ts";
import { parseIp } from "../../core/net/address.ts";
import { type Range, type RangeSet, rangeOf, type Unusable } from "./range.ts";
import type { Reservation } from "./store.ts";

const CLOCK_REALTIME = 0;
const CLOCK_BOOTTIME = 7;

/** How many addresses of the set a container may have. */
export function capacity(set: RangeSet, unusable: Unusable): bigint {
  const all = set.reduce((sum, range) => sum + sizeOf(range), 0n);
  const without = [...unusable.keys()].filter((ip) => rangeOf(set, parseIp(ip)) !== undefined);
  return all - BigInt(without.length);
}

function sizeOf({ start, end }: Range): bigint {
  return numberOf(end) - numberOf(start) + 1n;
}

function numberOf(ip: Uint8Array): bigint {
  return ip.reduce((number, byte) => (number << 8n) | BigInt(byte), 0n);
}

/** Those of the reservations that take an address of the set from others. */
export function inSet<T extends { ip: string }>(
  set: RangeSet,
  unusable: Unusable,
  reservations: readonly T[],
): T[] {
  return reservations.filter(({ ip }) => !unusable.has(ip) && lies(set, ip));
}

function lies(set: RangeSet, ip: string): boolean {
  try {
    return rangeOf(set, parseIp(ip)) !== undefined;
  } catch {
    return false; // a file whose name only looks like an address
  }
}

/**
 * `13 addresses: 13 reserved by 12 containers, 2 of them since before this boot; oldest 10.1.2.3 of "c1" "eth0",
 * 3 h ago; 1 names no owner: 10.1.2.9 is empty`.
 */
export function describeUse(
  set: RangeSet,
  unusable: Unusable,
  reservations: readonly Reservation[],
): string {
  const used = inSet(set, unusable, reservations);
  const owned = used.filter(({ owner }) => owner !== undefined);
  const [bad, ...moreBad] = used.filter(({ owner }) => owner === undefined);
  const containers = new Set(owned.map(({ owner }) => owner?.containerId)).size;
  const oldest = owned.toSorted((a, b) => a.mtime - b.mtime)[0];
  const old = owned.filter(({ mtime }) => mtime < bootedAt()).length;
  return [
    `${capacity(set, unusable)} addresses: ${used.length} reserved by ${containers} containers, ` +
      `${old} of them since before this boot by the clock`,
    ...(oldest === undefined ? [] : [`oldest: ${describeReservation(oldest)}`]),
    ...(bad === undefined
      ? []
      : [`${moreBad.length + 1} without an owner: ${describeReservation(bad)}`]),
  ].join("; ");
}

/** `10.1.2.3 is held by container "c1", interface "eth0", for 3 h`. */
export function describeReservation({ ip, owner, problem, mtime }: Reservation): string {
  if (owner === undefined) return `the file of ${ip} ${problem ?? "names no container"}`;
  const { containerId, ifname } = owner;
  const link = ifname === undefined ? "" : `, interface ${JSON.stringify(ifname)}`;
  const held = `${ip} is held by container ${JSON.stringify(containerId)}${link}`;
  return mtime === 0 ? held : `${held}, for ${durationText(now() - mtime)}`;
}

function now(): number {
  return host.clockGettime(CLOCK_REALTIME) / 1000;
}

function bootedAt(): number {
  return now() - host.clockGettime(CLOCK_BOOTTIME) / 1000;
}

/** The largest unit that gives at least 2: `3 h`. A clock that was put back gives 0 s. */
function durationText(seconds: number): string {
  const units: [number, string][] = [
    [86400, "days"],
    [3600, "h"],
    [60, "min"],
  ];
  const [size, name] = units.find(([size]) => seconds >= 2 * size) ?? [1, "s"];
  return `${Math.max(0, Math.floor(seconds / size))} ${name}`;
}

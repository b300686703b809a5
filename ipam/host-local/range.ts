/**
 * Ranges of addresses and sets of them: from each set one address is given to an attachment.
 * @module
 */

import {
  broadcast,
  compareIp,
  contains,
  formatCidr,
  formatIp,
  isIpv4,
  lastAddress,
  network,
  nextIp,
  type Prefix,
} from "../../core/net/address.ts";
import type { RangeConfig } from "./config.ts";

/** Addresses from `start` to `end`, both included, all in `subnet`. */
export interface Range {
  subnet: Prefix;
  start: Uint8Array;
  end: Uint8Array;
  /** Never handed out; may lie outside the range. */
  gateway: Uint8Array;
}

/** Ranges of one address family that do not overlap, in the order they are used up. */
export type RangeSet = readonly Range[];

/**
 * Checks a range and fills in what it leaves out: start and gateway are the subnet's first address, end its last.
 * @throws Error in upstream's words
 */
export function completeRange({ subnet, rangeStart, rangeEnd, gateway }: RangeConfig): Range {
  checkSubnet(subnet);
  const first = nextIp(subnet.address);
  const start = rangeStart ?? first;
  const end = rangeEnd ?? lastAddress(subnet);
  const text = formatCidr(subnet);
  // upstream tests the start against the end too, so a range that is backwards is reported for its start
  if (!contains(subnet, start) || (rangeEnd !== undefined && compareIp(start, rangeEnd) > 0)) {
    throw new Error(`RangeStart ${formatIp(start)} not in network ${text}`);
  }
  if (!contains(subnet, end) || compareIp(start, end) > 0) {
    throw new Error(`RangeEnd ${formatIp(end)} not in network ${text}`);
  }
  return { subnet, start, end, gateway: gateway ?? first };
}

function checkSubnet(subnet: Prefix): void {
  const bits = subnet.address.length * 8;
  if (subnet.length > bits - 2) {
    throw new Error(`Network ${formatCidr(subnet)} too small to allocate from`);
  }
  const base = network(subnet).address;
  if (compareIp(base, subnet.address) === 0) return;
  throw new Error(
    "Network has host bits set. " +
      `For a subnet mask of length ${subnet.length} the network address is ${formatIp(base)}`,
  );
}

/** Checks a set and completes its ranges. @throws Error in upstream's words */
export function completeRangeSet(configs: readonly RangeConfig[]): RangeSet {
  if (configs.length === 0) throw new Error("empty range set");
  const ranges: Range[] = [];
  for (const config of configs) {
    const range = completeRange(config);
    const first = ranges[0] ?? range;
    if (isIpv4(range.start) !== isIpv4(first.start)) throw new Error("mixed address families");
    ranges.push(range);
  }
  for (const [a, b] of pairs(ranges)) {
    if (overlap(a, b)) throw new Error(`subnets ${formatRange(a)} and ${formatRange(b)} overlap`);
  }
  return ranges;
}

/** True when an address lies in a range of both. */
export function setsOverlap(a: RangeSet, b: RangeSet): boolean {
  return a.some((one) => b.some((other) => overlap(one, other)));
}

function overlap(a: Range, b: Range): boolean {
  if (isIpv4(a.start) !== isIpv4(b.start)) return false;
  return compareIp(a.start, b.end) <= 0 && compareIp(b.start, a.end) <= 0;
}

/** Every two of a list, the earlier one first. */
export function pairs<T>(list: readonly T[]): [T, T][] {
  return list.flatMap((a, index) => list.slice(index + 1).map((b): [T, T] => [a, b]));
}

/** The range of the set that the address lies in. */
export function rangeOf(set: RangeSet, ip: Uint8Array): Range | undefined {
  return set.find(
    ({ subnet, start, end }) =>
      contains(subnet, ip) && compareIp(start, ip) <= 0 && compareIp(ip, end) <= 0,
  );
}

/** `10.1.2.1-10.1.2.254,10.2.2.1-10.2.2.254`. */
export function formatRangeSet(set: RangeSet): string {
  return set.map(formatRange).join(",");
}

function formatRange({ start, end }: Range): string {
  return `${formatIp(start)}-${formatIp(end)}`;
}

/** Why an address cannot be a container's though it lies in a range: `subnet's gateway`; keys are IP texts. */
export type Unusable = ReadonlyMap<string, string>;

/** The addresses no container may have: every gateway, every network and IPv4 broadcast address. */
export function unusableAddresses(sets: readonly RangeSet[]): Unusable {
  const unusable = new Map<string, string>();
  for (const { subnet, gateway } of sets.flat()) {
    unusable.set(formatIp(subnet.address), "subnet's network address");
    if (isIpv4(gateway)) unusable.set(formatIp(broadcast(subnet)), "subnet's broadcast address");
    unusable.set(formatIp(gateway), "subnet's gateway");
  }
  return unusable;
}

/**
 * Every address of the set once, round robin: from the one after `last` over the end of each range to the start of the
 * next, `last` itself at the end. Without `last`, or when it lies in no range, from the first range's start.
 */
export function* candidates(set: RangeSet, last: Uint8Array | undefined): Generator<Uint8Array> {
  for (const { start, end } of roundFrom(set, last)) {
    let ip = start;
    while (compareIp(ip, end) < 0) {
      yield ip;
      ip = nextIp(ip);
    }
    if (compareIp(ip, end) === 0) yield ip;
  }
}

function roundFrom(
  set: RangeSet,
  last: Uint8Array | undefined,
): readonly { start: Uint8Array; end: Uint8Array }[] {
  const current = last && rangeOf(set, last);
  if (last === undefined || current === undefined) return set;
  const index = set.indexOf(current);
  const rest = compareIp(last, current.end) < 0 ? [{ start: nextIp(last), end: current.end }] : [];
  const others = [...set.slice(index + 1), ...set.slice(0, index)];
  return [...rest, ...others, { start: current.start, end: last }];
}

/**
 * CHECK of a link in a container: is what ADD made still there?
 * @see SPEC.md "CHECK"
 * @module
 */

import { familyOf } from "netlink-ts/route/family.ts";
import { IFF_UP } from "netlink-ts/route/link.ts";
import { RT_TABLE_MAIN } from "netlink-ts/route/route.ts";

import type { CniInterface, CniIp, CniResult, CniRoute } from "../cni/result.ts";
import { CniError, cniCode } from "../errors.ts";
import {
  compareIp,
  formatIp,
  formatMac,
  network,
  type Prefix,
  parseCidr,
  parseIp,
} from "./address.ts";
import { isOwner } from "./default-route.ts";
import { askEnd, type LinkEnd, type Route, type RouteSocket } from "./route-socket.ts";
import { metricOf } from "./whole-route.ts";

/** What is to be found. */
export interface ExpectedInterface {
  ifname: string;
  /** CNI_NETNS, as it is given now. */
  sandbox: string;
  /** The final result of the chain: later plugins may have changed what is expected. */
  prevResult: CniResult;
  /** What this plugin's ADD added, as in its record; absent: all that prevResult says of the link. */
  own?: { addresses: readonly string[]; routes: readonly string[] } | undefined;
  /** Whether it has to be up. */
  up: boolean;
}

/**
 * Compares the link with what prevResult says of it. What else the link has is nobody's concern.
 * @param route a socket of the container's namespace
 * @returns the link
 * @throws {CniError} that names what is missing or different
 */
export function checkInterface(route: RouteSocket, expected: ExpectedInterface): LinkEnd {
  const { ifname, sandbox, prevResult } = expected;
  const entry = interfaceEntry(prevResult, ifname, sandbox);
  const [link] = route.lookUp(askEnd({ ifname }));
  if (link === undefined) throw failed(`interface "${ifname}" not found in "${sandbox}"`);
  checkLink(link, entry, expected.up);
  checkAddresses(route, link, ownAddresses(expected, entry));
  checkRoutes(route, link, ownRoutes(expected));
  return link;
}

/** The entry of the container's link. @throws {CniError} when prevResult has none */
export function interfaceEntry(result: CniResult, ifname: string, sandbox: string): CniInterface {
  const named = (result.interfaces ?? []).filter(({ name }) => name === ifname);
  const entry = named.find((each) => each.sandbox === sandbox);
  if (entry !== undefined) return entry;
  const other = named.find((each) => each.sandbox !== undefined && each.sandbox !== "");
  if (other === undefined) throw failed(`"prevResult" has no interface "${ifname}" in a sandbox`);
  throw failed(`Sandbox in prevResult ${other.sandbox} doesn't match configured netns: ${sandbox}`);
}

/** MAC address, MTU and state of a link against its entry. @throws {CniError} */
export function checkLink(
  link: Pick<LinkEnd, "address" | "mtu" | "flags">,
  { name, mac, mtu }: CniInterface,
  up: boolean,
): void {
  const found = formatMac(link.address ?? new Uint8Array());
  if (mac !== undefined && mac.toLowerCase() !== found) {
    throw failed(`interface "${name}" has MAC address ${found}, "prevResult" says ${mac}`);
  }
  if (mtu !== undefined && mtu !== 0 && mtu !== link.mtu) {
    throw failed(`interface "${name}" has an MTU of ${link.mtu}, "prevResult" says ${mtu}`);
  }
  if (up && (link.flags & IFF_UP) === 0) throw failed(`interface "${name}" is down`);
}

/** The link that an error names. */
type CheckedLink = Pick<LinkEnd, "ifindex" | "ifname">;

/** Addresses that both prevResult and the record have. */
function ownAddresses({ prevResult, own }: ExpectedInterface, entry: CniInterface): Prefix[] {
  const index = prevResult.interfaces?.indexOf(entry);
  const concerns = (ip: CniIp) =>
    (ip.interface === undefined || ip.interface === index) &&
    (own === undefined || own.addresses.includes(ip.address));
  return (prevResult.ips ?? []).filter(concerns).map(({ address }) => parseCidr(address));
}

/** @throws {CniError} that names the first address which the link does not have */
export function checkAddresses(
  route: RouteSocket,
  link: CheckedLink,
  expected: readonly Prefix[],
): void {
  if (expected.length === 0) return;
  const families = new Set(expected.map(({ address }) => familyOf(address)));
  const present = [...families].flatMap((family) => route.addresses(link.ifindex, family));
  for (const { address, length } of expected) {
    const found = present.some((each) => {
      const own = each.local ?? each.address;
      return own !== undefined && each.prefixLength === length && compareIp(own, address) === 0;
    });
    if (found) continue;
    throw failed(`Failed to match addr ${formatIp(address)}/${length} on interface ${link.ifname}`);
  }
}

/** Routes that both prevResult and the record have. */
function ownRoutes({ prevResult, own }: ExpectedInterface): CniRoute[] {
  const routes = prevResult.routes ?? [];
  return own === undefined
    ? routes
    : routes.filter((route) => own.routes.includes(routeKey(route)));
}

/** What a record keeps of a route, to know it again in prevResult. */
export function routeKey({ dst, gw = "", table = RT_TABLE_MAIN }: CniRoute): string {
  return `${dst} ${gw} ${table}`;
}

/** @throws {CniError} that names the first route which does not lead out of the link */
export function checkRoutes(
  route: RouteSocket,
  link: CheckedLink,
  expected: readonly CniRoute[],
): void {
  const families = new Map<number, Route[]>();
  for (const wanted of expected) {
    const dst = network(parseCidr(wanted.dst));
    const family = familyOf(dst.address);
    const present = families.get(family) ?? route.routesBy(link.ifindex, family);
    families.set(family, present);
    if (dst.length === 0 && present.some(isOwner)) checkOwnership(route, link, family);
    if (present.some((each) => isRoute(each, dst, wanted, link.ifindex))) continue;
    const via = wanted.gw === undefined ? "" : ` via ${wanted.gw}`;
    const metric = wanted.priority ? ` metric ${wanted.priority}` : "";
    throw failed(`Expected Route ${wanted.dst}${via}${metric} not found in routing table`);
  }
}

/** A later plugin may have moved a route to another table, so one without a table is found in any. */
function isRoute(present: Route, dst: Prefix, wanted: CniRoute, ifindex: number): boolean {
  const table = present.table ?? present.headerTable;
  if (wanted.table !== undefined && wanted.table !== table) return false;
  if (wanted.priority && !isMetric(metricOf(present), wanted.priority, dst)) return false;
  if (present.dstLength !== dst.length) return false;
  if (dst.length > 0 && compareIp(present.dst ?? new Uint8Array(), dst.address) !== 0) return false;
  const hops = present.multipath ?? [{ ifindex: present.oif, gateway: present.gateway }];
  const gateway = wanted.gw === undefined ? undefined : parseIp(wanted.gw);
  const onLink = gateway?.every((byte) => byte === 0) ?? true;
  return hops.some((hop) => {
    if (hop.ifindex !== ifindex) return false;
    if (onLink || gateway === undefined) return true;
    return hop.gateway !== undefined && compareIp(hop.gateway, gateway) === 0;
  });
}

/** A default route may be further behind: a network that owns the default route, and came later, has moved it. */
function isMetric(found: number, wanted: number, dst: Prefix): boolean {
  return dst.length === 0 ? found >= wanted : found === wanted;
}

/**
 * That a default route of a network which owns it is still before all others.
 * @param family AF_INET or AF_INET6
 */
function checkOwnership(
  route: RouteSocket,
  { ifindex, ifname }: CheckedLink,
  family: number,
): void {
  const all = route.defaultRoutes(family);
  const own = all.filter((each) => each.oif === ifindex && isOwner(each)).map(metricOf);
  const other = all.find((each) => !isOwner(each) && metricOf(each) <= Math.min(...own));
  if (own.length === 0 || other === undefined) return;
  const metric = `metric ${metricOf(other)}`;
  throw failed(`"${ifname}" owns the default route, and another with ${metric} goes before it`);
}

function failed(message: string): CniError {
  return new CniError(cniCode.internal, message);
}

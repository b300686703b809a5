/**
 * What IPAM's answer means for an interface: addresses and routes as the kernel takes them.
 * @see SPEC.md "ADD Success", rtnetlink(7)
 * @module
 */

import type { CniIp, CniResult, CniRoute } from "../cni/result.ts";
import { during } from "../errors.ts";
import { isIpv4, network, type Prefix, parseCidr, parseIp } from "./address.ts";

const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;

/** A route as the kernel takes it. */
export interface PlannedRoute {
  /** Host bits are zero. */
  dst: Prefix;
  /** Absent: what `dst` holds is on the link. */
  gateway?: Uint8Array;
  /** The gateway is on the link, whatever the addresses say. */
  onLink?: boolean;
  /** The source address of packets that have none yet. */
  source?: Uint8Array;
  /** RT_SCOPE_*. */
  scope: number;
  mtu?: number;
  advmss?: number;
  priority?: number;
  /** Absent: the main table. */
  table?: number;
}

/** The addresses of a result, each once, in order. @throws {CniError} naming the address that cannot be read */
export function plannedAddresses(ips: readonly CniIp[]): Prefix[] {
  const texts = [...new Set(ips.map((ip) => ip.address))];
  return texts.map((text) => during(`read IPAM's address "${text}"`, () => parseCidr(text)));
}

/**
 * The routes of a result, each once. A route without `gw` goes through the first gateway of its family, unless its scope
 * says that it stays on the link; `0.0.0.0` or `::` is no gateway. Routes on the link come first: the gateways of the
 * others may lie behind them.
 * @throws {CniError} naming the route that cannot be read
 */
export function plannedRoutes({ ips = [], routes = [] }: CniResult): PlannedRoute[] {
  const planned = routes.map((route) =>
    during(`read IPAM's route to "${route.dst}"`, () => plannedRoute(route, ips)),
  );
  if (planned.length < 2) return planned;
  const distinct = new Map(planned.map((route) => [identity(route), route]));
  const [near, far] = [[] as PlannedRoute[], [] as PlannedRoute[]];
  for (const route of distinct.values()) (route.gateway === undefined ? near : far).push(route);
  return [...near, ...far];
}

function plannedRoute(route: CniRoute, ips: readonly CniIp[]): PlannedRoute {
  const dst = network(parseCidr(route.dst));
  const gateway = gatewayOf(route, dst, ips);
  if (gateway !== undefined && gateway.length !== dst.address.length) {
    throw new Error(`want a gateway of the same family, got "${route.gw}"`);
  }
  const { gw: _, dst: __, scope, ...metrics } = route;
  const planned: PlannedRoute = { ...metrics, dst, scope: scope ?? scopeOf(dst, gateway) };
  return gateway === undefined ? planned : { ...planned, gateway };
}

function gatewayOf(
  { gw, scope = RT_SCOPE_UNIVERSE }: CniRoute,
  dst: Prefix,
  ips: readonly CniIp[],
): Uint8Array | undefined {
  if (gw !== undefined) {
    const given = parseIp(gw);
    return given.every((byte) => byte === 0) ? undefined : given;
  }
  return scope < RT_SCOPE_LINK ? gatewayOfFamily(ips, isIpv4(dst.address)) : undefined;
}

/** As `ip route`: what needs no gateway is on the link, so that it may lead to a gateway. */
function scopeOf(dst: Prefix, gateway: Uint8Array | undefined): number {
  return gateway === undefined && isIpv4(dst.address) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

/** The first gateway of a family among a result's addresses. */
export function gatewayOfFamily(ips: readonly CniIp[], ipv4: boolean): Uint8Array | undefined {
  for (const { gateway } of ips) {
    if (gateway === undefined) continue;
    const address = parseIp(gateway);
    if (isIpv4(address) === ipv4) return address;
  }
  return undefined;
}

/** Two routes of one identity are one route: the kernel answers EEXIST to the second. */
function identity(route: PlannedRoute): string {
  return JSON.stringify(route, (_, value) =>
    value instanceof Uint8Array ? value.join(".") : value,
  );
}

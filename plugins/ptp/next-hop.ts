/**
 * The host as the container's next hop: what IPAM's answer means for addresses and routes of both ends.
 * @module
 */

import { RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE } from "netlink-ts/route/route.ts";

import type { CniIp, CniRoute, IpamResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import {
  compareIp,
  contains,
  formatCidr,
  formatIp,
  isIpv4,
  network,
  type Prefix,
  parseCidr,
  parseIp,
} from "../../core/net/address.ts";
import { type PlannedRoute, plannedRoutes } from "../../core/net/interface-plan.ts";

/** An address of the container, and the one that the host has for it. */
export interface NextHop {
  /** With the length of its subnet. */
  address: Prefix;
  /** Of the same family. */
  gateway: Uint8Array;
}

/** One for each address. @throws {CniError} 7 that names an address without a gateway that could be the host's */
export function nextHops(ips: readonly CniIp[]): NextHop[] {
  return ips.map(({ address: text, gateway }) => {
    const address = parseCidr(text);
    if (gateway === undefined) {
      throw new CniError(cniCode.badConfig, `IPAM gave no gateway with address "${text}"`, {
        details: "the host gets the gateway's address, and all that the container sends goes there",
      });
    }
    const hop = { address, gateway: parseIp(gateway) };
    if (hop.gateway.length === address.address.length) return hop;
    const message = `IPAM gave address "${text}" a gateway of the other family: "${gateway}"`;
    throw new CniError(cniCode.badConfig, message);
  });
}

/** The addresses that make the host the next hop, each once. */
export function hostAddresses(hops: readonly NextHop[]): Prefix[] {
  return distinct(hops.map(({ gateway }) => whole(gateway)));
}

/** Routes of the host to the container's addresses, out of its end. */
export function hostRoutes(hops: readonly NextHop[]): PlannedRoute[] {
  return hops.map(({ address: { address } }) => ({
    dst: whole(address),
    scope: isIpv4(address) ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE,
  }));
}

/**
 * Routes of the container in place of those that the kernel makes of its subnets: the gateway is on the link, and the rest of
 * the subnet behind it.
 */
export function nextHopRoutes(hops: readonly NextHop[]): PlannedRoute[] {
  const toGateway = hops.map(({ address: { address: source }, gateway }) => ({
    dst: whole(gateway),
    source,
    scope: isIpv4(gateway) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
  }));
  const toSubnet = hops.flatMap(({ address, gateway }) => {
    if (address.length === whole(address.address).length) return [];
    const source = address.address;
    return [{ dst: network(address), gateway, source, scope: RT_SCOPE_UNIVERSE }];
  });
  return distinctRoutes([...toGateway, ...toSubnet]);
}

/** All routes of the container: those to and by the host, and IPAM's. */
export function containerRoutes(hops: readonly NextHop[], answer: IpamResult): PlannedRoute[] {
  const further = plannedRoutes(answer).map((route) =>
    isBehindHost(route, hops) ? { ...route, onLink: true } : route,
  );
  return [...nextHopRoutes(hops), ...further];
}

/** True when the gateway is in a subnet of the container, but not the host: no route makes it a neighbour. */
function isBehindHost({ gateway }: PlannedRoute, hops: readonly NextHop[]): boolean {
  if (gateway === undefined) return false;
  if (hops.some((hop) => compareIp(hop.gateway, gateway) === 0)) return false;
  return hops.some(({ address }) => contains(address, gateway));
}

/** As results tell of a route. */
export function describeRoute({ dst, gateway }: PlannedRoute): CniRoute {
  return { dst: formatCidr(dst), ...(gateway && { gw: formatIp(gateway) }) };
}

/** `/32` or `/128`. */
function whole(address: Uint8Array): Prefix {
  return { address, length: 8 * address.length };
}

function distinct(prefixes: readonly Prefix[]): Prefix[] {
  return [...new Map(prefixes.map((prefix) => [formatCidr(prefix), prefix])).values()];
}

/** Of routes to one destination the first. */
function distinctRoutes(routes: readonly PlannedRoute[]): PlannedRoute[] {
  const first = new Map<string, PlannedRoute>();
  for (const route of routes) {
    const key = formatCidr(route.dst);
    if (!first.has(key)) first.set(key, route);
  }
  return [...first.values()];
}

/**
 * The link of the host that leads to a pod, and addresses that are the host's own.
 * @module
 */

import { RTN_LOCAL } from "netlink-ts/route/route.ts";

import type { Link, RouteSocket } from "../../core/net/route-socket.ts";

/** The link that the host routes to `address` by; undefined when it has no route. */
export function linkTowards(route: RouteSocket, address: Uint8Array): Link | undefined {
  const oif = route.routeTo(address)?.oif;
  return oif === undefined ? undefined : route.linkByIndex(oif);
}

/** True when the address is one of the host's own. */
export function isLocal(route: RouteSocket, address: Uint8Array): boolean {
  return route.routeTo(address)?.type === RTN_LOCAL;
}

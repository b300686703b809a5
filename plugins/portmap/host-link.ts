/**
 * The link of the host that leads to a pod, and addresses that are the host's own.
 * @module
 */

import { RTN_LOCAL } from "netlink-ts/route/route.ts";

import { askIdentity, type LinkIdentity, type RouteSocket } from "../../core/net/route-socket.ts";

/** The link that the host routes to `address` by; undefined when it has no route. */
export function linkTowards(route: RouteSocket, address: Uint8Array): LinkIdentity | undefined {
  const ifindex = route.routeTo(address)?.oif;
  return ifindex === undefined ? undefined : route.lookUp(askIdentity({ ifindex }))[0];
}

/** True when the address is one of the host's own. */
export function isLocal(route: RouteSocket, address: Uint8Array): boolean {
  return route.routeTo(address)?.type === RTN_LOCAL;
}

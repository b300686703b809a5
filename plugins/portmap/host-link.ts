/**
 * The link of the host that leads to a pod.
 * @module
 */

import { answeredBy, call } from "netlink-ts/netlink/request.ts";
import { getRoute, RTN_LOCAL, routeMessage } from "netlink-ts/route/route.ts";

import { isErrno } from "../../core/errors.ts";
import { isIpv4 } from "../../core/net/address.ts";
import type { Link, RouteSocket } from "../../core/net/route-socket.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const lookup = answeredBy(getRoute, routeMessage.pick("oif"));

/** The link that the host routes to `address` by; undefined when it has no route. */
export function linkTowards(route: RouteSocket, address: Uint8Array): Link | undefined {
  const oif = routeTo(route, address)?.oif;
  return oif === undefined ? undefined : route.linkByIndex(oif);
}

/** True when the address is one of the host's own. */
export function isLocal(route: RouteSocket, address: Uint8Array): boolean {
  return routeTo(route, address)?.type === RTN_LOCAL;
}

function routeTo(route: RouteSocket, address: Uint8Array) {
  const family = isIpv4(address) ? AF_INET : AF_INET6;
  const request = { family, dstLength: address.length * 8, dst: address };
  try {
    return route.batch(call(lookup, request))[0][0];
  } catch (error) {
    // no route, one that refuses, or no IPv6 on this host
    if (isErrno(error, "ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL", "ENOENT")) {
      return undefined;
    }
    throw error;
  }
}

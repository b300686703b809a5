/**
 * The link that another one is made on: macvlan, ipvlan, vlan.
 * @module
 */

import { AF_INET, AF_INET6 } from "netlink-ts/route/family.ts";

import { CniError, cniCode } from "../errors.ts";
import { askIdentity, type RouteSocket } from "../net/route-socket.ts";
import { defaultLink, type Mtu } from "./mtu.ts";

/** The link below. */
export interface Master {
  ifname: string;
  ifindex: number;
  /** Bytes. */
  mtu: number;
}

/**
 * Looks up the link below.
 * @param name absent or empty: the link of the default route, of IPv4 before IPv6
 * @throws {CniError} 7 that names it
 */
export function findMaster(route: RouteSocket, name: string | undefined): Master {
  const which = name ? { ifname: name } : { ifindex: anyDefaultLink(route) };
  const [link] = route.lookUp(askIdentity(which));
  if (link?.ifname === undefined || link.mtu === undefined) {
    throw new CniError(cniCode.badConfig, `failed to lookup master "${name}": Link not found`);
  }
  return { ifname: link.ifname, ifindex: link.ifindex, mtu: link.mtu };
}

function anyDefaultLink(route: RouteSocket): number {
  const ifindex = defaultLink(route, AF_INET) ?? defaultLink(route, AF_INET6);
  if (ifindex !== undefined) return ifindex;
  throw new CniError(cniCode.badConfig, "no default route interface found", {
    details: '"master" is missing, and there is no default route whose interface could be it',
  });
}

/** The MTU of a link on that one: undefined leaves it to the kernel, which takes the master's. @throws {CniError} 7 */
export function mtuOn({ mtu: most }: Master, mtu: Mtu): number | undefined {
  if (mtu === "auto") return undefined;
  if (mtu >= 0 && mtu <= most) return mtu === 0 ? undefined : mtu;
  throw new CniError(cniCode.badConfig, `invalid MTU ${mtu}, must be [0, master MTU(${most})]`);
}

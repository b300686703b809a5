/**
 * The link that another one is made on: macvlan, ipvlan, vlan.
 * @module
 */

import { RT_TABLE_MAIN } from "netlink-ts/route/route.ts";

import { CniError, cniCode } from "../errors.ts";
import { askIdentity, type Route, type RouteSocket } from "../net/route-socket.ts";

const AF_INET = 2;
const AF_INET6 = 10;

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
  const which = name ? { ifname: name } : { ifindex: defaultLink(route) };
  const [link] = route.lookUp(askIdentity(which));
  if (link?.ifname === undefined || link.mtu === undefined) {
    throw new CniError(cniCode.badConfig, `failed to lookup master "${name}": Link not found`);
  }
  return { ifname: link.ifname, ifindex: link.ifindex, mtu: link.mtu };
}

function defaultLink(route: RouteSocket): number {
  for (const family of [AF_INET, AF_INET6]) {
    const found = route.routes(family).find(isDefault);
    const ifindex = found?.oif ?? found?.multipath?.[0]?.ifindex;
    if (ifindex !== undefined) return ifindex;
  }
  throw new CniError(cniCode.badConfig, "no default route interface found", {
    details: '"master" is missing, and there is no default route whose interface could be it',
  });
}

function isDefault({ dstLength, table, headerTable, oif, multipath }: Route): boolean {
  const isOut = oif !== undefined || multipath !== undefined;
  return dstLength === 0 && (table ?? headerTable) === RT_TABLE_MAIN && isOut;
}

/** The MTU of a link on that one: undefined leaves it to the kernel, which takes the master's. @throws {CniError} 7 */
export function mtuOn({ mtu: most }: Master, mtu: number): number | undefined {
  if (mtu >= 0 && mtu <= most) return mtu === 0 ? undefined : mtu;
  throw new CniError(cniCode.badConfig, `invalid MTU ${mtu}, must be [0, master MTU(${most})]`);
}

/**
 * VRF devices and their ports.
 * @module
 */

import { answeredBy } from "netlink-ts/netlink/request.ts";
import {
  getLink,
  IFF_UP,
  linkData,
  linkMessage,
  RTEXT_FILTER_SKIP_STATS,
} from "netlink-ts/route/link.ts";
import { RT_TABLE_LOCAL } from "netlink-ts/route/route.ts";

import { CniError, cniCode, during } from "../../core/errors.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";

/** The first of those that every namespace has: default, main and local. */
const RT_TABLE_DEFAULT = 253;

const getLinks = answeredBy(getLink, linkMessage.pick("ifname", "master", "linkInfo"));

/** A link as far as vrf looks at it. */
export interface AnyLink {
  readonly ifindex: number;
  readonly ifname: string;
  readonly isUp: boolean;
  /** Index of its master; 0 without one. */
  readonly master: number;
  /** Of a VRF: its routing table. */
  readonly table: number | undefined;
}

/** A VRF. */
export type Vrf = AnyLink & { readonly table: number };

/** All links of a namespace. */
export function allLinks(route: RouteSocket): AnyLink[] {
  return route.dump(getLinks, { extMask: RTEXT_FILTER_SKIP_STATS }).map((link) => ({
    ifindex: link.ifindex,
    ifname: link.ifname ?? "",
    isUp: (link.flags & IFF_UP) !== 0,
    master: link.master ?? 0,
    table: linkData(link, "vrf")?.table,
  }));
}

/** The VRF of that name; undefined without a link of that name. @throws {CniError} for a link of another kind */
export function findVrf(links: readonly AnyLink[], name: string): Vrf | undefined {
  const found = links.find(({ ifname }) => ifname === name);
  if (found === undefined || isVrf(found)) return found;
  throw new CniError(cniCode.internal, `Netlink ${name} is not a VRF`);
}

function isVrf(link: AnyLink): link is Vrf {
  return link.table !== undefined;
}

/** The smallest routing table from 1 on that no VRF has, and that is not one of every namespace's own. */
export function freeTable(links: readonly AnyLink[]): number {
  const used = new Set(links.map(({ table }) => table));
  for (let table = 1; ; table++) {
    const isCommon = table >= RT_TABLE_DEFAULT && table <= RT_TABLE_LOCAL;
    if (!used.has(table) && !isCommon) return table;
  }
}

/** Same as `ip link add $name type vrf table $table; ip link set $name up`, in one step. */
export function createVrf(route: RouteSocket, ifname: string, table: number): void {
  during(`could not add VRF ${ifname}`, () =>
    route.createLink({
      ifname,
      linkInfo: { kind: "vrf", data: { table } },
      flags: IFF_UP,
      change: IFF_UP,
    }),
  );
}

/** Deletes the VRF, unless somebody else is in it. */
export function deleteIfEmpty(route: RouteSocket, vrf: AnyLink, links: readonly AnyLink[]): void {
  if (links.some(({ master }) => master === vrf.ifindex)) return;
  route.deleteLinkIfPresent(vrf.ifindex);
}

/**
 * The bridge that attachments share: made by whoever comes first, taken over by all others.
 * @module
 */

import { IFF_PROMISC, IFF_UP, linkData } from "netlink-ts/route/link.ts";

import { CniError, cniCode, during, isErrno } from "../errors.ts";
import { warn } from "../log.ts";
import { Rollback } from "../rollback.ts";
import { formatMac } from "./address.ts";
import { randomMac } from "./mac.ts";
import { askIdentity, type LinkIdentity, type RouteSocket } from "./route-socket.ts";
import { tryWriteSysctl } from "./sysctl.ts";

/** What a bridge shall be. */
export interface WantedBridge {
  ifname: string;
  /** Bytes; counts only for a bridge that is made now. Absent or 0: the kernel's default. */
  mtu?: number;
  /** It tells VLANs apart. */
  vlanFiltering: boolean;
  promiscuous: boolean;
}

/** A bridge that is there and up. */
export interface Bridge {
  ifname: string;
  ifindex: number;
  /** True when it was made for this call; nobody but its maker may take it away again. */
  isNew: boolean;
  /** 6 bytes. */
  mac: Uint8Array;
}

/**
 * Finds or makes the bridge. Safe for many at once: who loses the race finds what the winner made.
 *
 * A new bridge has a MAC address of its own from birth, so that it never takes one of a port, and does not listen to
 * router advertisements. A bridge that was there keeps its MTU and its addresses.
 * @throws {CniError} 7 when a link of that name is something else
 */
export function ensureBridge(route: RouteSocket, wanted: WantedBridge): Bridge {
  return during(`create bridge "${wanted.ifname}"`, () => {
    const [found] = route.lookUp(askIdentity({ ifname: wanted.ifname }));
    if (found !== undefined) return adopted(route, found, wanted);
    return createdHere(route, wanted) ?? adopted(route, existing(route, wanted.ifname), wanted);
  });
}

function existing(route: RouteSocket, ifname: string): LinkIdentity {
  const [link] = route.lookUp(askIdentity({ ifname }));
  if (link !== undefined) return link;
  throw new CniError(cniCode.tryAgain, `"${ifname}" came and went while it was looked at`);
}

/** Undefined when somebody else has just made one. */
function createdHere(route: RouteSocket, wanted: WantedBridge): Bridge | undefined {
  const { ifname, vlanFiltering } = wanted;
  const mac = randomMac();
  const flags = wantedFlags(wanted);
  using rollback = new Rollback();
  rollback.defer(() => deleteIfMade(route, ifname, mac)); // before: the answer may be all that fails
  try {
    route.createLink({
      ifname,
      address: mac,
      mtu: wanted.mtu === 0 ? undefined : wanted.mtu,
      flags,
      change: flags,
      linkInfo: { kind: "bridge", data: vlanFiltering ? { vlanFiltering: 1 } : {} },
    });
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
    rollback.commit();
    return undefined;
  }
  // what routers in the containers' network say is not for the host
  tryWriteSysctl(`net/ipv6/conf/${ifname}/accept_ra`, "0");
  const ifindex = route.ifindexOf(ifname);
  if (ifindex === undefined) throw new CniError(cniCode.tryAgain, `"${ifname}" has vanished`);
  rollback.commit();
  return { ifname, ifindex, mac, isNew: true };
}

/** The MAC address chosen for it tells whether the bridge of that name is the one that was asked for. */
function deleteIfMade(route: RouteSocket, ifname: string, mac: Uint8Array): void {
  const [link] = route.lookUp(askIdentity({ ifname }));
  if (link?.address === undefined || formatMac(link.address) !== formatMac(mac)) return;
  deleteBridgeIfUnused(route, link);
}

function adopted(route: RouteSocket, link: LinkIdentity, wanted: WantedBridge): Bridge {
  const { ifname } = wanted;
  const { ifindex, address } = link;
  // no link has an index below 1: then the answer was no answer
  if (link.linkInfo?.kind !== "bridge" || address === undefined || ifindex < 1) {
    throw new CniError(cniCode.badConfig, `"${ifname}" already exists but is not a bridge`);
  }
  const flags = wantedFlags(wanted);
  if ((link.flags & flags) !== flags) route.setLink({ ifindex, flags, change: flags });
  if (wanted.vlanFiltering) turnVlanFilteringOn(route, ifname, ifindex);
  // all zeros: it had none of its own, and its last port has left
  const mac = address.some((byte) => byte !== 0) ? address : randomMac();
  return { ifname, ifindex, mac, isNew: false };
}

function wantedFlags({ promiscuous }: WantedBridge): number {
  return IFF_UP | (promiscuous ? IFF_PROMISC : 0);
}

/** Without it the VLANs of the ports have no effect: containers of different VLANs would hear each other. */
function turnVlanFilteringOn(route: RouteSocket, ifname: string, ifindex: number): void {
  const data = linkData(route.detailedLink(ifindex) ?? {}, "bridge");
  if (data === undefined || data.vlanFiltering === 1) return;
  warn(`turns VLAN filtering on for bridge "${ifname}": its configuration has VLANs`);
  route.setLink({ ifindex, linkInfo: { kind: "bridge", data: { vlanFiltering: 1 } } });
}

/**
 * Takes a bridge away that this call had made, unless somebody has come to use it meanwhile.
 */
export function deleteBridgeIfUnused(
  route: RouteSocket,
  { ifindex }: Pick<Bridge, "ifindex">,
): void {
  if (route.portsOf(ifindex).length === 0) route.deleteLinkIfPresent(ifindex);
}

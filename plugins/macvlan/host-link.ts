/**
 * The host's own link on a master, beside those of containers: the kernel lets no packet pass between the master and the links on it,
 * so the host reaches containers by a link like theirs. One for each network and master; it goes with the last container.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { IF_OPER_UP, IFF_UP, setLink } from "netlink-ts/route/link.ts";
import { MACVLAN_MODE_BRIDGE } from "netlink-ts/route/link-kinds/macvlan.ts";

import { ownerNetworkText } from "../../core/attachment.ts";
import { CniError, cniCode, during } from "../../core/errors.ts";
import type { Master } from "../../core/link/master.ts";
import { DadWatch } from "../../core/net/dad.ts";
import { attachmentHash } from "../../core/net/link-owner.ts";
import { settledLinks } from "../../core/net/link-state.ts";
import { randomMac } from "../../core/net/mac.ts";
import type { Link, RouteSocket } from "../../core/net/route-socket.ts";
import { tryWriteSysctl } from "../../core/net/sysctl.ts";

const kind = "macvlan";

/** A link of the host for a network. */
export interface HostLink {
  ifname: string;
  ifindex: number;
  mac: Uint8Array;
}

/** Whose it is, as its alias: no network's name has an "@". */
function alias(network: string, master: string): string {
  return `${ownerNetworkText(network)}@${master}`;
}

/** The name follows from network and master, so that two who make it make the same. */
function nameOf(network: string, master: string): string {
  const hash = attachmentHash({ network, containerId: "", ifname: master }) >>> 0;
  return `mv${hash.toString(16).padStart(8, "0")}`;
}

/** The links of the host for a network, on whatever master; one that was half made has no alias yet, but its name. */
export function hostLinksOf(host: RouteSocket, network: string): Link[] {
  const prefix = alias(network, "");
  const links = host.links();
  const isHalfMade = ({ ifname, linkInfo, link }: Link) => {
    const master = linkInfo?.kind === kind && links.find(({ ifindex }) => ifindex === link);
    return master && nameOf(network, master.ifname ?? "") === ifname;
  };
  return links.filter((each) => each.ifalias?.startsWith(prefix) ?? isHalfMade(each));
}

/**
 * Finds or makes the link, or completes one that was half made. The caller holds the lock of what attachments share.
 * @throws {CniError} when another link has its name
 */
export function ensureHostLink(host: RouteSocket, network: string, master: Master): HostLink {
  const ifname = nameOf(network, master.ifname);
  return during(`make the host's link "${ifname}" on "${master.ifname}"`, () => {
    const found = host.linkByName(ifname);
    if (found === undefined) create(host, ifname, master);
    else requireOwn(found, alias(network, master.ifname), master);
    const link = found ?? host.linkByName(ifname);
    if (link?.address === undefined) throw new CniError(cniCode.tryAgain, "it has vanished");
    // up is what it becomes last
    if ((link.flags & IFF_UP) === 0) {
      using watch = new DadWatch(); // before the link has an address
      complete(host, link.ifindex, ifname, alias(network, master.ifname));
      settle(host, { ifname, ifindex: link.ifindex }, master, watch);
    }
    return { ifname, ifindex: link.ifindex, mac: link.address };
  });
}

function requireOwn({ ifalias, link, linkInfo }: Link, own: string, master: Master): void {
  const isOwn = linkInfo?.kind === kind && link === master.ifindex;
  if (isOwn && (ifalias ?? own) === own) return; // without an alias: it was half made
  throw new CniError(cniCode.internal, "another link has that name");
}

function create(host: RouteSocket, ifname: string, { ifindex }: Master): void {
  const data = { mode: MACVLAN_MODE_BRIDGE };
  const linkInfo = { kind, data };
  host.createLink({ ifname, link: ifindex, address: randomMac(), linkInfo });
}

/**
 * It is for containers alone: to the network outside the host is its master, so nothing that is said there counts here, and no
 * question from there is answered.
 */
function complete(host: RouteSocket, ifindex: number, ifname: string, ifalias: string): void {
  for (const [name, value] of [
    [`net/ipv4/conf/${ifname}/arp_filter`, "1"],
    [`net/ipv6/conf/${ifname}/accept_ra`, "0"],
    [`net/ipv6/conf/${ifname}/autoconf`, "0"],
    [`net/ipv6/conf/${ifname}/accept_dad`, "0"],
  ] as const) {
    tryWriteSysctl(name, value);
  }
  host.batch(
    call(setLink, { ifindex, ifalias }),
    call(setLink, { ifindex, flags: IFF_UP, change: IFF_UP }),
  );
}

/** Packets flow when ADD returns: where the master has a carrier, the link gets it, and with it its link-local address. */
function settle(
  host: RouteSocket,
  link: { ifname: string; ifindex: number },
  master: Master,
  watch: DadWatch,
): void {
  if (host.linkByIndex(master.ifindex)?.operstate !== IF_OPER_UP) return;
  settledLinks(host, link.ifname);
  watch.settle(host, link); // until then the host asks for no neighbour by it
}

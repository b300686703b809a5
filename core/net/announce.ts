/**
 * Telling neighbours of a new address.
 * @see Documentation/networking/ip-sysctl.rst: arp_notify, ndisc_notify
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { setLink } from "netlink-ts/route/link.ts";

import { askLink, type LinkState, type RouteSocket } from "./route-socket.ts";

/**
 * Makes the kernel send a gratuitous ARP for every IPv4 address and an unsolicited neighbour advertisement for every IPv6
 * address of the link, so that nobody keeps the last owner's MAC address: for {@link configureInterface} has told the link
 * to do so whenever its MAC address is set, and here it is set to what it is. Before, the link's state is settled.
 *
 * The kernel's announcement at "up" comes too soon: the bridge port at the other end does not forward yet.
 * @returns the link
 */
export function announce(
  route: RouteSocket,
  { ifname, ifindex, mac }: { ifname: string; ifindex: number; mac: Uint8Array },
): LinkState | undefined {
  const [links] = route.batch(askLink(ifname), call(setLink, { ifindex, address: mac }));
  return links[0];
}

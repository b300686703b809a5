/**
 * A pod's link as IPv6 sees it: its kernel parameters and its addresses, looked at again whenever they change.
 * @see RFC 4862, Documentation/networking/ip-sysctl.rst
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { NETLINK_ROUTE } from "netlink-ts/netlink/socket.ts";
import {
  deleteAddress,
  IFA_F_DADFAILED,
  IFA_F_SECONDARY,
  IFA_F_TENTATIVE,
  newAddress,
} from "netlink-ts/route/address.ts";
import { AF_INET6 } from "netlink-ts/route/family.ts";
import { type EventLoop, POLLIN } from "../core/daemon/loop.ts";
import { isErrno } from "../core/errors.ts";
import { formatCidr, type Prefix, parseCidr } from "../core/net/address.ts";
import { addressInput } from "../core/net/address-input.ts";
import { RTNLGRP_IPV6_IFADDR } from "../core/net/change-watch.ts";
import { NetlinkSocket } from "../core/net/netlink-socket.ts";
import type { RouteSocket } from "../core/net/route-socket.ts";
import { readSysctlIfPresent, writeSysctl } from "../core/net/sysctl.ts";
import type { Pod } from "./pod.ts";

const SCOPE_UNIVERSE = 0;
const SCOPE_LINK = 253;

/** Where duplicate address detection is with an address. */
export type DadState = "usable" | "tentative" | "duplicate";

/** An address of the link. */
export interface PodAddress extends Prefix {
  /** With its prefix length. */
  text: string;
  dad: DadState;
  /** Made for a while, for connections that shall not be known by their address (RFC 8981). */
  isTemporary: boolean;
}

/** IPv6 addresses of a link, by what they are for. */
export interface PodAddresses {
  linkLocal: PodAddress[];
  /** Those that other networks, or other links, may know. */
  global: PodAddress[];
}

/** Sets what router advertisements may do in the pod, in the namespace the process is in. */
export function allowAdvertisements(ifname: string, autoconf: boolean): void {
  const conf = `net/ipv6/conf/${ifname}`;
  // a router passes over advertisements unless it is told to listen nevertheless
  const listens = readSysctlIfPresent(`${conf}/forwarding`) === "1" ? "2" : "1";
  if (readSysctlIfPresent(`${conf}/accept_ra`) !== "2") writeSysctl(`${conf}/accept_ra`, listens);
  if (autoconf) writeSysctl(`${conf}/autoconf`, "1");
  if (readSysctlIfPresent(`${conf}/disable_ipv6`) === "1") writeSysctl(`${conf}/disable_ipv6`, "0");
}

/** The link's IPv6 addresses now. @throws {PodGone} */
export function addressesOfPod(pod: Pod): PodAddresses {
  return pod.enter(({ ifindex }, route) => readAddresses(route, ifindex));
}

function readAddresses(route: RouteSocket, ifindex: number): PodAddresses {
  const found: PodAddresses = { linkLocal: [], global: [] };
  for (const each of route.addresses(ifindex, AF_INET6)) {
    const { prefixLength: length, scope, flags = 0 } = each;
    const address = each.local ?? each.address;
    if (address === undefined) continue;
    const prefix = { address, length };
    const isTemporary = (flags & IFA_F_SECONDARY) !== 0;
    const one = { ...prefix, text: formatCidr(prefix), dad: dadOf(flags), isTemporary };
    if (scope === SCOPE_LINK) found.linkLocal.push(one);
    if (scope === SCOPE_UNIVERSE) found.global.push(one);
  }
  return found;
}

function dadOf(flags: number): DadState {
  if ((flags & IFA_F_DADFAILED) !== 0) return "duplicate";
  return (flags & IFA_F_TENTATIVE) !== 0 ? "tentative" : "usable";
}

/**
 * Takes addresses away and adds others, whose duplicate address detection begins. What is there already, or gone, is no error.
 * @param leaving with their prefix lengths, as `coming`
 */
export function exchangeAddresses(
  pod: Pod,
  leaving: readonly string[],
  coming: readonly string[],
): void {
  pod.enter(({ ifindex }, route) => {
    const inputs = (texts: readonly string[]) =>
      texts.map((text) => addressInput(ifindex, parseCidr(text), { dad: true }));
    const calls = [
      ...inputs(leaving).map((input) => call(deleteAddress, input)),
      ...inputs(coming).map((input) => call(newAddress, input)),
    ];
    if (calls.length === 0) return;
    route.settle(calls, (refusal) => isErrno(refusal, "EADDRNOTAVAIL", "EEXIST"));
  });
}

/** Tells of every change of an IPv6 address in a pod. It keeps the namespace while it is there, so it is there for a while. */
export class AddressWatch implements Disposable {
  readonly #socket: NetlinkSocket;
  readonly #watch: Disposable;
  #isClosed = false;

  /** @throws {PodGone} */
  constructor(loop: EventLoop, pod: Pod, changed: () => void) {
    this.#socket = pod.enter(() => new NetlinkSocket(NETLINK_ROUTE, [RTNLGRP_IPV6_IFADDR]));
    this.#watch = loop.watch(this.#socket.fd, POLLIN, () => {
      this.#discard();
      changed();
    });
  }

  /** What the messages say is read anew from the kernel. */
  #discard(): void {
    try {
      while (this.#socket.receiveIfAny() !== undefined);
    } catch (error) {
      if (!isErrno(error, "ENOBUFS")) throw error;
    }
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch[Symbol.dispose]();
    this.#socket.close();
  }
}

/**
 * Waiting for duplicate address detection, without polling.
 * @see RFC 4862 §5.4
 * @module
 */

import { IFA_F_DADFAILED, IFA_F_TENTATIVE } from "netlink-ts/route/address.ts";
import { AF_INET6 } from "netlink-ts/route/family.ts";
import { IF_OPER_UP } from "netlink-ts/route/link.ts";

import { CniError, cniCode } from "../errors.ts";
import { formatIp } from "./address.ts";
import { ChangeWatch, RTNLGRP_IPV6_IFADDR } from "./change-watch.ts";
import type { LinkAddress, RouteSocket } from "./route-socket.ts";

const patienceMs = 5000;

/** Hears of every change of an IPv6 address in the namespace it is made in; made before the addresses are. */
export class DadWatch implements Disposable {
  readonly #watch = new ChangeWatch(RTNLGRP_IPV6_IFADDR);

  /**
   * Waits until every IPv6 address of the link can be used. Five seconds at most; a link without a carrier, where nobody
   * answers, is left as it is then.
   * @throws {CniError} naming an address that somebody else has, or that is still not settled
   */
  settle(route: RouteSocket, { ifindex, ifname }: { ifindex: number; ifname: string }): void {
    const isSettled = () => !isTentative(route.addresses(ifindex), ifname);
    if (this.#watch.waitUntil(isSettled, patienceMs)) return;
    if (route.linkByIndex(ifindex)?.operstate !== IF_OPER_UP) return;
    const seconds = patienceMs / 1000;
    throw unsettled(
      ifname,
      `link ${ifname} still has tentative addresses after ${seconds} seconds`,
    );
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}

function isTentative(addresses: readonly LinkAddress[], ifname: string): boolean {
  const own = addresses.filter(({ family }) => family === AF_INET6);
  for (const { address, flags = 0 } of own) {
    if ((flags & IFA_F_DADFAILED) === 0 || address === undefined) continue;
    throw unsettled(ifname, `link ${ifname} has address ${formatIp(address)} in DADFAILED state`);
  }
  return own.some(({ flags = 0 }) => (flags & IFA_F_TENTATIVE) !== 0);
}

function unsettled(ifname: string, why: string): CniError {
  return new CniError(cniCode.internal, `failed to settle addresses for "${ifname}": ${why}`);
}

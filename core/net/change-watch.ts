/**
 * Waiting for the kernel to change something, without polling.
 * @see rtnetlink(7), include/uapi/linux/rtnetlink.h RTNLGRP_*
 * @module
 */

import { NETLINK_ROUTE } from "netlink-ts/netlink/socket.ts";

import { isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { NetlinkSocket } from "./netlink-socket.ts";

export const RTNLGRP_LINK = 1;
export const RTNLGRP_IPV6_IFADDR = 9;
export const RTNLGRP_IPV6_ROUTE = 11;
const CLOCK_MONOTONIC = 1;

/** Hears of every change of one kind in the namespace it is made in, from then on. */
export class ChangeWatch implements Disposable {
  readonly #socket: NetlinkSocket;

  /** @param group RTNLGRP_* */
  constructor(group: number) {
    this.#socket = new NetlinkSocket(NETLINK_ROUTE, [group]);
  }

  /**
   * Waits until `isSettled` answers true; it is asked at once, and again after each change.
   * @returns false when it did not within `patienceMs`
   */
  waitUntil(isSettled: () => boolean, patienceMs: number): boolean {
    const deadline = host.clockGettime(CLOCK_MONOTONIC) + patienceMs;
    while (!isSettled()) {
      const left = deadline - host.clockGettime(CLOCK_MONOTONIC);
      if (left <= 0 || !this.#socket.waitUntilReadable(left)) return isSettled();
      this.#discard();
    }
    return true;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  /** What the messages say is read anew from the kernel; that some were lost does not matter then. */
  #discard(): void {
    try {
      while (this.#socket.receiveIfAny() !== undefined);
    } catch (error) {
      if (!isErrno(error, "ENOBUFS")) throw error;
    }
  }
}

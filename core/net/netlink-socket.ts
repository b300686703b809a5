/**
 * Netlink sockets of the host, as the transport that netlink-ts wants.
 * @see netlink(7)
 * @module
 */

import {
  AF_NETLINK,
  NETLINK_ADD_MEMBERSHIP,
  NETLINK_CAP_ACK,
  NETLINK_EXT_ACK,
  NETLINK_GET_STRICT_CHK,
  NETLINK_ROUTE,
  SOL_NETLINK,
  sockaddrNl,
} from "netlink-ts/netlink/socket.ts";
import type { Transport } from "netlink-ts/netlink/transport.ts";
import { encode } from "netlink-ts/wire/codec.ts";

import { CniError, cniCode, unlessErrno } from "../errors.ts";
import { host } from "../host.ts";

const SOCK_RAW = 3;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
const SIOCGIFINDEX = 0x8933;
const IFNAMSIZ = 16;
/** No dump of the kernel fills more than 32 KiB a datagram. */
const receiveSize = 65536;

/** One netlink socket in the namespace it was opened in. It stays there when the process moves on. */
export class NetlinkSocket implements Transport, Disposable {
  readonly #fd: number;

  /** @param groups numbers of the multicast groups to hear, RTNLGRP_* */
  constructor(protocol: number, groups: readonly number[] = []) {
    this.#fd = host.socket(AF_NETLINK, SOCK_RAW, protocol);
    try {
      this.#set(NETLINK_EXT_ACK, 1);
      this.#set(NETLINK_CAP_ACK, 1);
      // a dump honours the interface that its request names (Linux 4.20)
      if (protocol === NETLINK_ROUTE) this.#set(NETLINK_GET_STRICT_CHK, 1);
      // a socket without a port number of its own counts as the kernel, which does not notify itself; bind(2) sets all
      // groups, so they are joined after it
      if (groups.length > 0) host.bind(this.#fd, encode(sockaddrNl, { family: AF_NETLINK }));
      for (const group of groups) this.#set(NETLINK_ADD_MEMBERSHIP, group);
    } catch (error) {
      host.close(this.#fd);
      throw error;
    }
  }

  /** The descriptor, for what only one protocol has a use for. The socket still closes it. */
  get fd(): number {
    return this.#fd;
  }

  send(bytes: Uint8Array): void {
    host.send(this.#fd, bytes);
  }

  receive(): Uint8Array {
    return this.#receive(0);
  }

  receiveIfAny(): Uint8Array | undefined {
    return unlessErrno(["EAGAIN"], () => this.#receive(MSG_DONTWAIT));
  }

  /** Waits for a datagram. False when none came in `timeoutMs`. */
  waitUntilReadable(timeoutMs: number): boolean {
    return host.poll([{ fd: this.#fd, events: POLLIN }], timeoutMs)[0] !== 0;
  }

  /** Index of the link of that name, by ioctl: a quarter of the price of RTM_GETLINK. Undefined when there is none. */
  ifindexOf(ifname: string): number | undefined {
    const request = new Uint8Array(40); // struct ifreq
    request.set(new TextEncoder().encode(ifname).subarray(0, IFNAMSIZ - 1));
    return unlessErrno(["ENODEV"], () => {
      host.ioctl(this.#fd, SIOCGIFINDEX, request);
      return new Uint32Array(request.buffer, IFNAMSIZ, 1)[0];
    });
  }

  close(): void {
    host.close(this.#fd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #set(option: number, value: number): void {
    host.setsockopt(this.#fd, SOL_NETLINK, option, value);
  }

  #receive(flags: number): Uint8Array {
    const message = host.recvmsg(this.#fd, receiveSize, flags);
    if ((message.flags & MSG_TRUNC) !== 0) {
      throw new CniError(cniCode.internal, `netlink answer over ${receiveSize} bytes was cut`);
    }
    return message.data;
  }
}

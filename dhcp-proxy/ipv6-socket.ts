/**
 * Sockets of IPv6 on one link: DHCPv6's UDP socket, and the one that hears router advertisements.
 * @see ipv6(7), RFC 3542
 * @module
 */

import { AF_INET6 } from "netlink-ts/route/family.ts";
import { isErrno } from "../core/errors.ts";
import { host } from "../core/host.ts";
import { CLIENT_PORT6 } from "./packet6/message.ts";
import { socketFilter } from "./socket-filter.ts";

const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const IPPROTO_ICMPV6 = 58;
const SOL_SOCKET = 1;
const SO_BINDTODEVICE = 25;
const IPPROTO_IPV6 = 41;
const IPV6_MULTICAST_HOPS = 18;
const IPV6_V6ONLY = 26;
const ICMPV6_FILTER = 1;
const MSG_DONTWAIT = 0x40;
const ROUTER_ADVERTISEMENT = 134;
/** Routers and hosts pass over what may have come through another router (RFC 4861 sections 6.1.1 and 6.1.2). */
const LARGEST_HOP_LIMIT = 255;
const LONGEST_DATAGRAM = 65_536;
/** SKF_NET_OFF: from there on a filter sees the header of IPv6, though the socket sees what is behind it. */
const NETWORK_HEADER = -0x100000;

/** What another router has passed on may come from anywhere, and would name resolvers. The kernel makes no address of it either. */
const fromThisLink = socketFilter(
  [0x30, 0, 0, NETWORK_HEADER + 7], //   ldb [7]: hop limit
  [0x15, 0, 1, LARGEST_HOP_LIMIT], //    jeq #255
  [0x06, 0, 0, LONGEST_DATAGRAM], //     ret all
  [0x06, 0, 0, 0], //                    ret nothing
);

/** A datagram, and the address it came from, 16 bytes. */
export interface Datagram {
  data: Uint8Array;
  source: Uint8Array;
}

/** A socket of the namespace that the process is in when it is opened, for one link of it. */
export class Ipv6Socket implements Disposable {
  readonly fd: number;
  readonly #ifindex: number;

  private constructor(
    { ifname, ifindex }: { ifname: string; ifindex: number },
    [type, protocol]: [number, number],
    prepare: (fd: number) => void,
  ) {
    this.#ifindex = ifindex;
    this.fd = host.socket(AF_INET6, type, protocol);
    try {
      host.setsockopt(
        this.fd,
        SOL_SOCKET,
        SO_BINDTODEVICE,
        new TextEncoder().encode(`${ifname}\0`),
      );
      prepare(this.fd);
    } catch (error) {
      host.close(this.fd);
      throw error;
    }
  }

  /** For a client of DHCPv6. @throws HostError EADDRINUSE when the link has a client already */
  static forDhcp(link: { ifname: string; ifindex: number }): Ipv6Socket {
    return new Ipv6Socket(link, [SOCK_DGRAM, 0], (fd) => {
      host.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      host.bind(fd, socketAddress(new Uint8Array(16), CLIENT_PORT6, 0));
    });
  }

  /** For saying something to a DHCPv6 server whose answer nobody waits for. */
  static forOneWord(link: { ifname: string; ifindex: number }): Ipv6Socket {
    return new Ipv6Socket(link, [SOCK_DGRAM, 0], () => {});
  }

  /** For asking routers of the link, and hearing what they advertise. */
  static forRouters(link: { ifname: string; ifindex: number }): Ipv6Socket {
    return new Ipv6Socket(link, [SOCK_RAW, IPPROTO_ICMPV6], (fd) => {
      host.attachFilter(fd, fromThisLink);
      host.setsockopt(fd, IPPROTO_ICMPV6, ICMPV6_FILTER, onlyAdvertisements());
      host.setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, LARGEST_HOP_LIMIT);
    });
  }

  /**
   * Sends to a multicast group of the link.
   * @param group 16 bytes
   * @throws HostError EADDRNOTAVAIL without a link-local address that may be used, ENETUNREACH, ENODEV
   */
  send(bytes: Uint8Array, group: Uint8Array, port = 0): void {
    host.sendmsg(this.fd, bytes, socketAddress(group, port, this.#ifindex), [], MSG_DONTWAIT);
  }

  /** The next datagram; undefined when there is none, also on a link that has gone down. */
  receive(): Datagram | undefined {
    try {
      const { data, address } = host.recvmsg(this.fd, LONGEST_DATAGRAM, MSG_DONTWAIT);
      return { data, source: address.slice(8, 24) };
    } catch (error) {
      if (isErrno(error, "EAGAIN", "ENETDOWN", "EHOSTUNREACH", "ECONNREFUSED")) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    host.close(this.fd);
  }
}

/** struct sockaddr_in6. */
function socketAddress(ip: Uint8Array, port: number, scopeId: number): Uint8Array {
  const address = new Uint8Array(28);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_INET6, true);
  view.setUint16(2, port);
  address.set(ip, 8);
  view.setUint32(24, scopeId, true);
  return address;
}

/** struct icmp6_filter: a bit that is set holds a type back. */
function onlyAdvertisements(): Uint8Array {
  const words = new Uint32Array(8).fill(0xffff_ffff);
  words[ROUTER_ADVERTISEMENT >> 5] = ~(1 << (ROUTER_ADVERTISEMENT & 31));
  return new Uint8Array(words.buffer);
}

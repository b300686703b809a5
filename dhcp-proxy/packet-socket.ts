/**
 * Packet sockets: whole Ethernet frames of one protocol on one link, whatever addresses it has.
 * @see packet(7)
 * @module
 */

import { isErrno } from "../core/errors.ts";
import { host } from "../core/host.ts";
import { leaveToKernel, wakeCollector } from "../core/nft/leave-to-kernel.ts";
import { ETH_P_ARP, ETH_P_IP } from "./packet/ethernet.ts";
import { CLIENT_PORT } from "./packet/frame.ts";
import { socketFilter } from "./socket-filter.ts";

const AF_PACKET = 17;
const SOCK_RAW = 3;
const MSG_DONTWAIT = 0x40;
/** A frame is no longer on any link that DHCP works on; what is longer is cut, and so refused. */
const LONGEST_FRAME = 65_536;

const IPPROTO_UDP = 17;

/** `udp dst port 68 and not a later fragment`, of frames that the socket's protocol says are IPv4. */
const dhcpFilter = socketFilter(
  [0x30, 0, 0, 23], //              ldb [23]: protocol
  [0x15, 0, 6, IPPROTO_UDP], //     jeq #17
  [0x28, 0, 0, 20], //              ldh [20]: fragment
  [0x45, 4, 0, 0x1fff], //          jset #0x1fff
  [0xb1, 0, 0, 14], //              ldxb 4*([14]&0xf): length of the header
  [0x48, 0, 0, 16], //              ldh [x+16]: destination port
  [0x15, 0, 1, CLIENT_PORT], //     jeq #68
  [0x06, 0, 0, LONGEST_FRAME], //   ret all
  [0x06, 0, 0, 0], //               ret nothing
);

/** ARP from or for an address of 4 bytes: pods that are added together all ask everybody. */
function arpFilter(address: Uint8Array): Uint8Array {
  const word = new DataView(address.buffer, address.byteOffset).getUint32(0);
  return socketFilter(
    [0x20, 0, 0, 28], //             ld [28]: sender's address
    [0x15, 2, 0, word], //           jeq
    [0x20, 0, 0, 38], //             ld [38]: target's address
    [0x15, 0, 1, word], //           jeq
    [0x06, 0, 0, LONGEST_FRAME], //  ret all
    [0x06, 0, 0, 0], //              ret nothing
  );
}

/** A socket of the namespace that the process is in when it is opened. */
export class PacketSocket implements Disposable {
  readonly fd: number;

  private constructor(ifindex: number, protocol: number, filter: Uint8Array) {
    this.fd = host.socket(AF_PACKET, SOCK_RAW, 0); // hears nothing before it is bound
    try {
      host.attachFilter(this.fd, filter);
      host.bind(this.fd, linkAddress(ifindex, protocol));
    } catch (error) {
      host.close(this.fd);
      throw error;
    }
  }

  /** For DHCPv4: hears what comes for port 68. */
  static forDhcp(ifindex: number): PacketSocket {
    return new PacketSocket(ifindex, ETH_P_IP, dhcpFilter);
  }

  /** For ARP: hears what is from or for an address of 4 bytes. */
  static forArp(ifindex: number, address: Uint8Array): PacketSocket {
    return new PacketSocket(ifindex, ETH_P_ARP, arpFilter(address));
  }

  /** Sends a whole frame. @throws HostError ENETDOWN, ENXIO, ENODEV: the link is down or gone */
  send(frame: Uint8Array): void {
    host.send(this.fd, frame, MSG_DONTWAIT);
  }

  /** The next frame; undefined when there is none, also on a link that has gone down. */
  receive(): Uint8Array | undefined {
    try {
      return host.recv(this.fd, LONGEST_FRAME, MSG_DONTWAIT);
    } catch (error) {
      if (isErrno(error, "EAGAIN", "ENETDOWN")) return undefined;
      throw error;
    }
  }

  /** The last close of a packet socket waits for RCU, about 10 ms, in which no other pod would be served. */
  [Symbol.dispose](): void {
    const isLeft = leaveToKernel(this.fd);
    host.close(this.fd);
    if (isLeft) wakeCollector();
  }
}

/** struct sockaddr_ll, as far as bind(2) looks at it. */
function linkAddress(ifindex: number, protocol: number): Uint8Array {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol); // network order
  view.setInt32(4, ifindex, true);
  return address;
}

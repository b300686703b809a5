/**
 * The seam between this library and a socket.
 * @module
 */

/**
 * A netlink socket: bytes in, bytes out, one datagram a call. Whoever opens it sets NETLINK_EXT_ACK and NETLINK_CAP_ACK
 * (`netlink-ts/netlink/socket.ts`), receives with room for 32 KiB or more, and throws on what the kernel cut short.
 */
export interface Transport {
  /** Sends one datagram to the kernel. `bytes` may be overwritten as soon as it returns. */
  send(bytes: Uint8Array): void;
  /** The next datagram, waiting for it. Nobody writes to the bytes afterwards: decoded values are views of them. */
  receive(): Uint8Array;
  /** The next datagram if one is there already. */
  receiveIfAny(): Uint8Array | undefined;
  close(): void;
}

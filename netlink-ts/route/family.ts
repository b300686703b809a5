/**
 * Address families, as they stand in the headers of rtnetlink messages.
 * @see include/linux/socket.h
 * @module
 */

/** Any family. */
export const AF_UNSPEC = 0;
/** IPv4. */
export const AF_INET = 2;
/** Requests to a bridge and its ports. */
export const AF_BRIDGE = 7;
/** IPv6. */
export const AF_INET6 = 10;

/** The family of an address of 4 or 16 bytes. */
export function familyOf(address: Uint8Array): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

/**
 * Tuples: the addresses and ports that identify one direction of a connection.
 * @see include/uapi/linux/netfilter/nfnetlink_conntrack.h, enum ctattr_tuple
 * @module
 */

import { attributes } from "../wire/attributes.ts";
import type { Decoded } from "../wire/codec.ts";
import { ip, u8, u16be } from "../wire/scalars.ts";

export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_SCTP = 132;

/** CTA_TUPLE_IP: one family's pair. */
const addresses = attributes({
  v4Src: [1, ip],
  v4Dst: [2, ip],
  v6Src: [3, ip],
  v6Dst: [4, ip],
});

/** CTA_TUPLE_PROTO: the protocol, and ports or what ICMP has in their place. */
const protocol = attributes({
  /** CTA_PROTO_NUM: IPPROTO_*. */
  num: [1, u8],
  srcPort: [2, u16be],
  dstPort: [3, u16be],
  icmpId: [4, u16be],
  icmpType: [5, u8],
  icmpCode: [6, u8],
  icmpv6Id: [7, u16be],
  icmpv6Type: [8, u8],
  icmpv6Code: [9, u8],
});

/** CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_TUPLE_MASTER. */
export const tuple = attributes({
  ip: [1, addresses],
  proto: [2, protocol],
  /** CTA_TUPLE_ZONE: of this direction alone. */
  zone: [3, u16be],
});
export type Tuple = Decoded<typeof tuple>;

/** Source and destination of a tuple, whichever the family: 4 or 16 bytes. */
export function tupleAddresses({ ip }: Tuple): { src?: Uint8Array; dst?: Uint8Array } {
  const src = ip?.v4Src ?? ip?.v6Src;
  const dst = ip?.v4Dst ?? ip?.v6Dst;
  return { ...(src && { src }), ...(dst && { dst }) };
}

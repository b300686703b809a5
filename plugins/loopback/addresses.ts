/**
 * The addresses of a loopback interface.
 * @module
 */

import { AF_INET, AF_INET6 } from "netlink-ts/route/family.ts";

import type { CniIp } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { contains, formatCidr, formatIp, parseCidr } from "../../core/net/address.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";

const loopbackPrefixes = [parseCidr("127.0.0.0/8"), parseCidr("::1/128")];

/**
 * The first IPv4 and the first IPv6 address of the link.
 * @throws {CniError} when it has one that is no loopback address: then it is not what it seems
 */
export function loopbackAddresses(route: RouteSocket, ifindex: number): CniIp[] {
  const firsts = new Map<number, CniIp>();
  for (const { family, prefixLength, local, address } of route.addresses(ifindex)) {
    const bytes = local ?? address;
    if (bytes === undefined) continue;
    if (!loopbackPrefixes.some((prefix) => contains(prefix, bytes))) {
      const text = `loopback interface found with non-loopback address "${formatIp(bytes)}"`;
      throw new CniError(cniCode.internal, text);
    }
    const text = formatCidr({ address: bytes, length: prefixLength });
    if (!firsts.has(family)) firsts.set(family, { address: text });
  }
  return [AF_INET, AF_INET6].flatMap((family) => firsts.get(family) ?? []);
}

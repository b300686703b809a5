/**
 * What tells a pair that the reference's ptp has made from others, for DEL.
 * @module
 */

import { familyOf } from "netlink-ts/route/family.ts";
import { RT_SCOPE_UNIVERSE } from "netlink-ts/route/route.ts";

import type { Ends } from "../../core/link/veth-verbs.ts";
import { compareIp } from "../../core/net/address.ts";
import { hostLinkName } from "../../core/net/link-owner.ts";

/** True when the host's end is named as the reference names it, nobody's port, and the way to an address of the container. */
export function isReferencePair({ host, container, outside, inside }: Ends): boolean {
  if (outside.master !== undefined || !hostLinkName.test(outside.ifname ?? "")) return false;
  const addresses = container.addresses(inside.ifindex).flatMap(({ scope, local, address }) => {
    const own = local ?? address;
    return own === undefined || scope !== RT_SCOPE_UNIVERSE ? [] : [own];
  });
  return addresses.some((own) =>
    host.routesBy(outside.ifindex, familyOf(own)).some(({ oif, dst, dstLength }) => {
      if (oif !== outside.ifindex || dst === undefined) return false;
      return dstLength === 8 * own.length && compareIp(dst, own) === 0;
    }),
  );
}

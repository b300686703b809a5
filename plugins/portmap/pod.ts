/**
 * The pod that ports are published of.
 * @module
 */

import type { CniResult } from "../../core/cni/result.ts";
import { isIpv4, parseCidr } from "../../core/net/address.ts";

/** The addresses that published ports lead to: the first of each family, 4 and 16 bytes. */
export interface PodAddresses {
  readonly v4: Uint8Array | undefined;
  readonly v6: Uint8Array | undefined;
}

/**
 * Picks them from a result: addresses of the container's interface `ifName`, and those that are of no interface, as results
 * before 0.3.0 have them.
 */
export function podAddresses(
  { ips = [], interfaces = [] }: CniResult,
  ifName: string,
): PodAddresses {
  const addresses = ips
    .filter(({ interface: index }) => {
      const link = index === undefined ? undefined : interfaces[index];
      return link === undefined || (link.name === ifName && !!link.sandbox);
    })
    .map(({ address }) => parseCidr(address).address);
  return {
    v4: addresses.find(isIpv4),
    v6: addresses.find((address) => !isIpv4(address)),
  };
}

/**
 * The pod that ports are published of.
 * @module
 */

import type { CniResult } from "../../core/cni/result.ts";
import { interfaceAddresses } from "../../core/cni/result-addresses.ts";
import { isIpv4, type Prefix } from "../../core/net/address.ts";

/** The addresses that published ports lead to: the first of each family, with the length of its subnet. */
export interface PodAddresses {
  readonly v4: Prefix | undefined;
  readonly v6: Prefix | undefined;
}

/** Picks them from a result. */
export function podAddresses(result: CniResult, ifName: string): PodAddresses {
  const all = interfaceAddresses(result, ifName);
  return {
    v4: all.find(({ address }) => isIpv4(address)),
    v6: all.find(({ address }) => !isIpv4(address)),
  };
}

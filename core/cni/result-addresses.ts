/**
 * Which addresses of a result are the container's.
 * @module
 */

import { type Prefix, parseCidr } from "../net/address.ts";
import type { CniResult } from "./result.ts";

/**
 * Addresses of the container's interface `ifName`, and those that are of no interface, as results before 0.3.0 have them.
 * With the length of their subnets.
 */
export function interfaceAddresses(
  { ips = [], interfaces = [] }: CniResult,
  ifName: string,
): Prefix[] {
  return ips
    .filter(({ interface: index }) => {
      const link = index === undefined ? undefined : interfaces[index];
      return link === undefined || (link.name === ifName && !!link.sandbox);
    })
    .map(({ address }) => parseCidr(address));
}

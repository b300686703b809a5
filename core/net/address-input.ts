/**
 * Addresses as the kernel is given them.
 * @module
 */

import { type AddressInput, IFA_F_NODAD, IFA_F_NOPREFIXROUTE } from "netlink-ts/route/address.ts";
import { familyOf } from "netlink-ts/route/family.ts";

import { broadcast, isIpv4, type Prefix } from "./address.ts";

/** From /31 on an IPv4 network has no broadcast address (RFC 3021). */
const LONGEST_WITH_BROADCAST = 30;

/** How the kernel takes an address. */
export interface AddressOptions {
  /**
   * With IPv6: let the kernel look for a duplicate before the address can be used (RFC 4862 §5.4). Left out it is usable at
   * once: our address management has given it to nobody else.
   */
  dad?: boolean;
  /** Whether the kernel makes a route of the prefix; by default it does. */
  prefixRoute?: boolean;
}

/** RTM_NEWADDR's and RTM_DELADDR's fields for a prefix: global scope, IPv4 with its broadcast address. */
export function addressInput(
  ifindex: number,
  prefix: Prefix,
  { dad = false, prefixRoute = true }: AddressOptions = {},
): AddressInput {
  const { address, length } = prefix;
  const ipv4 = isIpv4(address);
  const flags = (ipv4 || dad ? 0 : IFA_F_NODAD) | (prefixRoute ? 0 : IFA_F_NOPREFIXROUTE);
  const hasBroadcast = ipv4 && length <= LONGEST_WITH_BROADCAST;
  return {
    family: familyOf(address),
    prefixLength: length,
    ifindex,
    address,
    local: address,
    broadcast: hasBroadcast ? broadcast(prefix) : undefined,
    flags: flags === 0 ? undefined : flags,
  };
}

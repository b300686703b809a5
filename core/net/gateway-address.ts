/**
 * Gateway addresses on a link of the host that containers share.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { deleteAddress, newAddress } from "netlink-ts/route/address.ts";
import { familyOf } from "netlink-ts/route/family.ts";
import { setLink } from "netlink-ts/route/link.ts";

import { CniError, cniCode, during, isErrno } from "../errors.ts";
import { compareIp, contains, formatCidr, isIpv4, type Prefix } from "./address.ts";
import { addressInput } from "./address-input.ts";
import type { RouteSocket } from "./route-socket.ts";

/** The link that shall have the addresses. */
export interface GatewayLink {
  ifname: string;
  ifindex: number;
  /** Its MAC address, which is pinned along with the first address: neighbours keep it in their caches. */
  mac: Uint8Array;
}

/**
 * Gives the link the gateways' addresses that it does not have. Safe for many at once.
 *
 * An IPv4 link has one of them: another address is a conflict. An IPv6 link may have several whose prefixes do not overlap.
 * @param force replace what conflicts; otherwise it is an error
 * @throws {CniError} 7 that names both addresses
 */
export function ensureGatewayAddresses(
  route: RouteSocket,
  link: GatewayLink,
  gateways: readonly Prefix[],
  force: boolean,
): void {
  if (gateways.length === 0) return;
  const present = presentAddresses(route, link.ifindex, gateways);
  for (const gateway of gateways) {
    if (present.some((prefix) => isEqual(prefix, gateway))) continue;
    const strangers = present.filter((prefix) => !gateways.some((own) => isEqual(own, prefix)));
    for (const conflict of strangers.filter((prefix) => conflicts(prefix, gateway))) {
      if (!force) throw conflictError(link, conflict, gateway);
      removeAddress(route, link, conflict);
    }
    addAddress(route, link, gateway);
  }
}

/** The link's addresses, at least those of the gateways' families. */
function presentAddresses(
  route: RouteSocket,
  ifindex: number,
  gateways: readonly Prefix[],
): Prefix[] {
  const [family = 0, ...others] = new Set(gateways.map(({ address }) => familyOf(address)));
  const found = route.addresses(ifindex, others.length === 0 ? family : undefined);
  return found.flatMap(({ local, address, prefixLength: length }) => {
    const own = local ?? address;
    return own === undefined || isLinkLocal(own) ? [] : [{ address: own, length }];
  });
}

/** fe80::/10: every IPv6 link has one, and it conflicts with nothing. */
function isLinkLocal(address: Uint8Array): boolean {
  const [first = 0, second = 0] = address;
  return address.length === 16 && first === 0xfe && (second & 0xc0) === 0x80;
}

function conflicts(present: Prefix, wanted: Prefix): boolean {
  if (isIpv4(present.address) !== isIpv4(wanted.address)) return false;
  if (isIpv4(wanted.address)) return true;
  return contains(present, wanted.address) || contains(wanted, present.address);
}

function isEqual(a: Prefix, b: Prefix): boolean {
  return a.length === b.length && compareIp(a.address, b.address) === 0;
}

function conflictError(link: GatewayLink, present: Prefix, wanted: Prefix): CniError {
  const message = `"${link.ifname}" already has an IP address different from ${formatCidr(wanted)}`;
  const details = `it has ${formatCidr(present)}; "forceAddress": true replaces it`;
  return new CniError(cniCode.badConfig, message, { details });
}

function removeAddress(route: RouteSocket, { ifname, ifindex }: GatewayLink, prefix: Prefix): void {
  try {
    during(`remove address "${formatCidr(prefix)}" from "${ifname}"`, () =>
      route.batch(call(deleteAddress, addressInput(ifindex, prefix))),
    );
  } catch (error) {
    if (!isErrno(error, "EADDRNOTAVAIL")) throw error; // another ADD was faster
  }
}

/** An address that another ADD has added meanwhile is what was wanted. */
function addAddress(route: RouteSocket, link: GatewayLink, gateway: Prefix): void {
  const { ifindex, mac } = link;
  try {
    during(`add address "${formatCidr(gateway)}" to "${link.ifname}"`, () =>
      route.batch(
        call(newAddress, addressInput(ifindex, gateway)),
        call(setLink, { ifindex, address: mac }),
      ),
    );
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
    const present = presentAddresses(route, ifindex, [gateway]);
    if (!present.some((prefix) => isEqual(prefix, gateway))) throw error;
  }
}

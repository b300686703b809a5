/**
 * Making the host a router without cutting it off.
 * @see Documentation/networking/ip-sysctl.rst
 * @module
 */

import { CniError, cniCode, during } from "../errors.ts";
import { isIpv4 } from "./address.ts";
import type { RouteSocket } from "./route-socket.ts";
import { ensureSysctl, readSysctl, readSysctlIfPresent, writeSysctl } from "./sysctl.ts";

const AF_INET6 = 10;
/** The route was learned by a router advertisement. */
const RTPROT_RA = 9;
const ipv4Forwarding = "net/ipv4/ip_forward";
const allForwarding = "net/ipv6/conf/all/forwarding";

/**
 * Turns forwarding on for the families of `gateways`; writes nothing where it is on already.
 * @param route a socket in the namespace the process is in
 */
export function enableForwarding(route: RouteSocket, gateways: readonly Uint8Array[]): void {
  if (gateways.some(isIpv4)) ensureSysctl(ipv4Forwarding, "1");
  if (!gateways.some((gateway) => !isIpv4(gateway))) return;
  if (readSysctl(allForwarding).trim() === "1") return;
  during("turn IPv6 forwarding on", () => {
    keepListeningToRouters(route);
    writeSysctl(allForwarding, "1");
  });
}

/** For CHECK. @throws {CniError} naming the kernel parameter that forbids forwarding for a family of `gateways` */
export function checkForwarding(gateways: readonly Uint8Array[]): void {
  const families = new Set(gateways.map(isIpv4));
  for (const ipv4 of families) {
    const name = ipv4 ? ipv4Forwarding : allForwarding;
    if (readSysctl(name).trim() === "1") continue;
    throw new CniError(cniCode.internal, `kernel parameter "${name}" is not 1`);
  }
}

/**
 * A router does not listen to router advertisements: the kernel would drop the default routes that they gave the host, and
 * let its addresses expire. `accept_ra` 2 says: listen all the same.
 */
function keepListeningToRouters(route: RouteSocket): void {
  const learned = route.routes(AF_INET6).filter(({ protocol }) => protocol === RTPROT_RA);
  for (const ifindex of new Set(learned.map(({ oif }) => oif))) {
    const uplink = ifindex === undefined ? undefined : route.linkByIndex(ifindex);
    if (uplink?.ifname === undefined) continue;
    const acceptRa = `net/ipv6/conf/${uplink.ifname}/accept_ra`;
    if (readSysctlIfPresent(acceptRa) === "1") writeSysctl(acceptRa, "2");
  }
}

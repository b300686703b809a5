/**
 * CHECK of ptp: the kernel against prevResult and the record of ADD. Changes nothing.
 * @module
 */

import type { CheckCall } from "../../core/cni/plugin.ts";
import type { CniIp } from "../../core/cni/result.ts";
import { CniError, cniCode, during } from "../../core/errors.ts";
import {
  type CheckedVeth,
  checkVethAttachment,
  isCheckedHostEnd,
} from "../../core/link/veth-check.ts";
import type { VethPlugin, VethRecord } from "../../core/link/veth-record.ts";
import { checkAddresses, checkRoutes } from "../../core/net/check-interface.ts";
import { checkForwarding } from "../../core/net/forwarding.ts";
import { askPort } from "../../core/net/route-socket.ts";
import { describeRoute, hostAddresses, hostRoutes, nextHopRoutes, nextHops } from "./next-hop.ts";

/** IPAM checks its part beside us. @throws {CniError} that names what is missing or different */
export function checkAttachment(
  call: CheckCall<{ ipMasq: boolean }>,
  plugin: VethPlugin<VethRecord>,
): void {
  checkVethAttachment(call, plugin, true, checkNextHops);
}

function checkNextHops(found: CheckedVeth<VethRecord>): void {
  const { host, container } = found.scene;
  const { inside } = found;
  const [end] = inside.link === undefined ? [] : host.lookUp(askPort({ ifindex: inside.link }));
  if (!isCheckedHostEnd(end, found)) {
    const message = `the host's end of "${inside.ifname}" was not found`;
    throw new CniError(cniCode.internal, message);
  }
  const hops = nextHops(ownIps(found));
  checkRoutes(container, inside, nextHopRoutes(hops).map(describeRoute));
  during("on the host", () => {
    checkAddresses(host, end, hostAddresses(hops));
    checkRoutes(host, end, hostRoutes(hops).map(describeRoute));
    checkForwarding(hops.map(({ gateway }) => gateway));
  });
}

/** Addresses of prevResult that ADD gave the link; a later plugin may have taken some away, or their gateways. */
function ownIps({ prevResult, inside, record }: CheckedVeth<VethRecord>): CniIp[] {
  const { ips = [], interfaces = [] } = prevResult;
  return ips.filter(({ address, gateway, interface: index }) => {
    if (gateway === undefined) return false;
    if (record !== undefined) return record.addresses.includes(address);
    return index === undefined || interfaces[index]?.name === inside.ifname;
  });
}

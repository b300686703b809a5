/**
 * What `isGateway` and `isDefaultGateway` make of IPAM's answer.
 * @module
 */

import type { CniIp, IpamResult } from "../../core/cni/result.ts";
import { missingDefaults } from "../../core/link/routes.ts";
import {
  formatIp,
  isIpv4,
  network,
  nextIp,
  type Prefix,
  parseCidr,
  parseIp,
} from "../../core/net/address.ts";
import { type BridgeConfig, isGateway } from "./config.ts";

/** IPAM's answer with gateways, and the addresses that make the host that gateway. */
export interface GatewayPlan {
  result: IpamResult;
  /** Each once, IPv4 first. */
  gateways: Prefix[];
}

/**
 * An address without gateway gets the first address of its subnet; a family without default route gets one; the host gets
 * the gateways' addresses. Without either key IPAM's answer stays as it is.
 */
export function planGateways(config: BridgeConfig, answer: IpamResult): GatewayPlan {
  if (!isGateway(config)) return { result: answer, gateways: [] };
  const ips = answer.ips.map((ip) => ({ ...ip, gateway: ip.gateway ?? firstAddress(ip) }));
  const routes = answer.routes ?? [];
  const added = config.isDefaultGateway ? missingDefaults(ips, routes) : [];
  return {
    result: { ...answer, ips, routes: [...routes, ...added] },
    gateways: hostAddresses(ips),
  };
}

function firstAddress({ address }: CniIp): string {
  return formatIp(nextIp(network(parseCidr(address)).address));
}

function hostAddresses(ips: readonly CniIp[]): Prefix[] {
  const distinct = new Map<string, Prefix>();
  for (const { address, gateway } of ips) {
    if (gateway === undefined) continue;
    const { length } = parseCidr(address);
    distinct.set(`${gateway}/${length}`, { address: parseIp(gateway), length });
  }
  const all = [...distinct.values()];
  return [
    ...all.filter((prefix) => isIpv4(prefix.address)),
    ...all.filter((prefix) => !isIpv4(prefix.address)),
  ];
}

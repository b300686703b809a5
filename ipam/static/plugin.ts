/**
 * IPAM with the addresses that the configuration, or the call itself, names.
 * @module
 */

import { definePlugin } from "../../core/cni/plugin.ts";
import type { CniIp, CniResult } from "../../core/cni/result.ts";
import { requireExpressible } from "../../core/cni/result-writer.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { chosenAddresses } from "./addresses.ts";
import { type StaticConfig, staticConfig } from "./config.ts";

/** static: hands out the addresses it is given, and keeps no record of them. */
export const staticIpam = definePlugin({
  type: "static",
  config: staticConfig,
  argKeys: ["IP", "GATEWAY"],

  add({ config, args, cniVersion }) {
    const { routes, dns } = requireIpam(config);
    const ips = chosenAddresses(config, args);
    requireExpressible(ips, cniVersion);
    return { ips, ...(routes ? { routes } : {}), ...(dns ? { dns } : {}) };
  },

  check({ config, args, ifName, prevResult }) {
    requireIpam(config);
    if (!prevResult) throw new CniError(cniCode.badConfig, "Required prevResult missing");
    for (const ip of chosenAddresses(config, args)) requireGateway(ip, prevResult, ifName);
  },

  del() {
    // nothing is kept
  },

  gc() {
    // nothing is kept
  },

  status({ config }) {
    requireIpam(config);
  },
});

function requireIpam({ ipam }: StaticConfig) {
  if (ipam) return ipam;
  throw new CniError(cniCode.badConfig, "IPAM config missing 'ipam' key");
}

/** An address that a later plugin took away is no failure; one with another gateway is. */
function requireGateway(ip: CniIp, { ips = [] }: CniResult, ifName: string): void {
  if (ip.gateway === undefined) return;
  const others = ips.filter(({ address }) => address === ip.address);
  const found = others.find(({ gateway }) => gateway !== ip.gateway);
  if (found === undefined) return;
  const text = `static: Failed to match addr ${ip.address} on interface ${ifName}`;
  throw new CniError(cniCode.internal, text, {
    details: `want gateway "${ip.gateway}", prevResult has "${found.gateway ?? ""}"`,
  });
}

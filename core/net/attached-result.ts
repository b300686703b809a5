/**
 * The result of a plugin that made links, put together from what it was given and what it made.
 * @see SPEC.md "ADD Success"
 * @module
 */

import type { CniDns, CniInterface, CniResult } from "../cni/result.ts";

/** What goes into a result. */
export interface Attached {
  /** What earlier plugins of the chain made; it stays, in front. */
  prevResult?: CniResult | undefined;
  /** The links made or used, the container's own among them. */
  interfaces: CniInterface[];
  /** Which of `interfaces` has IPAM's addresses. */
  container: number;
  /** IPAM's answer. Its `interfaces` mean nothing and are dropped. */
  ipam?: CniResult | undefined;
  /** `dns` of the configuration: when it says anything, IPAM's is not asked. */
  dns?: CniDns | undefined;
}

/** Joins everything into one result; addresses point at the container's interface. */
export function attachedResult({
  prevResult,
  interfaces,
  container,
  ipam,
  dns,
}: Attached): CniResult {
  const earlier = prevResult?.interfaces ?? [];
  const index = earlier.length + container;
  const ips = (ipam?.ips ?? []).map((ip) => ({ ...ip, interface: index }));
  const resolver = saysAnything(dns) ? dns : (ipam?.dns ?? prevResult?.dns);
  return {
    interfaces: [...earlier, ...interfaces],
    ips: [...(prevResult?.ips ?? []), ...ips],
    routes: [...(prevResult?.routes ?? []), ...(ipam?.routes ?? [])],
    ...(resolver === undefined ? {} : { dns: resolver }),
  };
}

/** An empty list counts as said, an empty `domain` does not. */
function saysAnything(dns: CniDns | undefined): dns is CniDns {
  if (dns === undefined) return false;
  const { nameservers, search, options, domain } = dns;
  return [nameservers, search, options].some((list) => list !== undefined) || !!domain;
}

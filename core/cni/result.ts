/**
 * What an ADD hands back, in the one form that programs work with: that of the newest spec version.
 * `result-reader.ts` and `result-writer.ts` read and write every released version of it.
 * @see SPEC.md "ADD Success"
 * @module
 */

import type { DnsConfig, RouteConfig } from "./fields.ts";

/** A link that an attachment made or uses. */
export interface CniInterface {
  name: string;
  /** Lower case with colons. */
  mac?: string;
  mtu?: number;
  /** The netns path the runtime gave; absent for a link of the host. */
  sandbox?: string;
  socketPath?: string;
  pciID?: string;
}

/** One address of an attachment. */
export interface CniIp {
  /** With the prefix length and host bits: `10.1.0.5/24`. */
  address: string;
  /** Without prefix length: `10.1.0.1`. */
  gateway?: string;
  /** Index into `interfaces`. */
  interface?: number;
}

/** `dst` is a prefix; `gw` an address, absent for the gateway of the family's address. Numbers are the kernel's. */
export type CniRoute = RouteConfig;

/** Resolver settings, each list in order. */
export type CniDns = DnsConfig;

/** The result of an ADD, whatever spec version it was read from or will be printed in. */
export interface CniResult {
  interfaces?: CniInterface[];
  ips?: CniIp[];
  routes?: CniRoute[];
  dns?: CniDns;
}

/** What IPAM answered: it has at least one address. */
export interface IpamResult extends CniResult {
  ips: CniIp[];
}

/**
 * The configuration of sbr, and the addresses it is about.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { integerField } from "../../core/cni/fields.ts";
import type { CniIp, CniResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { formatIp, isIpv4, type Prefix, parseCidr, parseIp } from "../../core/net/address.ts";

const LARGEST_TABLE = 0xffff_ffff;

/** Keys of sbr. */
export const sbrConfig = z.extend(networkConfig, {
  table: z.optional(integerField(1, LARGEST_TABLE)),
  gateways: z.optional(z.array(z.string())),
  addSourceHints: z.optional(z.boolean()),
});
/** A parsed configuration. */
export type SbrConfig = z.output<typeof sbrConfig>;

/** An address that gets a routing table. */
export interface Source {
  /** With the length of its subnet. */
  readonly prefix: Prefix;
  /** Where its default route leads; absent: none is made. */
  readonly gateway?: Uint8Array;
  /** Whether the configuration says so, against what IPAM has said. */
  readonly fixed: boolean;
}

/** What there is to do. */
export interface Wanted {
  readonly sources: readonly Source[];
  /** Rules lead there and nothing else is done; absent: each address gets a table of its own. */
  readonly table: number | undefined;
  /** Whether subnets stay in the main table too. */
  readonly addSourceHints: boolean;
}

/**
 * Works it out of configuration and previous result.
 * @throws {CniError} 7 for gateways that cannot be, or without addresses
 */
export function wantedOf(
  config: SbrConfig,
  { ifName, prevResult = {} }: { ifName: string; prevResult?: CniResult | undefined },
): Wanted {
  const { table, addSourceHints = false } = config;
  const gateways = table === undefined ? fixedGateways(config) : [];
  const ips = relevantIps(prevResult, ifName);
  if (ips.length === 0) throw badConfig(`No IP addresses supplied on interface: ${ifName}`);
  return { sources: ips.map((ip) => sourceOf(ip, gateways)), table, addSourceHints };
}

/** @throws {CniError} 7 unless there is at most one of each family */
export function fixedGateways({ gateways = [] }: Partial<SbrConfig>): Uint8Array[] {
  if (gateways.length > 2) {
    throw badConfig("gateways list cannot contain more than 2 entries (one IPv4, one IPv6)");
  }
  const [first, second] = gateways.map(parseGateway);
  if (first === undefined) return [];
  if (second === undefined) return [first];
  if (first.length !== second.length) return [first, second];
  const family = isIpv4(first) ? "IPv4" : "IPv6";
  throw badConfig(
    `gateways list contains multiple ${family} addresses: ${formatIp(first)} and ${formatIp(second)}`,
  );
}

function parseGateway(text: string): Uint8Array {
  try {
    return parseIp(text);
  } catch (cause) {
    throw new CniError(cniCode.badConfig, `invalid static gateway IP address: ${text}`, { cause });
  }
}

/** Addresses of the interface of that name, each once; one that names no interface counts as its. */
export function relevantIps({ ips = [], interfaces = [] }: CniResult, ifName: string): CniIp[] {
  const own = ips.filter(({ interface: index }) => {
    const owner = index === undefined ? undefined : interfaces[index];
    return owner === undefined || owner.name === ifName;
  });
  return [...new Map(own.map((ip) => [ip.address, ip])).values()];
}

function sourceOf({ address, gateway }: CniIp, gateways: readonly Uint8Array[]): Source {
  const prefix = parseCidr(address);
  const fixed = gateways.find(({ length }) => length === prefix.address.length);
  const chosen = fixed ?? (gateway === undefined ? undefined : parseIp(gateway));
  return { prefix, fixed: fixed !== undefined, ...(chosen && { gateway: chosen }) };
}

function badConfig(message: string): CniError {
  return new CniError(cniCode.badConfig, message);
}

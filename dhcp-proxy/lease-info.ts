/**
 * What a server granted, as it lies in a lease file and stands in a result.
 * @module
 */

import type { CniDns, CniRoute } from "../core/cni/result.ts";
import { CniError, cniCode } from "../core/errors.ts";
import { formatCidr, formatIp } from "../core/net/address.ts";
import { decodeDomainSearch } from "./packet/domain-search.ts";
import type { DhcpMessage } from "./packet/message.ts";
import {
  addressListOption,
  addressOption,
  option,
  textOption,
  u16Option,
  u32Option,
} from "./packet/options.ts";
import { decodeClasslessRoutes, decodeStaticRoutes, type PacketRoute } from "./packet/routes.ts";

/** A lease. JSON can hold it. */
export interface LeaseInfo {
  /** With the prefix length: `10.1.0.5/24`. */
  address: string;
  /** The server that granted it, where renewals go. */
  serverId: string;
  /** The first router. */
  gateway?: string;
  /** As a result has them, without priority. */
  routes: CniRoute[];
  /** Present when the server sent any of it. */
  dns?: CniDns;
  /** What the link shall have. */
  mtu?: number;
  /** CLOCK_BOOTTIME in milliseconds at which the request went out. */
  acquiredAtMs: number;
  /** T1; null, as the next two, when the lease never ends. */
  renewAtMs: number | null;
  /** T2. */
  rebindAtMs: number | null;
  expiresAtMs: number | null;
}

/** A lease, and what of the message could not be used. */
export interface ReadLease {
  lease: LeaseInfo;
  /** One sentence each. */
  problems: string[];
}

const INFINITE = 0xffff_ffff;
const defaultLeaseSeconds = 3600;
/** A lease that is shorter would be renewed without a pause. */
const leastLeaseSeconds = 2;
/** The least MTU of IPv4 (RFC 791). */
const LEAST_MTU = 68;
const SCOPE_LINK = 253;

/**
 * Reads a DHCPACK.
 * @param requestedAtMs when the request went out that it answers: from then on the lease counts
 * @param fuzz 0 to 1, spreads renewals of leases that began together
 * @throws {CniError} without a usable netmask
 */
export function readLease(ack: DhcpMessage, requestedAtMs: number, fuzz: number): ReadLease {
  const problems: string[] = [];
  const note = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  };
  const [gateway] = addressListOption(ack.options, option.routers).map(formatIp);
  const dns = readDns(ack, note);
  const mtu = u16Option(ack.options, option.interfaceMtu);
  const lease: LeaseInfo = {
    address: formatCidr({ address: ack.yiaddr, length: prefixLength(ack) }),
    serverId: formatIp(addressOption(ack.options, option.serverId) ?? new Uint8Array(4)),
    ...(gateway === undefined ? {} : { gateway }),
    routes: readRoutes(ack, gateway, note),
    ...(dns === undefined ? {} : { dns }),
    ...(mtu !== undefined && mtu >= LEAST_MTU ? { mtu } : {}),
    ...readTimes(ack, requestedAtMs, fuzz),
  };
  return { lease, problems };
}

function prefixLength({ options }: DhcpMessage): number {
  const mask = options.get(option.subnetMask);
  if (mask === undefined) {
    const text = "DHCP option Subnet Mask not found in DHCPACK";
    throw new CniError(cniCode.internal, text);
  }
  const length = mask.reduce((sum, byte) => sum + ones(byte), 0);
  const word = u32Option(options, option.subnetMask);
  const wanted = length === 0 ? 0 : (0xffff_ffff << (32 - length)) >>> 0;
  if (word === wanted) return length;
  const text = `DHCP option Subnet Mask in DHCPACK is no netmask: "${mask.join(".")}"`;
  throw new CniError(cniCode.internal, text);
}

function ones(byte: number): number {
  return byte.toString(2).replaceAll("0", "").length;
}

type Note = <T>(read: () => T) => T | undefined;

/** Classless routes stand instead of all others and of the router, RFC 3442. */
function readRoutes({ options }: DhcpMessage, gateway: string | undefined, note: Note): CniRoute[] {
  const classless = options.get(option.classlessStaticRoutes);
  const found = classless && note(() => decodeClasslessRoutes(classless));
  if (found !== undefined) return found.map(routeOf);
  const old = options.get(option.staticRoutes);
  const routes = (old && note(() => decodeStaticRoutes(old))?.map(routeOf)) ?? [];
  return gateway === undefined ? routes : [...routes, { dst: "0.0.0.0/0", gw: gateway }];
}

/** A route without a router leads to the link itself; the reference says so with both `gw` and `scope`. */
function routeOf({ destination, router }: PacketRoute): CniRoute {
  const route = { dst: formatCidr(destination), gw: formatIp(router) };
  return router.every((byte) => byte === 0) ? { ...route, scope: SCOPE_LINK } : route;
}

function readDns({ options }: DhcpMessage, note: Note): CniDns | undefined {
  const nameservers = addressListOption(options, option.domainNameServers).map(formatIp);
  const domain = textOption(options, option.domainName);
  const list = options.get(option.domainSearch);
  const search = (list && note(() => decodeDomainSearch(list))) ?? [];
  const dns: CniDns = {
    ...(nameservers.length > 0 ? { nameservers } : {}),
    ...(domain === undefined ? {} : { domain }),
    ...(search.length > 0 ? { search } : {}),
  };
  return Object.keys(dns).length > 0 ? dns : undefined;
}

/** RFC 2131 section 4.4.5: T1 is half of the lease, T2 seven eighths, unless the server says so otherwise. */
function readTimes({ options }: DhcpMessage, requestedAtMs: number, fuzz: number) {
  const granted = u32Option(options, option.leaseTime) ?? defaultLeaseSeconds;
  const acquiredAtMs = Math.round(requestedAtMs);
  if (granted === INFINITE) {
    return { acquiredAtMs, renewAtMs: null, rebindAtMs: null, expiresAtMs: null };
  }
  const lease = Math.max(granted, leastLeaseSeconds);
  const asked = u32Option(options, option.rebindingTime);
  const rebind = asked !== undefined && asked > 0 && asked < lease ? asked : lease * 0.875;
  const half = u32Option(options, option.renewalTime);
  const renew =
    half !== undefined && half > 0 && half < rebind ? half : Math.min(lease / 2, rebind);
  const at = (seconds: number) => acquiredAtMs + Math.round(seconds * 1000);
  return {
    acquiredAtMs,
    renewAtMs: at(renew * (1 - fuzz / 25)),
    rebindAtMs: at(rebind),
    expiresAtMs: at(lease),
  };
}

/** Whether two leases give a pod the same; their times and servers may differ. */
export function givesTheSame(a: LeaseInfo, b: LeaseInfo): boolean {
  const given = ({ address, gateway, routes, dns, mtu }: LeaseInfo) =>
    JSON.stringify([address, gateway, routes, dns, mtu]);
  return given(a) === given(b);
}

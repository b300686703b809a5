/**
 * What a DHCPv6 server granted, as it lies in a lease file and stands in a result.
 * @module
 */

import type { CniDns } from "../core/cni/result.ts";
import { formatIp } from "../core/net/address.ts";
import type { Dhcp6Message } from "./packet6/message.ts";
import {
  type IaAddress,
  type Option6,
  option6,
  optionValue,
  readDnsServers,
  readDomainSearch6,
  readIaNas,
  status6,
} from "./packet6/options.ts";

/** An address of a lease. */
export interface Lease6Address {
  /** Without a prefix length: DHCPv6 knows none, so a link gets it with 128. */
  address: string;
  /** CLOCK_BOOTTIME in milliseconds; null for ever. */
  preferredUntilMs: number | null;
  validUntilMs: number | null;
}

/** A lease of addresses, or of options alone. JSON can hold it. */
export interface Lease6Info {
  addresses: Lease6Address[];
  /** The server's DUID, hexadecimal; renewals name it. */
  serverId: string;
  dns?: CniDns;
  /** CLOCK_BOOTTIME in milliseconds. */
  acquiredAtMs: number;
  /** T1; null, as the next two, when the lease never ends. */
  renewAtMs: number | null;
  /** T2. */
  rebindAtMs: number | null;
  /** When the last address ends. */
  expiresAtMs: number | null;
}

const INFINITE = 0xffff_ffff;
/** RFC 8415 section 21.23, for options without addresses. */
const refreshSeconds = 86_400;
const leastRefreshSeconds = 600;
/** A lease that is shorter would be renewed without a pause. */
const leastSeconds = 2;

/**
 * Reads the answer to a request for addresses. @returns undefined when it has none for this association that may be used
 * @throws {DecodeError} for options that are broken
 */
export function readLease6(
  { options }: Dhcp6Message,
  iaid: number,
  nowMs: number,
): Lease6Info | undefined {
  const association = readIaNas(options).find((each) => each.iaid === iaid);
  const usable = association?.addresses.filter(isUsable) ?? [];
  if (association === undefined || usable.length === 0) return undefined;
  const lifetimes = { preferred: [] as number[], valid: [] as number[] };
  for (const { preferredSeconds, validSeconds } of usable) {
    lifetimes.preferred.push(preferredSeconds);
    lifetimes.valid.push(validSeconds);
  }
  const valid = Math.max(Math.max(...lifetimes.valid), leastSeconds);
  const preferred = Math.min(...lifetimes.preferred);
  const times = renewal(association, preferred === 0 ? valid : preferred, valid);
  const at = (seconds: number) => moment(nowMs, seconds);
  return {
    addresses: usable.map(({ address, preferredSeconds, validSeconds }) => ({
      address: formatIp(address),
      preferredUntilMs: at(preferredSeconds),
      validUntilMs: at(validSeconds),
    })),
    ...common(options),
    acquiredAtMs: Math.round(nowMs),
    renewAtMs: at(times.renew),
    rebindAtMs: at(times.rebind),
    expiresAtMs: at(valid),
  };
}

/** Reads the answer to a question for options alone. @throws {DecodeError} for options that are broken */
export function readOptionsLease6({ options }: Dhcp6Message, nowMs: number): Lease6Info {
  const value = optionValue(options, option6.informationRefreshTime);
  const said = value?.length === 4 ? value.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
  const renewAtMs = moment(nowMs, Math.max(said ?? refreshSeconds, leastRefreshSeconds));
  return {
    addresses: [],
    ...common(options),
    acquiredAtMs: Math.round(nowMs),
    renewAtMs,
    rebindAtMs: null,
    expiresAtMs: null,
  };
}

function moment(nowMs: number, seconds: number): number | null {
  return seconds >= INFINITE ? null : Math.round(nowMs + seconds * 1000);
}

/** RFC 8415 section 21.4: an address with wrong lifetimes is left out; one of 0 is taken away. */
function isUsable({ preferredSeconds, validSeconds, status, address }: IaAddress): boolean {
  const isGood = status === undefined || status.code === status6.success;
  const [first = 0] = address;
  return isGood && validSeconds > 0 && preferredSeconds <= validSeconds && first !== 0xff;
}

/** T1 and T2 of the server, or half and four fifths of the shortest preferred lifetime. */
function renewal(
  { renewSeconds, rebindSeconds }: { renewSeconds: number; rebindSeconds: number },
  preferred: number,
  valid: number,
) {
  const ofPreferred = (part: number) => (preferred >= INFINITE ? INFINITE : preferred * part);
  const isGood = rebindSeconds > 0 && renewSeconds <= rebindSeconds;
  const rebind = Math.min(isGood ? rebindSeconds : ofPreferred(0.8), valid);
  const renew = isGood && renewSeconds > 0 ? renewSeconds : ofPreferred(0.5);
  return { renew: Math.max(Math.min(renew, rebind), leastSeconds / 2), rebind };
}

function common(options: readonly Option6[]) {
  const nameservers = readDnsServers(options).map(formatIp);
  const search = readDomainSearch6(options);
  const dns: CniDns = {
    ...(nameservers.length > 0 ? { nameservers } : {}),
    ...(search.length > 0 ? { search } : {}),
  };
  const serverId = toHex(optionValue(options, option6.serverId) ?? new Uint8Array());
  return { serverId, ...(Object.keys(dns).length > 0 ? { dns } : {}) };
}

/** Bytes as hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The reverse of {@link toHex}. */
export function fromHex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Whether two leases give a pod the same; their times and servers may differ. */
export function givesTheSame6(a: Lease6Info, b: Lease6Info): boolean {
  const given = ({ addresses, dns }: Lease6Info) =>
    JSON.stringify([addresses.map(({ address }) => address).sort(), dns]);
  return given(a) === given(b);
}

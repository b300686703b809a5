/**
 * IP and MAC addresses: text at the edge, bytes inside, and the arithmetic between.
 *
 * Text is read as strictly as Go's `net.ParseIP` and `net.ParseCIDR` read it, since configurations are shared with
 * programs that use those: no octal, short or hexadecimal IPv4 forms, no leading zeros, no zone. An IPv4-mapped IPv6
 * address is the IPv4 address. Written text is RFC 5952.
 * @module
 */
import { ipBytes, ipText } from "./ip-text.ts";

/** An IP address with a prefix length; the bits behind the prefix are kept. */
export interface Prefix {
  /** 4 or 16 bytes. */
  address: Uint8Array;
  /** 0 to 32, or 0 to 128. */
  length: number;
}

/**
 * Reads `10.1.0.5` or `2001:db8::1`.
 * @returns 4 bytes for IPv4 and for IPv4-mapped IPv6, else 16
 * @throws Error `want an IP address, got "x"`
 */
export function parseIp(text: string): Uint8Array {
  const bytes = ipBytes(text);
  if (bytes === undefined) throw new Error(`want an IP address, got ${JSON.stringify(text)}`);
  return unmapped(bytes);
}

function isMapped(bytes: Uint8Array): boolean {
  if (bytes.length !== 16 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  return bytes.subarray(0, 10).every((byte) => byte === 0);
}

function unmapped(bytes: Uint8Array): Uint8Array {
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** Writes 4 or 16 bytes as RFC 5952 text; IPv4-mapped bytes as the IPv4 address. */
export function formatIp(bytes: Uint8Array): string {
  return ipText(unmapped(bytes));
}

/**
 * Reads `10.1.0.5/24`. Host bits are kept; the length may have leading zeros, as in Go. An IPv4-mapped prefix of
 * at least 96 bits is the IPv4 prefix.
 * @throws Error `want an IP address with a prefix length, got "x"`
 */
export function parseCidr(text: string): Prefix {
  const prefix = cidr(text);
  if (prefix === undefined) {
    throw new Error(`want an IP address with a prefix length, got ${JSON.stringify(text)}`);
  }
  return prefix;
}

function cidr(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  const digits = text.slice(slash + 1);
  const address = slash < 0 ? undefined : ipBytes(text.slice(0, slash));
  if (address === undefined || !/^\d+$/.test(digits)) return undefined;
  const length = Number(digits);
  if (length > address.length * 8) return undefined;
  if (!isMapped(address)) return { address, length };
  return length < 96 ? undefined : { address: address.slice(12), length: length - 96 };
}

/** Writes `10.1.0.5/24`. */
export function formatCidr(prefix: Prefix): string {
  return `${formatIp(prefix.address)}/${prefix.length}`;
}

/** True for 4 bytes. */
export function isIpv4(bytes: Uint8Array): boolean {
  return bytes.length === 4;
}

/** The prefix with the bits behind it cleared: `10.1.0.5/24` becomes `10.1.0.0/24`. */
export function network(prefix: Prefix): Prefix {
  return { address: withHostBits(prefix, 0), length: prefix.length };
}

/** The address with all bits behind the prefix set: IPv4's broadcast address, IPv6's last. */
export function broadcast(prefix: Prefix): Uint8Array {
  return withHostBits(prefix, 0xff);
}

function withHostBits({ address, length }: Prefix, fill: number): Uint8Array {
  const bytes = address.slice();
  for (let index = length >> 3; index < bytes.length; index++) {
    const mask = hostMask(length - index * 8);
    bytes[index] = ((bytes[index] ?? 0) & ~mask) | (fill & mask);
  }
  return bytes;
}

/** The host bits of a byte whose first `prefixBits` belong to the prefix. */
function hostMask(prefixBits: number): number {
  return prefixBits <= 0 ? 0xff : 0xff >> prefixBits;
}

/** The last address a host may have: one before the broadcast address for IPv4 up to /30, else the very last. */
export function lastAddress(prefix: Prefix): Uint8Array {
  const last = broadcast(prefix);
  return isIpv4(last) && prefix.length <= 30 ? previousIp(last) : last;
}

/** True when the address lies in the prefix; false for one of the other family. */
export function contains({ address, length }: Prefix, ip: Uint8Array): boolean {
  if (ip.length !== address.length) return false;
  for (let index = 0, bits = length; bits > 0; index++, bits -= 8) {
    const difference = (address[index] ?? 0) ^ (ip[index] ?? 0);
    if ((difference & ~(bits >= 8 ? 0 : hostMask(bits))) !== 0) return false;
  }
  return true;
}

/** Negative, zero or positive as `a` is before, equal to or after `b`; IPv4 comes before IPv6. */
export function compareIp(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return a.length - b.length;
  for (let index = 0; index < a.length; index++) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The address after this one; the last is followed by the first (all zeros). */
export function nextIp(ip: Uint8Array): Uint8Array {
  return stepped(ip, 1);
}

/** The address before this one; before the first (all zeros) comes the last. */
export function previousIp(ip: Uint8Array): Uint8Array {
  return stepped(ip, -1);
}

function stepped(ip: Uint8Array, step: 1 | -1): Uint8Array {
  const bytes = ip.slice();
  const overflow = step === 1 ? 0 : 0xff;
  for (let index = bytes.length - 1; index >= 0; index--) {
    const byte = ((bytes[index] ?? 0) + step) & 0xff;
    bytes[index] = byte;
    if (byte !== overflow) break;
  }
  return bytes;
}

const MAC_FORMS = [
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$|^[0-9a-f]{2}(:[0-9a-f]{2}){7}$|^[0-9a-f]{2}(:[0-9a-f]{2}){19}$/i,
  /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$|^[0-9a-f]{2}(-[0-9a-f]{2}){7}$|^[0-9a-f]{2}(-[0-9a-f]{2}){19}$/i,
  /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$|^[0-9a-f]{4}(\.[0-9a-f]{4}){3}$|^[0-9a-f]{4}(\.[0-9a-f]{4}){9}$/i,
  /^([0-9a-f]{12}|[0-9a-f]{16}|[0-9a-f]{40})$/i,
];

/**
 * Reads `02:00:5e:10:00:01`, `02-00-5e-10-00-01`, `0200.5e10.0001` or `02005e100001`.
 * @returns 6 bytes, or the 8 of EUI-64, or the 20 of InfiniBand, as Go's `net.ParseMAC`
 * @throws Error `want a MAC address, got "x"`
 */
export function parseMac(text: string): Uint8Array {
  if (!MAC_FORMS.some((form) => form.test(text))) {
    throw new Error(`want a MAC address, got ${JSON.stringify(text)}`);
  }
  const octets = text.replace(/[:.-]/g, "").match(/../g) ?? [];
  return Uint8Array.from(octets, (octet) => Number.parseInt(octet, 16));
}

/** Writes lower-case hexadecimal with colons. */
export function formatMac(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

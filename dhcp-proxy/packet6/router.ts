/**
 * What hosts and routers of a link say to each other: solicitations and advertisements, as ICMPv6 messages.
 * @see RFC 4861 sections 4.1, 4.2, 4.6 and 6.1.2, RFC 8106
 * @module
 */

import { Reader } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { u8, u16be, u32be } from "netlink-ts/wire/scalars.ts";
import { decodeDomainSearch } from "../packet/domain-search.ts";

const ROUTER_ADVERTISEMENT = 134;
const OTHER_CONFIG = 0x40;
const MANAGED = 0x80;
const AUTONOMOUS = 0x40;
/** Numbers of the options that are read here. */
const ndOption = { prefix: 3, rdnss: 25, dnssl: 31 };

/** All routers of a link, ff02::2. */
export const allRouters = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2);

/** A router solicitation; the kernel writes the checksum of what a raw socket of ICMPv6 sends. */
export const routerSolicitation = Uint8Array.of(133, 0, 0, 0, 0, 0, 0, 0);

/** What of a router advertisement matters to a pod. */
export interface RouterAdvertisement {
  /** Packets to other networks may go through it. */
  isDefault: boolean;
  /** A DHCPv6 server has options, such as resolvers. */
  hasOptions: boolean;
  /** It advertises a prefix that hosts make addresses of. */
  hasPrefix: boolean;
  /** 16 bytes each; those whose lifetime is 0 are left out. */
  nameservers: Uint8Array[];
  search: string[];
}

/** Reads a message of ICMPv6. @throws {DecodeError} for another type, and what does not end inside */
export function decodeAdvertisement(bytes: Uint8Array): RouterAdvertisement {
  try {
    const reader = new Reader(bytes);
    const type = u8.read(reader);
    if (type !== ROUTER_ADVERTISEMENT) {
      throw new DecodeError("type", 0, `want a router advertisement, got ${type}`);
    }
    const code = u8.read(reader);
    if (code !== 0) throw new DecodeError("code", 1, `want 0, got ${code}`);
    reader.slice(3); // checksum, hop limit
    const flags = u8.read(reader);
    const lifetime = u16be.read(reader);
    reader.slice(8); // reachable time, retransmission timer
    const found: RouterAdvertisement = {
      isDefault: lifetime > 0,
      hasOptions: (flags & (MANAGED | OTHER_CONFIG)) !== 0,
      hasPrefix: false,
      nameservers: [],
      search: [],
    };
    while (reader.left > 0) readOption(reader, found);
    return found;
  } catch (error) {
    throw error instanceof DecodeError ? error.within("advertisement") : error;
  }
}

function readOption(reader: Reader, found: RouterAdvertisement): void {
  const at = reader.offset;
  const type = u8.read(reader);
  const length = u8.read(reader) * 8 - 2;
  if (length < 0 || length > reader.left) {
    const wanted = `want ${length} bytes, got ${reader.left} to the end`;
    throw new DecodeError(`option ${type}`, at, wanted);
  }
  const value = new Reader(reader.slice(length).slice());
  if (type === ndOption.prefix) readPrefix(value, found);
  if (type === ndOption.rdnss) readResolvers(value, found);
  if (type === ndOption.dnssl) readSearch(value, found);
}

function readPrefix(value: Reader, found: RouterAdvertisement): void {
  value.slice(1); // prefix length
  const flags = u8.read(value);
  const validSeconds = u32be.read(value);
  if ((flags & AUTONOMOUS) !== 0 && validSeconds > 0) found.hasPrefix = true;
}

function readResolvers(value: Reader, found: RouterAdvertisement): void {
  value.slice(2);
  const lifetime = u32be.read(value);
  while (value.left >= 16) {
    const address = value.slice(16).slice();
    if (lifetime > 0) found.nameservers.push(address);
  }
}

/** Names in DNS's form, then zeroes to the end. */
function readSearch(value: Reader, found: RouterAdvertisement): void {
  value.slice(2);
  const lifetime = u32be.read(value);
  const names = decodeDomainSearch(value.slice());
  if (lifetime > 0) found.search.push(...names);
}

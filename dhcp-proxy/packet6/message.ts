/**
 * DHCPv6 messages between client and server: what a UDP datagram holds. Relays' messages are none of a client's.
 * @see RFC 8415 section 8
 * @module
 */

import { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { u8, u16be } from "netlink-ts/wire/scalars.ts";
import { type Option6, readOptions6, writeOptions6 } from "./options.ts";

/** The port a DHCPv6 client listens on. */
export const CLIENT_PORT6 = 546;
/** The port a DHCPv6 server listens on. */
export const SERVER_PORT6 = 547;
/** All_DHCP_Relay_Agents_and_Servers, ff02::1:2. */
export const allServers = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2);

/** Types of messages. */
export const messageType6 = {
  solicit: 1,
  advertise: 2,
  request: 3,
  confirm: 4,
  renew: 5,
  rebind: 6,
  reply: 7,
  release: 8,
  decline: 9,
  reconfigure: 10,
  informationRequest: 11,
} as const;

const RELAY_FORW = 12;
const RELAY_REPL = 13;

/** A message. */
export interface Dhcp6Message {
  /** A value of {@link messageType6}, or one that came later. */
  type: number;
  /** 24 bits. */
  xid: number;
  /** In their order. */
  options: Option6[];
}

/** Reads a message. @throws {DecodeError} for one that is too short, a relay's, and options that do not end inside */
export function decodeMessage6(bytes: Uint8Array): Dhcp6Message {
  try {
    const reader = new Reader(bytes);
    const type = u8.read(reader);
    if (type === RELAY_FORW || type === RELAY_REPL) {
      throw new DecodeError("type", 0, `want a message of a server, got a relay's: ${type}`);
    }
    const xid = u8.read(reader) * 0x10000 + u16be.read(reader);
    return { type, xid, options: readOptions6(reader) };
  } catch (error) {
    throw error instanceof DecodeError ? error.within("dhcp6") : error;
  }
}

/** Writes a message. */
export function encodeMessage6({ type, xid, options }: Dhcp6Message): Uint8Array {
  const writer = new Writer(256);
  u8.write(writer, type);
  u8.write(writer, xid >>> 16);
  u16be.write(writer, xid & 0xffff);
  writeOptions6(writer, options);
  return writer.finish();
}

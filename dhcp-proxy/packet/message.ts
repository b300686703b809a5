/**
 * DHCPv4 messages: what a UDP datagram between client and server holds.
 * @see RFC 2131 section 2, RFC 2132 section 9.3, RFC 3396
 * @module
 */

import type { Decoded } from "netlink-ts/wire/codec.ts";
import { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { fixed, u8, u16be, u32be } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";
import { type DhcpOptions, option, readOptionField, readOptions, writeOptions } from "./options.ts";

/** `op`: from a client. */
export const BOOTREQUEST = 1;
/** `op`: from a server. */
export const BOOTREPLY = 2;
/** `flags`: the answer has to be sent to everybody, since the client cannot be reached by its address yet. */
export const BROADCAST_FLAG = 0x8000;
/** `htype`. */
export const ARPHRD_ETHER = 1;

const MAGIC_COOKIE = 0x63825363;
const LONGEST_HARDWARE_ADDRESS = 16;
/** What every server takes, though RFC 951 wanted 64 bytes of options. */
const LEAST_LENGTH = 300;

const header = struct({
  op: u8,
  htype: u8,
  hlen: u8,
  hops: u8,
  xid: u32be,
  secs: u16be,
  flags: u16be,
  ciaddr: fixed(4),
  yiaddr: fixed(4),
  siaddr: fixed(4),
  giaddr: fixed(4),
  chaddr: fixed(LONGEST_HARDWARE_ADDRESS),
  sname: fixed(64),
  file: fixed(128),
  cookie: u32be,
});
type Header = Decoded<typeof header>;

/** A message. Addresses are 4 bytes, all zero for none. */
export interface DhcpMessage extends Omit<Header, "hlen" | "cookie"> {
  /** The client's hardware address, as long as the message says, at most 16 bytes. */
  chaddr: Uint8Array;
  /** All options, wherever they stood, but "overload". */
  options: DhcpOptions;
}

/**
 * Reads a message. Options in `file` and `sname` are among the others, and these two are empty then. Bytes behind the end
 * marker mean nothing; a missing marker does no harm.
 * @throws {DecodeError} for what is no DHCP message, and for an option that does not end inside its field
 */
export function decodeMessage(bytes: Uint8Array): DhcpMessage {
  try {
    return readMessage(new Reader(bytes));
  } catch (error) {
    throw error instanceof DecodeError ? error.within("dhcp") : error;
  }
}

function readMessage(reader: Reader): DhcpMessage {
  const { hlen, cookie, ...fields } = header.read(reader);
  if (cookie !== MAGIC_COOKIE) {
    throw new DecodeError("cookie", reader.offset - 4, `want 0x63825363, got 0x${hex32(cookie)}`);
  }
  if (hlen > LONGEST_HARDWARE_ADDRESS) {
    throw new DecodeError("hlen", 2, `want at most ${LONGEST_HARDWARE_ADDRESS}, got ${hlen}`);
  }
  const options: DhcpOptions = new Map();
  readOptions(reader, options);
  const message = { ...fields, chaddr: fields.chaddr.slice(0, hlen), options };
  return applyOverload(message);
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, "0");
}

/** The order is RFC 3396's: options, then `file`, then `sname`. */
function applyOverload(message: DhcpMessage): DhcpMessage {
  const [overload = 0] = message.options.get(option.overload) ?? [];
  if ((overload & 1) !== 0) {
    readOptionField(message.file, "file", message.options);
    message.file = new Uint8Array(128);
  }
  if ((overload & 2) !== 0) {
    readOptionField(message.sname, "sname", message.options);
    message.sname = new Uint8Array(64);
  }
  message.options.delete(option.overload);
  return message;
}

/**
 * Writes a message, its options in ascending order, those over 255 bytes in parts.
 * @param leastLength zeroes are put behind a shorter message
 */
export function encodeMessage(message: DhcpMessage, leastLength = LEAST_LENGTH): Uint8Array {
  const writer = new Writer(512);
  header.write(writer, { ...message, hlen: message.chaddr.length, cookie: MAGIC_COOKIE });
  writeOptions(writer, message.options);
  if (writer.length < leastLength) writer.take(leastLength - writer.length);
  return writer.finish();
}

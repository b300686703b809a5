/**
 * Ethernet frames with IPv4 and UDP in them: how a client without an address speaks, and hears.
 *
 * What comes off the wire is looked at byte by byte: lengths inside lengths, both checksums, fragments.
 * @see RFC 791, RFC 768
 * @module
 */

import { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { fixed, u8, u16be } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";
import { checksum, onesComplementSum } from "./checksum.ts";
import { broadcastMac, ETH_P_IP, ethernetHeader } from "./ethernet.ts";

/** The port a DHCPv4 server listens on. */
export const SERVER_PORT = 67;
/** The port a DHCPv4 client listens on. */
export const CLIENT_PORT = 68;

const IPPROTO_UDP = 17;
const IPV4_HEADER = 20;
const UDP_HEADER = 8;
/** Where in their headers the checksums are. */
const IPV4_CHECKSUM = 10;
const UDP_CHECKSUM = 6;
/** More fragments follow, or an offset: a part of a datagram. */
const FRAGMENT = 0x3fff;
const TIME_TO_LIVE = 64;

const ipv4 = struct({
  versionAndLength: u8,
  tos: u8,
  totalLength: u16be,
  id: u16be,
  fragment: u16be,
  ttl: u8,
  protocol: u8,
  checksum: u16be,
  source: fixed(4),
  destination: fixed(4),
});

const udp = struct({ source: u16be, destination: u16be, length: u16be, checksum: u16be });

/** A UDP datagram in a frame. */
export interface UdpFrame {
  /** 6 bytes. */
  sourceMac: Uint8Array;
  /** Default: everybody. */
  destinationMac?: Uint8Array;
  /** 4 bytes; all zero while there is no address. */
  source: Uint8Array;
  /** 4 bytes. */
  destination: Uint8Array;
  payload: Uint8Array;
  /** Default 68. */
  sourcePort?: number;
  /** Default 67. */
  destinationPort?: number;
}

/** A whole frame, both checksums filled in. */
export function encodeFrame(frame: UdpFrame): Uint8Array {
  const { sourceMac, destinationMac = broadcastMac, source, destination, payload } = frame;
  const { sourcePort = CLIENT_PORT, destinationPort = SERVER_PORT } = frame;
  const writer = new Writer(1024);
  const ethernet = { destination: destinationMac, source: sourceMac, protocol: ETH_P_IP };
  ethernetHeader.write(writer, ethernet);
  const length = UDP_HEADER + payload.length;
  const ipAt = writer.length;
  ipv4.write(writer, {
    versionAndLength: 0x45,
    totalLength: IPV4_HEADER + length,
    ttl: TIME_TO_LIVE,
    protocol: IPPROTO_UDP,
    source,
    destination,
  });
  writer.view.setUint16(ipAt + IPV4_CHECKSUM, checksum(writer.written().subarray(ipAt)));
  const udpAt = writer.length;
  udp.write(writer, { source: sourcePort, destination: destinationPort, length });
  writer.put(payload);
  const datagram = writer.written().subarray(udpAt);
  const sum = checksum(pseudoHeader(source, destination, length), datagram);
  writer.view.setUint16(udpAt + UDP_CHECKSUM, sum || 0xffff); // zero would mean that there is none
  return writer.finish();
}

function pseudoHeader(source: Uint8Array, destination: Uint8Array, length: number): Uint8Array {
  return Uint8Array.of(...source, ...destination, 0, IPPROTO_UDP, length >> 8, length & 0xff);
}

/**
 * Reads a frame. @returns undefined for what is no UDP over IPv4, or a fragment of it
 * @throws {DecodeError} for lengths that contradict each other, and for wrong checksums
 */
export function decodeFrame(bytes: Uint8Array): Required<UdpFrame> | undefined {
  try {
    return readFrame(new Reader(bytes));
  } catch (error) {
    throw error instanceof DecodeError ? error.within("frame") : error;
  }
}

function readFrame(reader: Reader): Required<UdpFrame> | undefined {
  const ethernet = ethernetHeader.read(reader);
  if (ethernet.protocol !== ETH_P_IP) return undefined;
  const { protocol, fragment, source, destination } = readIpv4(reader);
  if (protocol !== IPPROTO_UDP || (fragment & FRAGMENT) !== 0) return undefined;
  const { sourcePort, destinationPort, payload } = readUdp(reader, source, destination);
  return {
    sourceMac: ethernet.source,
    destinationMac: ethernet.destination,
    source,
    destination,
    sourcePort,
    destinationPort,
    payload,
  };
}

/** Narrows the reader to what the header says the packet holds: short frames are filled up. */
function readIpv4(reader: Reader) {
  const start = reader.offset;
  const ip = ipv4.read(reader);
  const length = (ip.versionAndLength & 0xf) * 4;
  if (ip.versionAndLength >> 4 !== 4 || length < IPV4_HEADER) {
    throw new DecodeError(
      "ipv4.version",
      start,
      `want version 4 and at least 20 bytes, got 0x${ip.versionAndLength.toString(16)}`,
    );
  }
  const most = reader.end - start;
  if (ip.totalLength < length || ip.totalLength > most) {
    throw new DecodeError(
      "ipv4.totalLength",
      start + 2,
      `want ${length} to ${most}, got ${ip.totalLength}`,
    );
  }
  reader.slice(length - IPV4_HEADER);
  const sum = onesComplementSum(reader.bytes.subarray(start, start + length));
  if (sum !== 0xffff) {
    throw new DecodeError("ipv4.checksum", start + 10, "want the sum of the header, got another");
  }
  reader.end = start + ip.totalLength;
  return ip;
}

function readUdp(reader: Reader, source: Uint8Array, destination: Uint8Array) {
  const start = reader.offset;
  const most = reader.left;
  const header = udp.read(reader);
  if (header.length < UDP_HEADER || header.length > most) {
    throw new DecodeError("udp.length", start + 4, `want 8 to ${most}, got ${header.length}`);
  }
  const payload = reader.slice(header.length - UDP_HEADER);
  const datagram = reader.bytes.subarray(start, start + header.length);
  if (!isIntact(header.checksum, pseudoHeader(source, destination, header.length), datagram)) {
    throw new DecodeError("udp.checksum", start + 6, "want the sum of the datagram, got another");
  }
  return { sourcePort: header.source, destinationPort: header.destination, payload };
}

/**
 * Zero is no checksum. A datagram from the same machine may still have the sum of the pseudo-header alone there: a
 * network card would have completed it, and a pair of links has none.
 */
function isIntact(found: number, pseudo: Uint8Array, datagram: Uint8Array): boolean {
  if (found === 0 || found === onesComplementSum(pseudo)) return true;
  return onesComplementSum(pseudo, datagram) === 0xffff;
}

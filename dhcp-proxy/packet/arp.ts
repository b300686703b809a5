/**
 * ARP for IPv4 on Ethernet, and what a client looks for in it before it uses an address.
 * @see RFC 826, RFC 5227 section 2.1
 * @module
 */

import { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { fixed, u8, u16be } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";
import { sameBytes } from "../../core/bytes.ts";
import { broadcastMac, ETH_P_ARP, ETH_P_IP, ethernetHeader } from "./ethernet.ts";
import { ARPHRD_ETHER } from "./message.ts";

/** `operation`: who has the target address? */
export const ARPOP_REQUEST = 1;
/** `operation`: the sender has its address. */
export const ARPOP_REPLY = 2;

const body = struct({
  hardware: u16be,
  protocol: u16be,
  hardwareLength: u8,
  protocolLength: u8,
  operation: u16be,
  senderMac: fixed(6),
  senderAddress: fixed(4),
  targetMac: fixed(6),
  targetAddress: fixed(4),
});

/** An ARP packet: MAC addresses of 6 bytes, IPv4 addresses of 4. */
export interface ArpPacket {
  /** ARPOP_REQUEST, ARPOP_REPLY. */
  operation: number;
  senderMac: Uint8Array;
  /** All zero in a probe. */
  senderAddress: Uint8Array;
  targetMac: Uint8Array;
  targetAddress: Uint8Array;
}

const kind = { hardware: ARPHRD_ETHER, protocol: ETH_P_IP, hardwareLength: 6, protocolLength: 4 };

/** A frame to everybody. */
export function encodeArp(packet: ArpPacket): Uint8Array {
  const writer = new Writer(64);
  const { senderMac: source } = packet;
  ethernetHeader.write(writer, { destination: broadcastMac, source, protocol: ETH_P_ARP });
  body.write(writer, { ...kind, ...packet });
  return writer.finish();
}

/**
 * Reads a frame. @returns undefined for what is no ARP for IPv4 on Ethernet
 * @throws {DecodeError} for a frame that is too short for what it says it is
 */
export function decodeArp(frame: Uint8Array): ArpPacket | undefined {
  const reader = new Reader(frame);
  try {
    if (ethernetHeader.read(reader).protocol !== ETH_P_ARP) return undefined;
    const { hardware, protocol, hardwareLength, protocolLength, ...packet } = body.read(reader);
    const found = { hardware, protocol, hardwareLength, protocolLength };
    const isOurs = Object.entries(kind).every(
      ([name, value]) => found[name as keyof typeof kind] === value,
    );
    return isOurs ? packet : undefined;
  } catch (error) {
    throw error instanceof DecodeError ? error.within("arp") : error;
  }
}

/** The question whether anybody has the address, asked without claiming it. */
export function arpProbe(mac: Uint8Array, address: Uint8Array): ArpPacket {
  return {
    operation: ARPOP_REQUEST,
    senderMac: mac,
    senderAddress: new Uint8Array(4),
    targetMac: new Uint8Array(6),
    targetAddress: address,
  };
}

/** Tells everybody that the address is ours from now on. */
export function arpAnnouncement(mac: Uint8Array, address: Uint8Array): ArpPacket {
  return { ...arpProbe(mac, address), senderAddress: address };
}

/** Whether the packet says that somebody else has the address, or probes for it at the same time. */
export function isConflict(packet: ArpPacket, mac: Uint8Array, address: Uint8Array): boolean {
  const { senderMac, senderAddress, targetAddress, operation } = packet;
  if (sameBytes(senderMac, mac)) return false;
  if (sameBytes(senderAddress, address)) return true;
  const isProbe = operation === ARPOP_REQUEST && senderAddress.every((byte) => byte === 0);
  return isProbe && sameBytes(targetAddress, address);
}

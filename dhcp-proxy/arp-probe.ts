/**
 * Whether somebody on the link has an address.
 *
 * RFC 5227 asks three times in up to seven seconds, made for hosts that chose an address by themselves. A server has
 * chosen this one, and a pod waits for it: the same three questions are asked within the time that the command line says.
 * @see RFC 5227 section 2.1, RFC 2131 section 4.4.1
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { type EventLoop, POLLIN } from "../core/daemon/loop.ts";
import { arpProbe, decodeArp, encodeArp, isConflict } from "./packet/arp.ts";
import type { PacketSocket } from "./packet-socket.ts";

const PROBE_NUM = 3;
/** Frames that are looked at in one turn: others wait as well. */
const MOST_FRAMES = 16;

/** Who asks for what. */
export interface ArpSubject {
  /** Of the ARP protocol; closed at the end. */
  socket: PacketSocket;
  /** Ours, 6 bytes. */
  mac: Uint8Array;
  /** 4 bytes. */
  address: Uint8Array;
}

/** Asks for the address, and calls `found` once; disposing ends it without. */
export function probeAddress(
  loop: EventLoop,
  { socket, mac, address }: ArpSubject,
  milliseconds: number,
  found: (isConflict: boolean) => void,
): Disposable {
  const frame = encodeArp(arpProbe(mac, address));
  const resources = [
    socket,
    loop.watch(socket.fd, POLLIN, () => {
      if (hearsOther(socket, mac, address)) end(true);
    }),
    ...Array.from({ length: PROBE_NUM - 1 }, (_, index) =>
      loop.after((milliseconds * (index + 1)) / PROBE_NUM, () => socket.send(frame)),
    ),
    loop.after(milliseconds, () => end(false)),
  ];
  const close = () => {
    for (const each of resources.splice(0)) each[Symbol.dispose]();
  };
  const end = (isConflict: boolean) => {
    close();
    found(isConflict);
  };
  try {
    socket.send(frame);
  } catch (error) {
    close();
    throw error;
  }
  return { [Symbol.dispose]: close };
}

function hearsOther(socket: PacketSocket, mac: Uint8Array, address: Uint8Array): boolean {
  for (let left = MOST_FRAMES; left > 0; left--) {
    const frame = socket.receive();
    if (frame === undefined) return false;
    const packet = readArp(frame);
    if (packet !== undefined && isConflict(packet, mac, address)) return true;
  }
  return false;
}

function readArp(frame: Uint8Array) {
  try {
    return decodeArp(frame);
  } catch (error) {
    if (error instanceof DecodeError) return undefined; // anybody on the link may send anything
    throw error;
  }
}

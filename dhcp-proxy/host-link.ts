/**
 * Speaking for a pod that is no more, through the link of the host that led where the pod's link led.
 * @module
 */

import { explain } from "../core/errors.ts";
import { findMaster } from "../core/link/master.ts";
import { parseCidr, parseIp } from "../core/net/address.ts";
import { RouteSocket } from "../core/net/route-socket.ts";
import { settingsOf } from "./client-settings.ts";
import { Ipv6Socket } from "./ipv6-socket.ts";
import { releaseMessage } from "./lease-messages.ts";
import { fieldsOf, type LeaseRequest } from "./lease-request.ts";
import type { Lease6Info } from "./lease6-info.ts";
import { addressesOf, message6, serverOf } from "./lease6-messages.ts";
import { encodeFrame } from "./packet/frame.ts";
import { encodeMessage } from "./packet/message.ts";
import { PacketSocket } from "./packet-socket.ts";
import { duidOf, IAID } from "./packet6/duid.ts";
import { allServers, encodeMessage6, SERVER_PORT6 } from "./packet6/message.ts";
import type { LeaseFile } from "./store.ts";
import type { World } from "./world.ts";

/** Gives a lease back whose pod is gone; that it cannot be done is said, and the server keeps it to its end. */
export function releaseFromHost(
  world: World,
  request: LeaseRequest,
  held: LeaseFile["ipv4"],
): void {
  speakFromHost(world, request, held.lease.serverId, (link) => {
    using socket = PacketSocket.forDhcp(link.ifindex);
    socket.send(releaseFrame(world, request, held));
  });
}

/** As {@link releaseFromHost}, with the host's own link-local address: the server knows the client by its DUID. */
export function releaseFromHost6(
  world: World,
  request: LeaseRequest,
  { lease }: { lease: Lease6Info },
): void {
  speakFromHost(world, request, lease.serverId, (link) => {
    const identity = { duid: duidOf(request), iaid: IAID, mode: "stateful" as const };
    const settings = { ifname: request.ifname, resendTimeoutMs: 0, resendMaxMs: 0, ...identity };
    const xid = Math.floor(Math.random() * 2 ** 24);
    const about = { serverId: serverOf(lease), addresses: addressesOf(lease) };
    const message = message6(settings, "release", { xid, elapsedMs: 0, ...about });
    using socket = Ipv6Socket.forOneWord(link);
    socket.send(encodeMessage6(message), allServers, SERVER_PORT6);
  });
}

function speakFromHost(
  world: World,
  request: LeaseRequest,
  server: string,
  speak: (link: { ifname: string; ifindex: number }) => void,
): void {
  const { hostLink } = request;
  const about = { ...fieldsOf(request), server };
  try {
    if (hostLink === undefined) throw new Error("no link of the host leads where the pod's led");
    using route = RouteSocket.open();
    speak(findMaster(route, hostLink));
    world.journal.write("info", "released from the host, as the pod is gone", about);
  } catch (error) {
    const why = explain(error);
    world.journal.write("warning", "the server keeps a lease", { ...about, why });
  }
}

function releaseFrame(
  world: World,
  request: LeaseRequest,
  { mac, lease, serverMac }: LeaseFile["ipv4"],
): Uint8Array {
  const sourceMac = Uint8Array.from(mac);
  const settings = settingsOf(world, request, { mac: sourceMac, kind: "" });
  const [ciaddr, serverId] = [parseCidr(lease.address).address, parseIp(lease.serverId)];
  const xid = Math.floor(Math.random() * 2 ** 32);
  return encodeFrame({
    sourceMac,
    ...(serverMac === undefined ? {} : { destinationMac: Uint8Array.from(serverMac) }),
    source: ciaddr,
    destination: serverId,
    payload: encodeMessage(releaseMessage(settings, { xid, ciaddr, serverId })),
  });
}

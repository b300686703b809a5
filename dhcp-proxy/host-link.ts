/**
 * Speaking for a pod that is no more, through the link of the host that led where the pod's link led.
 * @module
 */

import { explain } from "../core/errors.ts";
import { findMaster } from "../core/link/master.ts";
import { parseCidr, parseIp } from "../core/net/address.ts";
import { RouteSocket } from "../core/net/route-socket.ts";
import { settingsOf } from "./client-settings.ts";
import { releaseMessage } from "./lease-messages.ts";
import { fieldsOf, type LeaseRequest } from "./lease-request.ts";
import { encodeFrame } from "./packet/frame.ts";
import { encodeMessage } from "./packet/message.ts";
import { PacketSocket } from "./packet-socket.ts";
import type { LeaseFile } from "./store.ts";
import type { World } from "./world.ts";

/** Gives a lease back whose pod is gone; that it cannot be done is said, and the server keeps it to its end. */
export function releaseFromHost(
  world: World,
  request: LeaseRequest,
  held: LeaseFile["ipv4"],
): void {
  const { hostLink } = request;
  const about = { ...fieldsOf(request), server: held.lease.serverId };
  try {
    if (hostLink === undefined) throw new Error("no link of the host leads where the pod's led");
    sendFromHost(hostLink, releaseFrame(world, request, held));
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

function sendFromHost(name: string, frame: Uint8Array): void {
  using route = RouteSocket.open();
  const { ifindex } = findMaster(route, name);
  using socket = PacketSocket.forDhcp(ifindex);
  socket.send(frame);
}

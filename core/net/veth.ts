/**
 * A veth pair for an attachment: one end on the host, marked as the attachment's, the other in the container.
 * @see include/uapi/linux/veth.h
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { IFF_UP, type LinkInput, newLink, setLink } from "netlink-ts/route/link.ts";

import { type Attachment, ownerText } from "../attachment.ts";
import { CniError, cniCode, during, isErrno } from "../errors.ts";
import { hostLinkNames, ownedHostLinks } from "./link-owner.ts";
import { randomMac, randomPortMac } from "./mac.ts";
import type { Netns } from "./netns.ts";
import type { RouteSocket } from "./route-socket.ts";

/** No address of its own: a port has no use for one, and its duplicate address detection would be flooded to every port. */
const IN6_ADDR_GEN_MODE_NONE = 1;

/** The host end as port of a bridge. */
export interface BridgePort {
  /** ifindex of the bridge. */
  bridge: number;
  /** What comes in may leave by the same port. */
  hairpin: boolean;
  /** No traffic to other isolated ports. */
  isolated: boolean;
}

/** What a veth pair shall be. */
export interface WantedVeth {
  /** Its owner; the name of the container's end is its `ifname`. */
  attachment: Attachment;
  netns: Netns;
  /** Bytes, of both ends; absent or 0: the kernel's default. */
  mtu?: number | undefined;
  /** Of the container's end; absent: random. */
  mac?: Uint8Array | undefined;
  port?: BridgePort | undefined;
}

/** What has been made. */
export interface Veth {
  /** Name of the host end; its alias is the owner's mark. */
  host: string;
  hostMac: Uint8Array;
  mac: Uint8Array;
}

/**
 * Makes the pair in place: the container's end under its final name, down; the host end up, port of its bridge, marked.
 * One message makes it, another of the same send marks it.
 * @param route a socket of the host
 * @param container a socket of the container's namespace
 * @throws {CniError} when the container has a link of that name, which stays as it is
 */
export function createVeth(route: RouteSocket, container: RouteSocket, wanted: WantedVeth): Veth {
  const { ifname } = wanted.attachment;
  const macs = { hostMac: randomPortMac(), mac: wanted.mac ?? randomMac() };
  const names = hostLinkNames(wanted.attachment);
  for (const host of names) {
    // looked at before: the mark is set by name, and must not go to a link that was there already
    if (route.ifindexOf(host) !== undefined) continue;
    if (createUnlessTaken(route, { host, ...macs }, wanted)) return { host, ...macs };
    if (container.ifindexOf(ifname) !== undefined) throw taken(ifname, host);
  }
  const details = `every name that its host end may have is taken: ${names.join(", ")}`;
  throw new CniError(cniCode.internal, `make veth pair for "${ifname}"`, { details });
}

/**
 * Refuses an attachment that exists: a link of the container has the name, or a link of the host bears the mark. The
 * question to ask before anything is done that a refusal would have to undo.
 * @param route a socket of the host
 * @param container a socket of the container's namespace, which is to be locked, or the answer may change
 */
export function requireUnattached(
  route: RouteSocket,
  container: RouteSocket,
  attachment: Attachment,
): void {
  const [host = ""] = hostLinkNames(attachment);
  if (container.ifindexOf(attachment.ifname) !== undefined) throw taken(attachment.ifname, host);
  const [owned] = ownedHostLinks(route, attachment);
  if (owned === undefined) return;
  throw new CniError(cniCode.internal, `"${ownerText(attachment)}" is attached already`, {
    details: "a link of the host that leads into another namespace is marked as its end",
  });
}

function taken(ifname: string, host: string): CniError {
  const message = `container veth name ("${ifname}") peer provided ("${host}") already exists`;
  return new CniError(cniCode.internal, message);
}

/** False when a link has the name of one of the ends. */
function createUnlessTaken(route: RouteSocket, veth: Veth, wanted: WantedVeth): boolean {
  const calls = [call(newLink, pair(veth, wanted)), call(setLink, mark(veth, wanted))];
  if (wanted.port !== undefined) calls.push(call(setLink, silence(veth)));
  try {
    during(`make veth pair "${veth.host}" and "${wanted.attachment.ifname}"`, () =>
      route.batch(...calls),
    );
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    // the last message's: IPv6 is off on the host, or for a link of an MTU under 1280, and there is nothing to silence
    if (isErrno(error, "EAFNOSUPPORT")) return true;
    const halfMade = route.ifindexOf(veth.host);
    if (halfMade !== undefined) route.deleteLinkIfPresent(halfMade);
    throw error;
  }
}

function pair(veth: Veth, { attachment, netns, mtu, port }: WantedVeth): LinkInput {
  // one queue: with one a CPU, the kernel allocates them all and then waits for RCU to shrink them to one
  const both = { numTxQueues: 1, numRxQueues: 1, mtu: mtu === 0 ? undefined : mtu };
  const peer = { ...both, ifname: attachment.ifname, address: veth.mac, netNsFd: netns.fd };
  return {
    ...both,
    ifname: veth.host,
    address: veth.hostMac,
    flags: IFF_UP,
    change: IFF_UP,
    master: port?.bridge,
    linkInfo: { kind: "veth", data: { peer } },
  };
}

/** The second message, on the host end: what a link cannot be given when it is made. */
function mark(veth: Veth, { attachment, port }: WantedVeth): LinkInput {
  const slaveData = port && { mode: Number(port.hairpin), isolated: Number(port.isolated) };
  return {
    ifname: veth.host,
    ifalias: ownerText(attachment),
    linkInfo: slaveData && { slaveKind: "bridge", slaveData },
  };
}

function silence(veth: Veth): LinkInput {
  return { ifname: veth.host, afSpec: { inet6: { addrGenMode: IN6_ADDR_GEN_MODE_NONE } } };
}

/**
 * Whose a link is: the name that an attachment's host end gets, and the mark in its alias.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { setLink } from "netlink-ts/route/link.ts";

import { type Attachment, ownerNetworkText, ownerText } from "../attachment.ts";
import { isErrno } from "../errors.ts";
import { askOwner, type Link, type LinkOwner, type RouteSocket } from "./route-socket.ts";

/** What the host ends of attachments are called, the reference's too. */
export const hostLinkName = /^veth[0-9a-f]{8}$/;
/** How many names an attachment's host end may have: the next one is taken when a stranger has the name before. */
const CANDIDATES = 3;
/** Groups from here on are free for {@link deleteLinks}; iproute2's and administrators' numbers are small. */
const FIRST_GROUP = 0x4e4c_0000;

/**
 * The names that the host end of an attachment may have, `veth` and 8 hexadecimal digits each. They follow from the
 * attachment alone, so that DEL finds the link without any record.
 */
export function hostLinkNames(attachment: Attachment): string[] {
  const identity = attachmentHash(attachment);
  const names: string[] = [];
  for (let candidate = 0; candidate < CANDIDATES; candidate++) {
    const digits = spread(identity + candidate)
      .toString(16)
      .padStart(8, "0");
    names.push(`veth${digits}`);
  }
  return names;
}

/** 32 bits by FNV-1a. Attachments need to differ, not to be hard to guess: the mark decides whose a link is. */
export function attachmentHash({ network, containerId, ifname }: Attachment): number {
  const text = `${network}/${containerId}:${ifname}`;
  let value = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x0100_0193);
  }
  return value;
}

/** The last step of MurmurHash3: every bit of the number changes half of the result's bits. */
function spread(number: number): number {
  let value = number;
  value = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2_ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** The host ends that carry this attachment's mark: one, or none, or more after a crash. */
export function ownedHostLinks(route: RouteSocket, attachment: Attachment): LinkOwner[] {
  const owner = ownerText(attachment);
  return hostLinkNames(attachment).flatMap((ifname) => {
    if (route.ifindexOf(ifname) === undefined) return [];
    const [link] = route.lookUp(askOwner({ ifname }));
    return link?.ifalias === owner ? [link] : [];
  });
}

/** The links that bear the mark of an attachment of that network, but not one of `kept`. */
export function strayHostLinks(
  route: RouteSocket,
  network: string,
  kept: ReadonlySet<string>,
): Link[] {
  const prefix = `${ownerNetworkText(network)}/`;
  return route.links().filter(({ ifname = "", ifalias = "" }) => {
    return hostLinkName.test(ifname) && ifalias.startsWith(prefix) && !kept.has(ifalias);
  });
}

/** Deletes the link of that name; one that is gone already is no error. */
export function deleteLinkNamed(route: RouteSocket, ifname: string): void {
  const ifindex = route.ifindexOf(ifname);
  if (ifindex !== undefined) route.deleteLinkIfPresent(ifindex);
}

/**
 * Deletes links for the price of one: a deletion waits 10 to 20 ms for the kernel's read-copy-update, a deletion of a whole
 * group waits once. A link that is gone already is no error.
 */
export function deleteLinks(
  route: RouteSocket,
  links: readonly { readonly ifindex: number }[],
): void {
  if (links.length < 2) {
    for (const { ifindex } of links) route.deleteLinkIfPresent(ifindex);
    return;
  }
  const taken = new Set(route.links().map(({ group }) => group));
  let group = FIRST_GROUP;
  while (taken.has(group)) group++;
  const moves = links.map(({ ifindex }) => call(setLink, { ifindex, group }));
  try {
    route.batch(...moves);
  } catch (error) {
    // one that has gone meanwhile; the others have been moved all the same
    if (!isErrno(error, "ENODEV")) throw error;
  }
  route.deleteGroup(group);
}

/**
 * The link of an attachment in its container: made in place, marked as the attachment's, found again by DEL.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { type LinkInput, newLink, setLink } from "netlink-ts/route/link.ts";

import { type Attachment, ownerText } from "../attachment.ts";
import type { DelCall } from "../cni/plugin.ts";
import { CniError, cniCode, during, isErrno } from "../errors.ts";
import { formatMac } from "../net/address.ts";
import { attachmentHash } from "../net/link-owner.ts";
import { type Link, RouteSocket } from "../net/route-socket.ts";
import type { Rollback } from "../rollback.ts";
import type { Scene } from "./scene.ts";

/** Groups from here on mark a link that has no alias yet; those of `deleteLinks` and of administrators are below. */
const FIRST_MARK = 0x8000_0000;

/** The mark that a link can be born with: an alias is given to a link that is there. */
function birthMark(attachment: Attachment): number {
  return (FIRST_MARK | attachmentHash(attachment)) >>> 0;
}

/** What a link in a container shall be. */
export interface WantedLink {
  attachment: Attachment;
  /** On which side the link below is, and with it whose message makes the link. */
  side: RouteSocket;
  /** `link`, `mtu`, `address`, `linkInfo`; name, namespace and mark are added. */
  link: LinkInput;
  /** What to call it in an error: `macvlan`. */
  kind: string;
}

/** Refuses a name that is taken: before anybody is asked for anything that a refusal would have to undo. */
export function requireFreeName({ container, netns }: Scene, ifname: string): void {
  if (container.ifindexOf(ifname) === undefined) return;
  throw new CniError(cniCode.internal, `"${ifname}" already exists in "${netns.path}"`);
}

/**
 * Makes the link under its final name, down and marked; a failing ADD deletes it.
 * @throws {CniError} when the container has a link of that name, which stays as it is
 */
export function createOwnedLink(scene: Scene, wanted: WantedLink, rollback: Rollback): void {
  const { attachment, side, link, kind } = wanted;
  const { ifname } = attachment;
  const netNsFd = side === scene.container ? undefined : scene.netns.fd;
  const born = { ...link, ifname, netNsFd, group: birthMark(attachment) };
  rollback.defer(() => deleteMarkedLink(scene.container, attachment)); // before: an answer may be lost
  try {
    side.batch(call(newLink, born));
  } catch (cause) {
    throw refusal(cause, kind, scene.netns.path, ifname);
  }
  const mark = { ifname, ifalias: ownerText(attachment), group: 0 };
  during(`mark ${kind} "${ifname}"`, () => scene.container.batch(call(setLink, mark)));
}

function refusal(cause: unknown, kind: string, path: string, ifname: string): CniError {
  if (isErrno(cause, "EEXIST")) {
    return new CniError(cniCode.internal, `"${ifname}" already exists in "${path}"`, { cause });
  }
  const code = isErrno(cause, "EOPNOTSUPP") ? cniCode.notAvailable : cniCode.internal;
  return new CniError(code, `failed to create ${kind} "${ifname}"`, { cause });
}

/** Deletes the link of that name, if it bears the attachment's mark. */
export function deleteMarkedLink(container: RouteSocket, attachment: Attachment): void {
  const link = container.linkByName(attachment.ifname);
  if (link !== undefined && isMarked(link, attachment)) container.deleteLinkIfPresent(link.ifindex);
}

function isMarked({ ifalias, group }: Link, attachment: Attachment): boolean {
  return ifalias === undefined
    ? group === birthMark(attachment)
    : ifalias === ownerText(attachment);
}

/**
 * Deletes the link of an attachment in its container, if it is the attachment's: by its mark, or, when the reference has made
 * it, by kind and MAC address of prevResult. A container that is gone has taken its link along.
 */
export function deleteOwnedLink(call: DelCall<unknown>, kind: string): void {
  using netns = call.openNetnsIfPresent();
  using container = RouteSocket.dial(netns);
  const link = container?.linkByName(call.ifName);
  if (link === undefined || !isOwned(call, link, kind)) return;
  container?.deleteLinkIfPresent(link.ifindex);
}

function isOwned(call: DelCall<unknown>, link: Link, kind: string): boolean {
  const { attachment, ifName, prevResult } = call;
  if (isMarked(link, attachment)) return true;
  if (link.ifalias !== undefined) return false;
  const said = prevResult?.interfaces?.find(({ name, sandbox }) => name === ifName && sandbox);
  const mac = formatMac(link.address ?? new Uint8Array());
  return link.linkInfo?.kind === kind && said?.mac?.toLowerCase() === mac;
}

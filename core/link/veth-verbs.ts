/**
 * ADD's pair, DEL and GC of the plugins whose attachments are veth pairs.
 * @module
 */

import { ownerText } from "../attachment.ts";
import type { AddCall, AskedIpam, DelCall, GcCall } from "../cni/plugin.ts";
import { attemptAll } from "../errors.ts";
import { formatMac } from "../net/address.ts";
import { deleteLinkNamed, deleteLinks, ownedHostLinks, strayHostLinks } from "../net/link-owner.ts";
import { type Link, RouteSocket } from "../net/route-socket.ts";
import { createVeth, requireUnattached, type Veth, type WantedVeth } from "../net/veth.ts";
import type { Rollback } from "../rollback.ts";
import { readRecord, removeRecord } from "../state/record.ts";
import { removeStaleRecords } from "../state/stale-records.ts";
import { askIpam } from "./ask-ipam.ts";
import { removeRules, removeStaleRules } from "./rules.ts";
import type { Scene } from "./scene.ts";
import type { VethPlugin, VethRecord } from "./veth-record.ts";

/** What an ADD has begun. */
export interface BegunVeth {
  readonly asked: AskedIpam | undefined;
  readonly veth: Veth;
}

/**
 * Asks IPAM, and makes the pair meanwhile; a failing ADD takes both back. Of several ADDs of one attachment all but one are
 * refused before: IPAM's part of it is not theirs to release.
 * @param prepare makes what the pair hangs on, and tells what it shall be
 * @returns what has been begun, and what `prepare` returned
 */
export function beginVeth<P extends Omit<WantedVeth, "netns" | "attachment">>(
  call: AddCall<unknown>,
  { netns, host, container }: Scene,
  rollback: Rollback,
  prepare: () => P,
): BegunVeth & P {
  const { attachment } = call;
  return netns.locked(() => {
    requireUnattached(host, container, attachment);
    const prepared = prepare();
    const asked = askIpam(call, rollback); // it works while we make the link
    const veth = createVeth(host, container, { netns, attachment, ...prepared });
    rollback.defer(() => deleteLinkNamed(host, veth.host));
    return { ...prepared, asked, veth };
  });
}

/** Two ends of a pair, and where to ask about them. */
export interface Ends {
  readonly host: RouteSocket;
  readonly container: RouteSocket;
  readonly outside: Link;
  readonly inside: Link;
}

/**
 * Removes rules and links of the attachment, by its record, by the mark of its link, or by its configuration, and then gives
 * its addresses back: the container's namespace is not needed. The rules go first: so their release and that of the link
 * share one wait for RCU, and the address is free of rules before IPAM hands it out again. The record goes last, and stays
 * when something is left.
 * @param isReferences whether the reference's plugin has made a pair that has no mark, with the container's end where it
 * should be
 * @param release takes away what goes with the last attachment, when all of this one has gone; by its record, if it had one
 */
export function deleteVethAttachment<C, R extends VethRecord>(
  call: DelCall<C>,
  plugin: VethPlugin<R>,
  isReferences: (ends: Ends) => boolean,
  release: (record: R | undefined) => void = () => {},
): void {
  attemptAll(
    () => release(removeOwnPart(call, plugin, isReferences)),
    () => call.ipam.del(),
  );
}

function removeOwnPart<C, R extends VethRecord>(
  call: DelCall<C>,
  plugin: VethPlugin<R>,
  isReferences: (ends: Ends) => boolean,
): R | undefined {
  const { attachment } = call;
  const record = readRecord(attachment, plugin.name, plugin.record);
  const elements = record && plugin.elements(attachment, record);
  attemptAll(
    () => removeRules(attachment, elements, plugin.sets),
    () => removeLinks(call, isReferences),
  );
  removeRecord(attachment, plugin.name);
  return record;
}

function removeLinks(call: DelCall<unknown>, isReferences: (ends: Ends) => boolean): void {
  using host = RouteSocket.open();
  const owned = ownedHostLinks(host, call.attachment);
  if (owned.length > 0) deleteLinks(host, owned);
  else removeReferenceLink(call, host, isReferences);
}

/**
 * The link of an attachment that the reference's plugin has made, before its binaries were replaced by ours: it has no mark.
 * A link of that name is deleted only if all speaks for it: a veth whose other end is here, without anybody's mark, with the
 * MAC address of prevResult if there is one, and placed as the plugin places its own.
 */
function removeReferenceLink(
  call: DelCall<unknown>,
  host: RouteSocket,
  isReferences: (ends: Ends) => boolean,
): void {
  const { ifName, prevResult } = call;
  using netns = call.openNetnsIfPresent();
  using container = RouteSocket.dial(netns);
  const inside = container?.linkByName(ifName);
  const outside = inside?.link === undefined ? undefined : host.linkByIndex(inside.link);
  if (container === undefined || inside === undefined || outside === undefined) return;
  if (inside.linkInfo?.kind !== "veth" || !areEnds(inside, outside)) return;
  const said = prevResult?.interfaces?.find(({ name, sandbox }) => name === ifName && sandbox);
  if (said?.mac !== undefined && said.mac !== formatMac(inside.address ?? new Uint8Array())) return;
  if (outside.ifalias !== undefined || !isReferences({ host, container, outside, inside })) return;
  host.deleteLinkIfPresent(outside.ifindex);
}

function areEnds(inside: Link, outside: Link): boolean {
  return outside.linkInfo?.kind === "veth" && outside.link === inside.ifindex;
}

/** Removes rules, links and records of stale attachments, and lets IPAM do the same. Goes on past failures. */
export function collectVethGarbage<C, R extends VethRecord>(
  call: GcCall<C>,
  { name, sets }: VethPlugin<R>,
): void {
  const { network, validAttachments: valid } = call;
  if (valid === undefined) {
    call.ipam.gc();
    return;
  }
  const kept = new Set(valid.map(ownerText));
  attemptAll(
    () => removeStaleRules(network, kept, sets),
    () => removeStaleLinks(network, kept),
    () => removeStaleRecords(call, name),
    () => call.ipam.gc(),
  );
}

function removeStaleLinks(network: string, kept: ReadonlySet<string>): void {
  using host = RouteSocket.open();
  deleteLinks(host, strayHostLinks(host, network, kept));
}

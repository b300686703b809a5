/**
 * ADD's pair, DEL and GC of the plugins whose attachments are veth pairs.
 * @module
 */

import { ownerText } from "../attachment.ts";
import type { AddCall, AskedIpam, DelCall, GcCall } from "../cni/plugin.ts";
import { attemptAll } from "../errors.ts";
import { formatMac } from "../net/address.ts";
import { deleteLinkNamed, deleteLinks, ownedHostLinks, strayHostLinks } from "../net/link-owner.ts";
import type { Netns } from "../net/netns.ts";
import { type Link, RouteSocket } from "../net/route-socket.ts";
import { createVeth, requireUnattached, type Veth, type WantedVeth } from "../net/veth.ts";
import type { Rollback } from "../rollback.ts";
import { readRecord, removeRecord } from "../state/record.ts";
import { removeStaleRecords } from "../state/stale-records.ts";
import { AddressReturn, askIpam, releaseBeforeLink } from "./ask-ipam.ts";
import {
  type RuleKeys,
  removeStaleReferenceRules,
  removeUnrecordedRules,
} from "./reference-rules.ts";
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
    releaseBeforeLink(call, asked, rollback);
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
 * share one wait for RCU, and the address is free of rules before IPAM hands it out again; so an IPAM that needs the link comes
 * between the two. The record goes last, and stays when something is left.
 * @param isReferences whether the reference's plugin has made a pair that has no mark, with the container's end where it
 * should be
 * @param release takes away what goes with the last attachment, when all of this one has gone; by its record, if it had one
 */
export function deleteVethAttachment<C extends RuleKeys, R extends VethRecord>(
  call: DelCall<C>,
  plugin: VethPlugin<R>,
  isReferences: (ends: Ends) => boolean,
  release: (record: R | undefined) => void = () => {},
): void {
  const addresses = new AddressReturn(call.ipam, "del");
  attemptAll(
    () => release(removeOwnPart(call, plugin, isReferences, addresses)),
    () => addresses.last(),
  );
}

function removeOwnPart<C extends RuleKeys, R extends VethRecord>(
  call: DelCall<C>,
  plugin: VethPlugin<R>,
  isReferences: (ends: Ends) => boolean,
  addresses: AddressReturn,
): R | undefined {
  const { attachment } = call;
  const record = readRecord(attachment, plugin.name, plugin.record);
  attemptAll(
    () => {
      if (record !== undefined) removeRules(plugin.elements(attachment, record));
      else
        removeUnrecordedRules(call, plugin.sets, (port) => isOthersPort(call, port, isReferences));
    },
    () => addresses.beforeLink(),
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

/** Deletes the link of an attachment that the reference's plugin has made, before its binaries were replaced by ours. */
function removeReferenceLink(
  call: DelCall<unknown>,
  host: RouteSocket,
  isReferences: (ends: Ends) => boolean,
): void {
  using netns = call.openNetnsIfPresent();
  const link = netns && referenceLink(call, netns, host, isReferences);
  if (link !== undefined) host.deleteLinkIfPresent(link.ifindex);
}

/** True when the host has a link of that name, and it is not the one that the reference's plugin has made for the attachment. */
function isOthersPort(
  call: DelCall<unknown>,
  port: string,
  isReferences: (ends: Ends) => boolean,
): boolean {
  using netns = call.openNetnsIfPresent();
  if (netns === undefined) return false; // its links end with it, a moment later
  using host = RouteSocket.open();
  if (host.ifindexOf(port) === undefined) return false;
  return referenceLink(call, netns, host, isReferences)?.ifname !== port;
}

/**
 * The host's end of a pair that the reference's plugin has made: it has no mark. All has to speak for it: a veth whose other end is here
 * under that name, without anybody's mark, with the MAC address of prevResult if there is one, and placed as the plugin places
 * its own.
 */
function referenceLink(
  call: DelCall<unknown>,
  netns: Netns,
  host: RouteSocket,
  isReferences: (ends: Ends) => boolean,
): Link | undefined {
  const { ifName, prevResult } = call;
  using container = RouteSocket.dial(netns);
  const inside = container.linkByName(ifName);
  const outside = inside?.link === undefined ? undefined : host.linkByIndex(inside.link);
  if (inside === undefined || outside === undefined) return undefined;
  if (inside.linkInfo?.kind !== "veth" || !areEnds(inside, outside)) return undefined;
  const said = prevResult?.interfaces?.find(({ name, sandbox }) => name === ifName && sandbox);
  const mac = formatMac(inside.address ?? new Uint8Array());
  if (said?.mac !== undefined && said.mac !== mac) return undefined;
  if (outside.ifalias !== undefined) return undefined;
  return isReferences({ host, container, outside, inside }) ? outside : undefined;
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
  const addresses = new AddressReturn(call.ipam, "gc");
  attemptAll(
    () => removeStaleRules(network, kept, sets),
    () => removeStaleReferenceRules(network, valid),
    () => addresses.beforeLink(),
    () => removeStaleLinks(network, kept),
    () => removeStaleRecords(call, name),
    () => addresses.last(),
  );
}

function removeStaleLinks(network: string, kept: ReadonlySet<string>): void {
  using host = RouteSocket.open();
  deleteLinks(host, strayHostLinks(host, network, kept));
}

/**
 * DEL of bridge, but for IPAM.
 * @module
 */

import { slaveData } from "netlink-ts/route/link.ts";

import type { DelCall } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { formatMac } from "../../core/net/address.ts";
import { deleteLinks, ownedHostLinks } from "../../core/net/link-owner.ts";
import { type Link, RouteSocket } from "../../core/net/route-socket.ts";
import { readRecord, removeRecord } from "../../core/state/record.ts";
import type { BridgeConfig } from "./config.ts";
import { bridgeRecord, recordName } from "./record.ts";
import { removeRules } from "./rules.ts";

/**
 * Removes rules and links of the attachment, by its record, by the mark of its link, or by its configuration: the container's
 * namespace is not needed. The rules go first: so their release and that of the link share one wait for RCU, and the address
 * is free of rules before IPAM hands it out again. The record goes last, and stays when something is left.
 */
export function removeAttachment(call: DelCall<BridgeConfig>): void {
  const { attachment } = call;
  const record = readRecord(attachment, recordName, bridgeRecord);
  attemptAll(
    () => removeRules(attachment, record),
    () => removeLinks(call),
  );
  removeRecord(attachment, recordName);
}

function removeLinks(call: DelCall<BridgeConfig>): void {
  using host = RouteSocket.open();
  const owned = ownedHostLinks(host, call.attachment);
  if (owned.length > 0) deleteLinks(host, owned);
  else removeReferenceLink(call, host);
}

/**
 * The link of an attachment that the reference's bridge has made, before its binaries were replaced by ours: it has no mark.
 * A link of that name is deleted only if all speaks for it: a veth whose other end is here, without anybody's mark, port of
 * the bridge, and with the MAC address of prevResult if there is one.
 */
function removeReferenceLink(call: DelCall<BridgeConfig>, host: RouteSocket): void {
  const { config, ifName, prevResult } = call;
  using netns = call.openNetnsIfPresent();
  using container = RouteSocket.dial(netns);
  const inside = container?.linkByName(ifName);
  const outside = inside?.link === undefined ? undefined : host.linkByIndex(inside.link);
  if (inside === undefined || outside === undefined) return;
  if (inside.linkInfo?.kind !== "veth" || !areEnds(inside, outside)) return;
  if (outside.ifalias !== undefined || !isPortOf(host, outside, config.bridge)) return;
  const said = prevResult?.interfaces?.find(({ name, sandbox }) => name === ifName && sandbox);
  if (said?.mac !== undefined && said.mac !== formatMac(inside.address ?? new Uint8Array())) return;
  host.deleteLinkIfPresent(outside.ifindex);
}

function areEnds(inside: Link, outside: Link): boolean {
  return outside.linkInfo?.kind === "veth" && outside.link === inside.ifindex;
}

function isPortOf(
  host: RouteSocket,
  { ifindex, master }: Link,
  bridge: string | undefined,
): boolean {
  if (bridge === undefined || master === undefined) return false;
  return (
    host.ifindexOf(bridge) === master &&
    slaveData(host.detailedLink(ifindex) ?? {}, "bridge") !== undefined
  );
}

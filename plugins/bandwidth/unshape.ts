/**
 * DEL and GC of bandwidth.
 * @module
 */

import { TC_H_INGRESS, TC_H_ROOT } from "netlink-ts/route/traffic-control.ts";

import { type Attachment, ownerText } from "../../core/attachment.ts";
import type { DelCall, GcCall } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { hostInterfaces } from "../../core/link/veth-check.ts";
import { deleteLinks } from "../../core/net/link-owner.ts";
import { type Link, RouteSocket } from "../../core/net/route-socket.ts";
import {
  hasRecord,
  recordedAttachments,
  recordedNetworks,
  removeRecord,
} from "../../core/state/record.ts";
import { removeStaleRecords } from "../../core/state/stale-records.ts";
import { abandonedIfbs } from "./abandoned.ts";
import { type BandwidthConfig, limitsOf } from "./config.ts";
import { vethPeer } from "./host-link.ts";
import { ownedIfbs, strayIfbs, unmarkedIfb } from "./ifb.ts";
import { rootHandle } from "./queue.ts";
import { queueFaults } from "./queue-check.ts";
import { readShaped, recordName, type ShapedRecord } from "./record.ts";
import { redirectionTargets } from "./redirection.ts";
import { deleteQdiscAt, qdiscAt } from "./traffic.ts";

/**
 * Takes away all that holds an attachment back: by its record and the mark of its link, or, when the reference has made it, by
 * the link's name and what prevResult and the container's namespace tell. A link that is gone has taken its part along.
 */
export function unshape(call: DelCall<BandwidthConfig>): void {
  const { attachment } = call;
  using host = RouteSocket.open();
  const record = readShaped(attachment);
  if (record === undefined) unshapeUnrecorded(call, host);
  else unshapeRecorded(host, attachment, record);
  removeRecord(attachment, recordName);
}

/** First what leads packets to the other link, and then that: in between they would be dropped. */
function unshapeRecorded(host: RouteSocket, attachment: Attachment, record: ShapedRecord): void {
  const { ingress, egress, ifindex } = record;
  const ifbs = ownedIfbs(host, attachment);
  const isThere = host.linkByIndex(ifindex)?.ifname === record.host;
  attemptAll(
    () => {
      if (isThere && egress) stopRedirection(host, ifindex, ifbs, true);
    },
    () => deleteLinks(host, ifbs),
    () => {
      if (isThere && ingress) removeQueue(host, ifindex);
    },
  );
}

function unshapeUnrecorded(call: DelCall<BandwidthConfig>, host: RouteSocket): void {
  const ifindex = hostEnd(call);
  const ifbs = ifbsOf(call, host, ifindex);
  attemptAll(
    () => {
      if (ifindex !== undefined) stopRedirection(host, ifindex, ifbs, false);
    },
    () => deleteLinks(host, ifbs),
    () => {
      if (ifindex !== undefined && isOurQueue(call, host, ifindex)) removeQueue(host, ifindex);
    },
  );
}

/** One without a mark may be that of another interface of the container: then neither prevResult nor our link leads to it. */
function ifbsOf(
  { attachment, prevResult = {} }: DelCall<unknown>,
  host: RouteSocket,
  hostEnd: number | undefined,
): Link[] {
  const owned = ownedIfbs(host, attachment);
  if (owned.length > 0) return owned;
  const unmarked = unmarkedIfb(host, attachment);
  if (unmarked === undefined) return [];
  const isOurs =
    hostEnd === undefined ||
    hostInterfaces(prevResult).some(({ name }) => name === unmarked.ifname) ||
    redirectionTargets(host, hostEnd).includes(unmarked.ifindex);
  return isOurs ? [unmarked] : [];
}

/** A record that cannot be read tells that there is a queue; without one, what is as the configuration has it is ours. */
function isOurQueue(call: DelCall<BandwidthConfig>, host: RouteSocket, ifindex: number): boolean {
  const { network, containerId, ifname } = call.attachment;
  if (hasRecord(call.attachment, recordName)) return true;
  const isOtherNetworks = recordedNetworks().some(
    (other) => other !== network && hasRecord({ network: other, containerId, ifname }, recordName),
  );
  if (isOtherNetworks) return false;
  const { ingress: limit, scope } = usableLimits(call) ?? {};
  if (limit === undefined || scope === undefined) return false;
  return queueFaults({ host, ifindex, ifname, limit, scope, side: "source" }).length === 0;
}

/** Index of the host's end of the container's pair, if all of it is there. */
function hostEnd({ ifName, openNetnsIfPresent }: DelCall<unknown>): number | undefined {
  using netns = openNetnsIfPresent();
  using container = RouteSocket.dial(netns);
  return vethPeer(container?.linkByName(ifName));
}

function usableLimits({ config, warn }: DelCall<BandwidthConfig>) {
  try {
    return limitsOf(config);
  } catch (error) {
    warn(`goes on without the limits: ${(error as Error).message}`);
    return undefined;
  }
}

/** @param orLost also one whose target is gone, or that was never led anywhere: a DEL or an ADD before was killed */
function stopRedirection(
  host: RouteSocket,
  ifindex: number,
  ifbs: readonly Link[],
  orLost: boolean,
): void {
  if (qdiscAt(host, ifindex, TC_H_INGRESS) === undefined) return;
  const targets = redirectionTargets(host, ifindex);
  const isOurs = (target: number) =>
    ifbs.some((ifb) => ifb.ifindex === target) || (orLost && target === 0);
  if (targets.length === 0 ? orLost : targets.every(isOurs)) {
    deleteQdiscAt(host, ifindex, TC_H_INGRESS);
  }
}

function removeQueue(host: RouteSocket, ifindex: number): void {
  const root = qdiscAt(host, ifindex, TC_H_ROOT);
  if (root?.handle !== rootHandle || !["tbf", "htb"].includes(root.kind ?? "")) return;
  deleteQdiscAt(host, ifindex, TC_H_ROOT);
}

/** Takes away what attachments of this network left that are valid no more, and what is nobody's, going on past failures. */
export function collectGarbage(call: GcCall<BandwidthConfig>): void {
  const { network, validAttachments, isStale } = call;
  if (validAttachments === undefined) return;
  const kept = new Set(validAttachments.map(ownerText));
  const stale = recordedAttachments(network, recordName).filter((each) => isStale(each));
  using host = RouteSocket.open();
  attemptAll(
    ...stale.map((attachment) => () => {
      const record = readShaped(attachment);
      if (record !== undefined) unshapeRecorded(host, attachment, record);
    }),
    () => deleteLinks(host, strayIfbs(host, network, kept)),
    () => deleteLinks(host, abandonedIfbs(host)),
    () => removeStaleRecords(call, recordName),
  );
}

/**
 * ADD of bandwidth.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { newFilter } from "netlink-ts/route/filter.ts";
import { newQdisc } from "netlink-ts/route/qdisc.ts";
import { TC_H_INGRESS, TC_H_ROOT } from "netlink-ts/route/traffic-control.ts";

import type { Attachment } from "../../core/attachment.ts";
import type { CniInterface } from "../../core/cni/result.ts";
import { CniError, cniCode, during } from "../../core/errors.ts";
import { keepRecord } from "../../core/link/record.ts";
import { formatMac } from "../../core/net/address.ts";
import { deleteLinks } from "../../core/net/link-owner.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";
import type { Rollback } from "../../core/rollback.ts";
import type { Limit, Limits } from "./config.ts";
import type { HostLink } from "./host-link.ts";
import { createIfb, ownedIfbs } from "./ifb.ts";
import { queueCalls, queueOf } from "./queue.ts";
import { recordName, type ShapedRecord } from "./record.ts";
import { ingressQdisc, redirectionTo } from "./redirection.ts";
import { deleteQdiscAt, qdiscAt } from "./traffic.ts";

/** What is worked on. */
interface Shaping {
  readonly host: RouteSocket;
  readonly attachment: Attachment;
  readonly link: HostLink;
  readonly limits: Limits;
}

/** Puts the limits on the link; a failing ADD takes them off. @returns the links that were made for it */
export function shape(shaping: Shaping, rollback: Rollback): CniInterface[] {
  const { host, attachment, link, limits } = shaping;
  const { ingress, egress, scope } = limits;
  requireUnshaped(shaping);
  const record: ShapedRecord = {
    ...{ host: link.ifname, ifindex: link.ifindex },
    ...{ ingress: ingress !== undefined, egress: egress !== undefined },
  };
  keepRecord(attachment, recordName, record, rollback);
  if (ingress !== undefined) {
    rollback.defer(() => deleteQdiscAt(host, link.ifindex, TC_H_ROOT));
    const queue = queueOf(ingress, scope, "source");
    during("create qdisc", () => host.batch(...queueCalls(queue, link.ifindex)));
  }
  return egress === undefined ? [] : [leadThroughIfb(shaping, egress, rollback)];
}

function leadThroughIfb(
  { host, attachment, link, limits: { scope } }: Shaping,
  limit: Limit,
  rollback: Rollback,
): CniInterface {
  const { ifindex, mtu } = link;
  rollback.defer(() => deleteLinks(host, ownedIfbs(host, attachment)));
  const ifb = createIfb(host, attachment, { mtu, classful: scope.kind !== "all" });
  rollback.defer(() => deleteQdiscAt(host, ifindex, TC_H_INGRESS));
  during("create ingress qdisc", () => host.batch(call(newQdisc, { ...ingressQdisc, ifindex })));
  const redirection = { ...redirectionTo(ifb.ifindex), ifindex };
  during("add filter", () => host.batch(call(newFilter, redirection)));
  const queue = queueOf(limit, scope, "destination");
  during("create ifb qdisc", () => host.batch(...queueCalls(queue, ifb.ifindex)));
  return { name: ifb.ifname, mac: formatMac(ifb.mac) };
}

/** Refuses what is shaped already, by an ADD before or by somebody else: before anything that a failure would undo. */
function requireUnshaped({ host, attachment, link, limits }: Shaping): void {
  const { ifindex, ifname } = link;
  const places = [
    ...(limits.ingress === undefined ? [] : [["create qdisc", TC_H_ROOT] as const]),
    ...(limits.egress === undefined ? [] : [["create ingress qdisc", TC_H_INGRESS] as const]),
  ];
  for (const [step, parent] of places) {
    const found = qdiscAt(host, ifindex, parent);
    if (found === undefined) continue;
    throw new CniError(
      cniCode.internal,
      `${step}: "${ifname}" has one already, of kind ${found.kind}`,
      {
        details: "it is shaped already; DEL removes what bandwidth has made",
      },
    );
  }
  const [owned] = ownedIfbs(host, attachment);
  if (owned === undefined) return;
  throw new CniError(cniCode.internal, `adding link: "${owned.ifname}" is there already`);
}

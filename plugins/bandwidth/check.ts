/**
 * CHECK of bandwidth.
 * @module
 */

import { IFF_UP } from "netlink-ts/route/link.ts";
import { TC_H_INGRESS } from "netlink-ts/route/traffic-control.ts";

import type { Attachment } from "../../core/attachment.ts";
import { CniError } from "../../core/errors.ts";
import type { Link, RouteSocket } from "../../core/net/route-socket.ts";
import { usableRecord } from "../../core/state/record.ts";
import type { Limit, Limits, Scope } from "./config.ts";
import type { HostLink } from "./host-link.ts";
import { ifbNames, ownedIfbs, unmarkedIfb } from "./ifb.ts";
import { queueFaults } from "./queue-check.ts";
import { readShaped, recordName } from "./record.ts";
import { redirectionTargets } from "./redirection.ts";
import { qdiscAt } from "./traffic.ts";

/** CHECK found something missing or changed. */
const notAsShaped = 100;

/** @throws {CniError} 100 that names what is missing or changed; 999 for a record that cannot be used */
export function checkShaped(
  host: RouteSocket,
  attachment: Attachment,
  link: HostLink,
  { ingress, egress, scope }: Limits,
): void {
  usableRecord(attachment, recordName, readShaped);
  const [first, ...others] = [
    ...(ingress === undefined
      ? []
      : queueFaults({ host, ...link, limit: ingress, scope, side: "source" })),
    ...(egress === undefined ? [] : egressFaults(host, attachment, link, egress, scope)),
  ];
  if (first === undefined) return;
  const details = others.slice(0, 8).join("; ");
  throw new CniError(notAsShaped, first, details === "" ? {} : { details });
}

function egressFaults(
  host: RouteSocket,
  attachment: Attachment,
  link: HostLink,
  limit: Limit,
  scope: Scope,
): string[] {
  const ifb = ownedIfbs(host, attachment)[0] ?? unmarkedIfb(host, attachment);
  const [name] = ifbNames(attachment);
  if (ifb === undefined) return [`get ifb device: Link not found: "${name}" is missing`];
  const { ifindex, ifname = name } = ifb;
  return [
    ...ifbFaults(ifb, link),
    ...redirectionFaults(host, link, ifb),
    ...queueFaults({ host, ifindex, ifname, limit, scope, side: "destination" }),
  ];
}

function ifbFaults({ ifname, flags, mtu }: Link, link: HostLink): string[] {
  return [
    ...((flags & IFF_UP) === 0 ? [`"${ifname}" is down`] : []),
    ...(mtu !== undefined && mtu < link.mtu
      ? [`"${ifname}" has an MTU of ${mtu}, "${link.ifname}" one of ${link.mtu}`]
      : []),
  ];
}

function redirectionFaults(host: RouteSocket, link: HostLink, ifb: Link): string[] {
  const { ifindex, ifname } = link;
  if (qdiscAt(host, ifindex, TC_H_INGRESS) === undefined) {
    return [`Failed to find qdisc: "${ifname}" has no ingress`];
  }
  const targets = redirectionTargets(host, ifindex);
  if (targets[0] === ifb.ifindex) return [];
  return [`Failed to find filter: "${ifname}" does not lead to "${ifb.ifname}"`];
}

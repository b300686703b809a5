/**
 * `hostAccess`: the host reaches the container, and the container the host.
 *
 * The host has a route to each address of the container by a link of its own. The route's metric says whose it is, so that DEL
 * and GC need no record. IPv4 finds the host's link by ARP, which answers to whom the host has a route by it; IPv6 has no such
 * filter, so the container is told where the host's addresses are.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import { AF_INET, AF_INET6, familyOf } from "netlink-ts/route/family.ts";
import { NUD_PERMANENT, replaceNeighbour } from "netlink-ts/route/neighbour.ts";
import {
  deleteRoute,
  type RouteInput,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  RTPROT_BOOT,
  replaceRoute,
} from "netlink-ts/route/route.ts";

import type { Attachment } from "../../core/attachment.ts";
import type { IpamResult } from "../../core/cni/result.ts";
import { CniError, cniCode, during, isErrno } from "../../core/errors.ts";
import type { Master } from "../../core/link/master.ts";
import type { Scene } from "../../core/link/scene.ts";
import {
  compareIp,
  contains,
  formatIp,
  isIpv4,
  type Prefix,
  parseCidr,
} from "../../core/net/address.ts";
import { attachmentHash } from "../../core/net/link-owner.ts";
import { type Link, type Route, RouteSocket } from "../../core/net/route-socket.ts";
import type { Rollback } from "../../core/rollback.ts";
import { withSharedLock } from "../../core/state/shared-lock.ts";
import { ensureHostLink, type HostLink, hostLinksOf } from "./host-link.ts";

/** Metrics from here to twice as much are marks. */
const FIRST_MARK = 0x4000_0000;
const families = [AF_INET, AF_INET6];

/** The metric of the attachment's routes. */
function markOf(attachment: Attachment): number {
  return FIRST_MARK | (attachmentHash(attachment) & (FIRST_MARK - 1));
}

/** Gives the host its link and its routes, and the container what it needs to find the host; a failing ADD takes it away. */
export function grantHostAccess(
  { host, container }: Scene,
  attachment: Attachment,
  master: Master,
  answer: IpamResult | undefined,
  rollback: Rollback,
): void {
  const pods = (answer?.ips ?? []).map(({ address }) => parseCidr(address).address);
  const own = hostAddresses(host, master);
  rollback.defer(() => withdrawHostAccess(attachment)); // before: the link may be all that is made
  const link = withSharedLock(() => {
    const link = ensureHostLink(host, attachment.network, master);
    for (const pod of pods) {
      const input = routeTo(pod, link.ifindex, attachment, sourceFor(pod, own));
      during(`add route ${formatIp(pod)} dev ${link.ifname}`, () =>
        host.batch(call(replaceRoute, input)),
      );
    }
    return link;
  });
  introduce(container, attachment.ifname, link, own);
}

/** The host's addresses on the master that are of use to others. */
function hostAddresses(host: RouteSocket, { ifindex }: Master): Prefix[] {
  return host.addresses(ifindex).flatMap(({ scope, local, address, prefixLength: length }) => {
    const own = local ?? address;
    return own === undefined || scope !== RT_SCOPE_UNIVERSE ? [] : [{ address: own, length }];
  });
}

/** The host's address in the container's subnet, so that the answer comes to it; any of the family before none. */
function sourceFor(pod: Uint8Array, own: readonly Prefix[]): Uint8Array | undefined {
  const ofFamily = own.filter(({ address }) => address.length === pod.length);
  const near = ofFamily.find((prefix) => contains(prefix, pod));
  return (near ?? ofFamily[0])?.address;
}

function routeTo(
  pod: Uint8Array,
  oif: number,
  attachment: Attachment,
  prefSrc: Uint8Array | undefined,
): RouteInput {
  return {
    family: familyOf(pod),
    dstLength: 8 * pod.length,
    headerTable: RT_TABLE_MAIN,
    protocol: RTPROT_BOOT,
    scope: isIpv4(pod) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
    type: RTN_UNICAST,
    dst: pod,
    priority: markOf(attachment),
    prefSrc,
    oif,
  };
}

function introduce(
  container: RouteSocket,
  ifname: string,
  { mac }: HostLink,
  own: readonly Prefix[],
): void {
  const ifindex = container.ifindexOf(ifname);
  const known = own.filter(({ address }) => !isIpv4(address));
  if (ifindex === undefined || known.length === 0) return;
  const state = NUD_PERMANENT;
  const calls = known.map(({ address: dst }) =>
    call(replaceNeighbour, { family: AF_INET6, ifindex, state, dst, lladdr: mac }),
  );
  during("tell the container where the host is", () => container.batch(...calls));
}

/** Takes the attachment's routes away, and the links of the network that no container has a route by any more. */
export function withdrawHostAccess(attachment: Attachment): void {
  const own = markOf(attachment);
  withdraw(attachment.network, (mark) => mark === own);
}

/** The same for all attachments of a network but those that are valid. */
export function collectHostAccess(network: string, valid: readonly Attachment[]): void {
  const kept = new Set(valid.filter((each) => each.network === network).map(markOf));
  withdraw(network, (mark) => !kept.has(mark));
}

function withdraw(network: string, isGone: (mark: number) => boolean): void {
  using host = RouteSocket.open();
  if (hostLinksOf(host, network).length === 0) return;
  withSharedLock(() => {
    for (const link of hostLinksOf(host, network)) withdrawFrom(host, link, isGone);
  });
}

function withdrawFrom(host: RouteSocket, link: Link, isGone: (mark: number) => boolean): void {
  const routes = markedRoutes(host, link);
  const gone = routes.filter(({ priority = 0 }) => isGone(priority));
  if (gone.length === routes.length)
    host.deleteLinkIfPresent(link.ifindex); // and its routes with it
  else for (const route of gone) deleteIfPresent(host, link, route);
}

function markedRoutes(host: RouteSocket, { ifindex }: Pick<Link, "ifindex">): Route[] {
  const all = families.flatMap((family) => host.routesBy(ifindex, family));
  return all.filter(({ oif, priority = 0 }) => {
    return oif === ifindex && priority >= FIRST_MARK && priority < 2 * FIRST_MARK;
  });
}

function deleteIfPresent(host: RouteSocket, { ifindex: oif }: Link, route: Route): void {
  const { family, dst, dstLength, priority } = route;
  const which = { family, dst, dstLength, priority, oif, scope: RT_SCOPE_NOWHERE };
  try {
    host.batch(call(deleteRoute, { ...which, headerTable: RT_TABLE_MAIN }));
  } catch (error) {
    if (!isErrno(error, "ESRCH")) throw error;
  }
}

/** For CHECK. @throws {CniError} that names the first address of the container to which the host has no way by its link */
export function checkHostAccess(
  host: RouteSocket,
  attachment: Attachment,
  addresses: readonly string[],
): void {
  const mark = markOf(attachment);
  const links = hostLinksOf(host, attachment.network);
  const routes = links.flatMap((link) => markedRoutes(host, link));
  for (const { address } of addresses.map(parseCidr)) {
    const isThere = routes.some(
      ({ dst, priority }) => priority === mark && dst && compareIp(dst, address) === 0,
    );
    if (isThere) continue;
    const message = `the host has no route to ${formatIp(address)} by a link of network "${attachment.network}"`;
    throw new CniError(cniCode.internal, message);
  }
}

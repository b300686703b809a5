/**
 * ADD of vrf, and its way back: DEL, GC and what undoes a failing ADD.
 * @module
 */

import { call } from "netlink-ts/netlink/request.ts";
import {
  appendRoute,
  type RouteInput,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
} from "netlink-ts/route/route.ts";

import type { Attachment } from "../../core/attachment.ts";
import type { AddCall, DelCall, GcCall } from "../../core/cni/plugin.ts";
import { CniError, cniCode, during } from "../../core/errors.ts";
import { keepRecord } from "../../core/link/record.ts";
import { collectRecorded } from "../../core/net/collect-recorded.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { runSteps } from "../../core/net/steps.ts";
import {
  encodeRoute,
  inTable,
  missingRoutes,
  nearFirst,
  putBack,
  routeText,
  wholeRoutes,
} from "../../core/net/whole-route.ts";
import { Rollback } from "../../core/rollback.ts";
import { isRecordedElsewhere, removeRecord } from "../../core/state/record.ts";
import {
  addressKey,
  type Belongings,
  belongingsOf,
  giveAddresses,
  withRecorded,
} from "./belongings.ts";
import { tableOf, type VrfConfig, vrfNameOf } from "./config.ts";
import { type AnyLink, allLinks, createVrf, deleteIfEmpty, findVrf, freeTable } from "./device.ts";
import { readAttached, recordName, type VrfRecord } from "./record.ts";

type Warn = (text: string) => void;

/** A namespace and a socket of it. */
interface Inside {
  readonly netns: Netns;
  readonly route: RouteSocket;
}

/**
 * Puts the link into the VRF, which is made when it is missing, with all that it has. The namespace is locked: of two that come at
 * once one makes the VRF, and the other finds it.
 */
export function attach(ask: AddCall<VrfConfig>, netns: Netns): void {
  const { attachment, config, netnsPath, ifName, warn } = ask;
  const vrf = vrfNameOf(config);
  using route = RouteSocket.dial(netns);
  using rollback = new Rollback();
  netns.locked(() => {
    const links = allLinks(route);
    const port = requirePort(links, ifName);
    const { table, isMade } = plannedVrf(links, vrf, tableOf(config));
    const before = belongingsOf(route, port.ifindex, RT_TABLE_MAIN);
    const { ifindex } = port;
    const place = { path: netnsPath, netns: netns.identity(), ifindex };
    const record = { ...place, vrf, table, ...told(before, table) };
    keepRecord(attachment, recordName, record, rollback);
    rollback.defer(() => undo({ netns, route }, { port, vrf, isMade, before }, warn));
    if (isMade) createVrf(route, vrf, table);
    enter({ netns, route }, { port, vrf, table, before });
  });
  rollback.commit();
}

/** The container's link. @throws {CniError} when there is none, or it belongs to somebody */
function requirePort(links: readonly AnyLink[], ifName: string): AnyLink {
  const port = links.find(({ ifname }) => ifname === ifName);
  if (port === undefined) {
    throw new CniError(cniCode.internal, `could not get link by name ${ifName}`);
  }
  if (port.master === 0) return port;
  const master = links.find(({ ifindex }) => ifindex === port.master)?.ifname ?? port.master;
  const message = `interface ${ifName} has already a master set: ${master}`;
  throw new CniError(cniCode.internal, message);
}

function plannedVrf(
  links: readonly AnyLink[],
  name: string,
  wanted: number | undefined,
): { table: number; isMade: boolean } {
  const there = findVrf(links, name);
  if (there === undefined) return { table: wanted ?? freeTable(links), isMade: true };
  requireTable(there.table, name, wanted);
  return { table: there.table, isMade: false };
}

/** @throws {CniError} when the VRF has another table than the one that is wanted */
export function requireTable(found: number, name: string, wanted: number | undefined): void {
  if (wanted === undefined || found === wanted) return;
  const message = `VRF ${name} already exist with different routing table ${found}`;
  throw new CniError(cniCode.internal, message, { details: `want table ${wanted}` });
}

function told({ addresses, routes }: Belongings, table: number) {
  return {
    addresses: addresses.map(addressKey),
    routes: routes.map((each) => encodeRoute(inTable(each, table))),
  };
}

/** What is done, and what was there before. */
interface Move {
  readonly port: AnyLink;
  /** Name of the VRF. */
  readonly vrf: string;
  readonly before: Belongings;
}

function enter(inside: Inside, { port, vrf, table, before }: Move & { table: number }): void {
  const { route } = inside;
  const { ifindex, ifname } = port;
  during(`could not set vrf ${vrf} as master of ${ifname}`, () => {
    route.setLink({ ifindex, master: route.ifindexOf(vrf) ?? 0 });
  });
  const left = giveAddresses(inside, { ifindex, table }, before.addresses);
  if (left.length > 0) {
    const dst = left.map(addressKey).join(", ");
    const message = `failed getting local/host addresses for ${ifname} in table ${table} with dst ${dst}`;
    throw new CniError(cniCode.tryAgain, message);
  }
  giveRoutes(
    route,
    ifindex,
    before.routes.map((each) => inTable(each, table)),
  );
}

/**
 * What the kernel has not made again by itself. Beside what is there: to replace would take other ports' routes to the same
 * destination, such as link-local ones.
 */
function giveRoutes(route: RouteSocket, ifindex: number, routes: readonly RouteInput[]): void {
  const missing = missingRoutes(routes, wholeRoutes(route, ifindex), ifindex);
  runSteps(
    route,
    nearFirst(missing).map((each) => ({
      phrase: `could not add route '${routeText(each)}'`,
      call: call(appendRoute, each),
    })),
  );
}

function undo(
  inside: Inside,
  { port, vrf, isMade, before }: Move & { isMade: boolean },
  warn: Warn,
) {
  const links = allLinks(inside.route);
  const made = findVrf(links, vrf);
  if (made === undefined) return;
  const own = links.find(({ ifindex }) => ifindex === port.ifindex);
  const others = links.filter((each) => each !== own);
  if (own?.master === made.ifindex) takeOut(inside, own, before, warn);
  if (isMade) deleteIfEmpty(inside.route, made, others);
}

/** Out of its VRF, and back into the main table, as far as the kernel takes it. */
function takeOut(inside: Inside, { ifindex }: AnyLink, before: Belongings, warn: Warn): void {
  const { route } = inside;
  route.setLink({ ifindex, master: 0 });
  for (const each of giveAddresses(inside, { ifindex, table: RT_TABLE_LOCAL }, before.addresses)) {
    warn(`address ${addressKey(each)} is not usable yet`);
  }
  const routes = before.routes.map((each) => inTable(each, RT_TABLE_MAIN));
  putBack(
    route,
    routes.map((each) => ({ route: each, behind: true })),
    warn,
  );
}

/** DEL: by the record of the attachment or, without one, by the configuration. */
export function detach(ask: DelCall<VrfConfig>): void {
  const { attachment, config, warn } = ask;
  using netns = ask.openNetnsIfPresent();
  if (netns !== undefined) {
    netns.locked(() => {
      const record = readAttached(attachment);
      // another namespace may have come to lie where the attachment's was
      if (record !== undefined && record.netns !== netns.identity()) return;
      if (record === undefined && isRecordedElsewhere(attachment, recordName)) return;
      const vrf = record?.vrf ?? config.vrfname ?? "";
      if (vrf !== "") leave(netns, { vrf, ...attachment, record }, warn);
    });
  }
  removeRecord(attachment, recordName); // last: until here another DEL finds all of it
}

/** GC: the same for stale attachments of the network. */
export function collect(ask: GcCall<VrfConfig>): void {
  collectRecorded(ask, recordName, readAttached, (record, attachment, netns) => {
    leave(netns, { vrf: record.vrf, ...attachment, record }, ask.warn);
  });
}

/** What leaves which VRF, and how it came there, if that is known. */
type Leaving = Attachment & { readonly vrf: string; readonly record: VrfRecord | undefined };

/**
 * The link leaves the VRF, if it is in it; who is last deletes the VRF. A link or a VRF that is gone is no error. One that is out of it
 * already, because a DEL was killed, gets back what is recorded of it.
 */
function leave(netns: Netns, { vrf: name, ifname, record }: Leaving, warn: Warn): void {
  using route = RouteSocket.dial(netns);
  const links = allLinks(route);
  const vrf = links.find((each) => each.ifname === name && each.table !== undefined);
  const isOut = ({ master, ifindex }: AnyLink) => master === 0 && ifindex === record?.ifindex;
  const port = links.find(
    (each) => each.ifname === ifname && (each.master === vrf?.ifindex || isOut(each)),
  );
  if (port !== undefined) {
    const { ifindex } = port;
    const table = vrf?.table ?? RT_TABLE_MAIN;
    const found = belongingsOf(route, ifindex, port.master === 0 ? RT_TABLE_MAIN : table);
    const all = record?.ifindex === ifindex ? withRecorded(found, record, ifindex) : found;
    takeOut({ netns, route }, port, all, warn);
  }
  const others = links.filter((each) => each !== port);
  if (vrf !== undefined) deleteIfEmpty(route, vrf, others);
}

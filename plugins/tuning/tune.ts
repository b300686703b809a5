/**
 * ADD of tuning: everything that is asked for, or nothing.
 * @module
 */

import type { AddCall } from "../../core/cni/plugin.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { formatMac } from "../../core/net/address.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { Rollback } from "../../core/rollback.ts";
import { dataDirOf, type LinkSettings, type TuningConfig, type Wanted } from "./config.ts";
import { changeLink, differing, findLink, namesOf, pickSettings, type TunedLink } from "./link.ts";
import { forgetTuned, readTuned, recordTuned, type TuningRecord } from "./record.ts";
import { readSaved, removeSaved, savedPath, writeSaved } from "./saved.ts";
import { currentValue, type SetSysctl, type Sysctl, sameValue, setSysctl } from "./sysctls.ts";

type Call = Pick<
  AddCall<TuningConfig>,
  "attachment" | "config" | "ifName" | "netnsPath" | "prevResult" | "warn"
>;

/** The container's link. @throws {CniError} when there is none */
export function requireLink(
  route: RouteSocket,
  { ifName, netnsPath }: Pick<Call, "ifName" | "netnsPath">,
): TunedLink {
  const link = findLink(route, ifName);
  if (link !== undefined) return link;
  const message = `Cannot find container link ${JSON.stringify(ifName)} in "${netnsPath}"`;
  throw new CniError(cniCode.internal, message);
}

/** Sets what is wanted, and keeps what was. A second ADD without a DEL between keeps what was before the first. */
export function tune(call: Call, wanted: Wanted, netns: Netns): void {
  using route = namesOf(wanted.link).length > 0 ? RouteSocket.dial(netns) : undefined;
  using rollback = new Rollback();
  const link = route && requireLink(route, call);
  const current = netns.run(() => wanted.sysctls.map(currentValue));
  const record = keep(call, netns.identity(), { wanted, link, current }, rollback);
  const asRecorded = JSON.stringify(record);
  for (const [index, { name }] of wanted.sysctls.entries()) {
    const set = record.sysctls.find((each) => each.name === name)!;
    setInside(netns, set, current[index], rollback);
  }
  if (route && link) changeLink(route, link, wanted.link, rollback);
  if (JSON.stringify(record) !== asRecorded) recordTuned(call.attachment, record);
  rollback.commit();
}

/** Undos run when everything else is over: each enters the namespace again. */
function setInside(
  netns: Netns,
  set: SetSysctl,
  current: string | undefined,
  rollback: Rollback,
): void {
  const undos = new Rollback();
  rollback.defer(() => netns.run(() => undos[Symbol.dispose]()));
  netns.run(() => setSysctl(set, current, undos));
}

/** What is wanted, and what is there. */
interface Situation {
  readonly wanted: Wanted;
  /** Undefined when nothing is wanted of the link. */
  readonly link: TunedLink | undefined;
  /** The values that the wanted sysctls have, in their order. */
  readonly current: readonly (string | undefined)[];
}

/**
 * Record and file, written before anything is changed; neither when nothing will be, as at podman's reload, which gives the MAC
 * address that is there. @returns the record
 */
function keep(call: Call, netns: string, situation: Situation, rollback: Rollback): TuningRecord {
  const { attachment, netnsPath } = call;
  const { wanted, current } = situation;
  const found = readTuned(attachment);
  const earlier = found?.netns === netns ? found : undefined;
  const link = linkToKeep(situation, earlier);
  const kept = link && keptOf(call, link, wanted.link, earlier);
  const { ifindex, file, saved } = kept ?? earlier ?? {};
  const sysctls = mergedSysctls(wanted.sysctls, current, earlier?.sysctls ?? []);
  const record: TuningRecord = { path: netnsPath, netns, ifindex, file, saved, sysctls };
  if (found === undefined && link === undefined && sysctls.length === 0) return record;
  rollback.defer(() => {
    if (found === undefined) forgetTuned(attachment);
    else recordTuned(attachment, found);
  });
  recordTuned(attachment, record);
  if (kept !== undefined) keepSaved(kept, rollback);
  return record;
}

/** The link, if any of its settings will change or have been changed. */
function linkToKeep(
  { link, wanted }: Situation,
  earlier: TuningRecord | undefined,
): TunedLink | undefined {
  if (link === undefined || earlier?.file !== undefined) return link;
  return differing(link, wanted.link).length > 0 ? link : undefined;
}

/** What is kept of a link. */
interface Kept {
  readonly ifindex: number;
  readonly file: string;
  readonly saved: LinkSettings;
  /** What an ADD before has saved there; undefined without one. */
  readonly before: LinkSettings | undefined;
}

/** What goes back to the link at DEL: of each setting that is wanted, the value before the first ADD. */
function keptOf(
  { attachment, config, warn }: Call,
  link: TunedLink,
  wanted: LinkSettings,
  earlier: TuningRecord | undefined,
): Kept {
  const { ifindex } = link;
  const file = savedPath(dataDirOf(config), attachment);
  const isAgain = earlier?.ifindex === ifindex && earlier.file === file;
  const before = isAgain ? readSaved(file, earlier.saved, warn) : undefined;
  return { ifindex, file, saved: { ...pickSettings(link, wanted), ...before }, before };
}

function keepSaved({ file, saved, before }: Kept, rollback: Rollback): void {
  rollback.defer(() => {
    if (before === undefined) removeSaved(file);
    else writeSaved(file, before);
  });
  writeSaved(file, saved);
}

function mergedSysctls(
  wanted: readonly Sysctl[],
  current: readonly (string | undefined)[],
  earlier: readonly SetSysctl[],
): SetSysctl[] {
  const now = wanted.map(({ name, value }, index) => {
    const old = earlier.find((each) => each.name === name);
    const untouched = old !== undefined && sameValue(old.made ?? old.value, current[index]);
    return { name, value, before: untouched ? old.before : current[index] };
  });
  return [...now, ...earlier.filter((old) => !now.some(({ name }) => name === old.name))];
}

/** prevResult with the MAC address and the MTU that were given to the container's interface. */
export function changedResult(
  { prevResult = {}, ifName }: Call,
  { mac, mtu }: LinkSettings,
): CniResult {
  const { interfaces } = prevResult;
  if (interfaces === undefined || (mac === undefined && mtu === undefined)) return prevResult;
  const own = interfaces.filter(({ name }) => name === ifName);
  const inside = own.filter(({ sandbox }) => sandbox !== undefined && sandbox !== "");
  const changed = inside.length > 0 ? inside : own; // a result may leave the sandbox out
  return {
    ...prevResult,
    interfaces: interfaces.map((each) =>
      changed.includes(each)
        ? { ...each, ...(mac && { mac: formatMac(mac) }), ...(mtu !== undefined && { mtu }) }
        : each,
    ),
  };
}

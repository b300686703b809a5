/**
 * Addresses that somebody asks for by name, and the range sets they are taken from.
 * @module
 */

import type { CniArgs } from "../../core/cni/cni-args.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { formatIp } from "../../core/net/address.ts";
import { type HostLocalConfig, parseRequestedIp } from "./config.ts";
import { type RangeSet, rangeOf } from "./range.ts";

/** One requested address; of two that compete for one range set, that of the earlier source wins. */
export interface RequestedIp {
  ip: Uint8Array;
  /** Where it is written: `args.cni.ips`. */
  source: string;
}

/**
 * All requested addresses: `runtimeConfig.ips`, `args.cni.ips` and CNI_ARGS `IP`, in this order of precedence. An
 * address named by two sources is one request.
 * @throws {CniError} 4 for a bad CNI_ARGS value
 */
export function requestedIps(config: HostLocalConfig, args: CniArgs): RequestedIp[] {
  const all = [
    ...from("runtimeConfig.ips", config.runtimeConfig?.ips),
    ...from("args.cni.ips", config.args?.cni?.ips),
    ...from("CNI_ARGS IP", argumentIp(args["IP"])),
  ];
  const texts = all.map(({ ip }) => formatIp(ip));
  return all.filter((_, index) => texts.indexOf(texts[index] ?? "") === index);
}

function from(source: string, ips: readonly Uint8Array[] = []): RequestedIp[] {
  return ips.map((ip) => ({ ip, source }));
}

function argumentIp(text: string | undefined): Uint8Array[] {
  if (text === undefined || text === "") return [];
  try {
    return [parseRequestedIp(text)];
  } catch (cause) {
    const pair = JSON.stringify(`IP=${text}`);
    const message = `ARGS: error parsing value of pair ${pair}: invalid IP address ${text}`;
    throw new CniError(cniCode.badEnvironment, message, { cause });
  }
}

/**
 * Gives each set, in order, the first request that lies in it and is still open.
 * @returns one entry a set, undefined where nothing is asked for
 * @throws {CniError} 7 when requests are left over, other than those that gave way to a stronger source
 */
export function assignRequests(
  sets: readonly RangeSet[],
  requests: readonly RequestedIp[],
  warn: (text: string) => void,
): (RequestedIp | undefined)[] {
  const open = [...requests];
  const assigned = sets.map((set) => {
    const index = open.findIndex(({ ip }) => rangeOf(set, ip) !== undefined);
    return index < 0 ? undefined : open.splice(index, 1)[0];
  });
  const failed = open.filter((request) => {
    const winner = strongerIn(sets, assigned, request);
    if (winner !== undefined) warn(givesWay(request, winner));
    return winner === undefined;
  });
  if (failed.length === 0) return assigned;
  const list = failed.map(({ ip }) => formatIp(ip)).join(" ");
  throw new CniError(cniCode.badConfig, `failed to allocate all requested IPs: ${list}`, {
    details: `each needs a range set of its own that holds it; asked for by ${sourcesOf(failed)}`,
  });
}

function strongerIn(
  sets: readonly RangeSet[],
  assigned: readonly (RequestedIp | undefined)[],
  { ip, source }: RequestedIp,
): RequestedIp | undefined {
  return assigned.find((winner, index) => {
    const set = sets[index];
    return set && winner && winner.source !== source && rangeOf(set, ip) !== undefined;
  });
}

function givesWay(request: RequestedIp, winner: RequestedIp): string {
  return `"${request.source}" ${formatIp(request.ip)} gives way to "${winner.source}" ${formatIp(winner.ip)}`;
}

function sourcesOf(requests: readonly RequestedIp[]): string {
  return [...new Set(requests.map(({ source }) => `"${source}"`))].join(", ");
}

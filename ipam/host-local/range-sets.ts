/**
 * The range sets of a configuration, from all the places that may name some.
 * @module
 */

import type { SpecVersion } from "../../core/cni/versions.ts";
import { isAtLeast } from "../../core/cni/versions.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { isIpv4 } from "../../core/net/address.ts";
import type { HostLocalConfig, RangeConfig } from "./config.ts";
import { completeRangeSet, pairs, type RangeSet, setsOverlap } from "./range.ts";

interface NamedSet {
  /** Where it is written: `ipam.ranges[0]`. */
  key: string;
  ranges: readonly RangeConfig[];
}

/**
 * The checked sets in upstream's order: `runtimeConfig.ipRanges`, the range written directly in `ipam`, `ipam.ranges`.
 * @throws {CniError} 7 with upstream's message; `details` names the key
 */
export function rangeSets(config: HostLocalConfig, version: SpecVersion): RangeSet[] {
  const named = namedSets(config);
  if (named.length === 0) {
    throw new CniError(cniCode.badConfig, "no IP ranges specified", {
      details: 'want "ipam.ranges", "ipam.subnet" or "runtimeConfig.ipRanges"',
    });
  }
  const sets = named.map(({ key, ranges }, index) => completed(ranges, index, key));
  checkFamilies(sets, version);
  checkOverlaps(sets, named);
  return sets;
}

function namedSets({ ipam, runtimeConfig }: HostLocalConfig): NamedSet[] {
  if (ipam === undefined) throw new CniError(cniCode.badConfig, "IPAM config missing 'ipam' key");
  const { subnet, rangeStart, rangeEnd, gateway } = ipam;
  const direct = subnet && [{ subnet, rangeStart, rangeEnd, gateway }];
  return [
    ...(runtimeConfig?.ipRanges ?? []).map(named("runtimeConfig.ipRanges")),
    ...(direct === undefined ? [] : [{ key: "ipam.subnet", ranges: direct }]),
    ...(ipam.ranges ?? []).map(named("ipam.ranges")),
  ];
}

function named(key: string): (ranges: RangeConfig[], index: number) => NamedSet {
  return (ranges, index) => ({ key: `${key}[${index}]`, ranges });
}

function completed(ranges: readonly RangeConfig[], index: number, key: string): RangeSet {
  try {
    return completeRangeSet(ranges);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CniError(cniCode.badConfig, `invalid range set ${index}: ${why}`, {
      details: `range set ${index} is "${key}"`,
    });
  }
}

/** Results of 0.1.0 and 0.2.0 have room for one address a family. */
function checkFamilies(sets: readonly RangeSet[], version: SpecVersion): void {
  const ipv4 = sets.filter(([range]) => range !== undefined && isIpv4(range.start)).length;
  if (isAtLeast(version, "0.3.0") || (ipv4 <= 1 && sets.length - ipv4 <= 1)) return;
  throw new CniError(
    cniCode.badConfig,
    `CNI version ${version} does not support more than 1 address per family`,
  );
}

function checkOverlaps(sets: readonly RangeSet[], names: readonly NamedSet[]): void {
  for (const [[i, a], [j, b]] of pairs([...sets.entries()])) {
    if (!setsOverlap(a, b)) continue;
    throw new CniError(cniCode.badConfig, `range set ${i} overlaps with ${j}`, {
      details: `they are "${names[i]?.key}" and "${names[j]?.key}"`,
    });
  }
}

/**
 * Kernel parameters of the container: their names in a configuration, and writing them.
 * @module
 */

import { CniError, cniCode, isErrno } from "../../core/errors.ts";
import { readSysctl, readSysctlIfPresent, sysctlPath, writeSysctl } from "../../core/net/sysctl.ts";
import type { Rollback } from "../../core/rollback.ts";

/** A parameter that is to have a value. */
export interface Sysctl {
  /** As in the configuration. */
  readonly key: string;
  /** `net/ipv4/conf/eth0/forwarding`. */
  readonly name: string;
  readonly value: string;
}

/** One that has been set. */
export interface SetSysctl {
  name: string;
  /** As in the configuration. */
  value: string;
  /** What it had before; absent for one that cannot be read. */
  before?: string | undefined;
  /** What the kernel made of `value`, where that is something else. */
  made?: string | undefined;
}

/**
 * The parameters that maps of a configuration name, each once; a later map goes before an earlier one.
 * @throws {CniError} 7 for a name that is none below `net`, or two in one map for one parameter
 */
export function resolveSysctls(
  maps: Readonly<Record<string, Readonly<Record<string, string>>>>,
  ifName: string,
): Sysctl[] {
  const found = new Map<string, Sysctl>();
  for (const [source, map] of Object.entries(maps)) {
    const own = new Map<string, Sysctl>();
    for (const [key, value] of Object.entries(map)) {
      const name = resolveName(key, ifName);
      const other = own.get(name);
      if (other !== undefined) throw sameParameter(source, other.key, key);
      own.set(name, { key, name, value });
    }
    for (const [name, sysctl] of own) found.set(name, sysctl);
  }
  return [...found.values()];
}

function sameParameter(source: string, one: string, other: string): CniError {
  return new CniError(cniCode.badConfig, "duplicated sysctl keys are not allowed", {
    details: `${JSON.stringify(one)} and ${JSON.stringify(other)} in "${source}" are one parameter`,
  });
}

/** The first separator decides, as in sysctl(8). IFNAME comes last, so that dots in the link's name stay. */
function resolveName(key: string, ifName: string): string {
  const dots = /[./]/.exec(key)?.[0] === ".";
  const path = dots ? key.replace(/[./]/g, (each) => (each === "." ? "/" : ".")) : key;
  const name = path.replace("IFNAME", () => ifName);
  try {
    if (name.startsWith("net/") && sysctlPath(name) === `/proc/sys/${name}`) return name;
  } catch {
    // the same words for every name that cannot be
  }
  throw new CniError(cniCode.badConfig, `invalid net sysctl key: ${JSON.stringify(path)}`, {
    details: `"sysctl" wants names below "net", as "net.ipv4.conf.IFNAME.forwarding", got ${JSON.stringify(key)}`,
  });
}

/** True for values that the kernel shows alike: it separates numbers by tabs. */
export function sameValue(one: string | undefined, other: string | undefined): boolean {
  return plain(one) === plain(other);
}

function plain(value: string | undefined): string | undefined {
  return value?.trim().replace(/\s+/g, " ");
}

/**
 * The value; undefined for a parameter that can only be written, as `net/ipv4/route/flush`.
 * @throws {CniError} 7 when there is no such parameter
 */
export function currentValue({ name, key }: Pick<Sysctl, "name" | "key">): string | undefined {
  try {
    return readSysctl(name);
  } catch (cause) {
    if (isErrno(cause, "EACCES", "EPERM")) return undefined;
    if (!isErrno(cause, "ENOENT", "ENOTDIR", "EISDIR")) throw cause;
    const text = `"sysctl" names no kernel parameter of the container: ${JSON.stringify(key)}`;
    throw new CniError(cniCode.badConfig, text, { cause });
  }
}

/** Writes a value, and notes what the kernel made of it. */
export function setSysctl(set: SetSysctl, current: string | undefined, rollback: Rollback): void {
  const { name, value } = set;
  if (current !== undefined) rollback.defer(() => writeIfOther(name, current));
  writeSysctl(name, value);
  if (current === undefined) return;
  const made = readSysctl(name);
  if (!sameValue(made, value)) set.made = made;
}

function writeIfOther(name: string, value: string): void {
  if (readSysctlIfPresent(name) !== value) writeSysctl(name, value);
}

/** Gives a parameter its earlier value back, unless it is gone or somebody has given it another since. */
export function restoreSysctl({ name, value, made, before }: SetSysctl): void {
  if (before === undefined || sameValue(before, made ?? value)) return;
  if (sameValue(readSysctlIfPresent(name), made ?? value)) writeSysctl(name, before);
}

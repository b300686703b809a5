/**
 * Results written in every released spec version, with upstream's order of keys.
 * @see SPEC.md "Section 5: Result Types" of each version
 * @module
 */

import { CniError, cniCode } from "../errors.ts";
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute } from "./result.ts";
import { isAtLeast, type SpecVersion } from "./versions.ts";

/**
 * The result as JSON text, indented by four, without a newline at the end.
 * @throws {CniError} 7 when `version` cannot express it: before 0.3.0 there is one address of each family, and at least one
 */
export function formatResult(result: CniResult, version: SpecVersion): string {
  return JSON.stringify(resultDocument(result, version), null, 4);
}

/** The same as a value. */
export function resultDocument(result: CniResult, version: SpecVersion): object {
  if (isAtLeast(version, "1.0.0")) return currentDocument(result, version);
  return isAtLeast(version, "0.3.0")
    ? versionedDocument(result, version)
    : familyDocument(result, version);
}

/** @throws {CniError} 7 when `version` allows one address of each family and there are more */
export function requireExpressible(ips: readonly CniIp[], version: SpecVersion): void {
  if (isAtLeast(version, "0.3.0")) return;
  for (const family of [4, 6] as const) {
    if (ips.filter(({ address }) => familyOf(address) === family).length <= 1) continue;
    const text = `CNI version ${version} does not support more than 1 address per family`;
    throw new CniError(cniCode.badConfig, text);
  }
}

/** 1.0.0 and later: keys in alphabetical order, what is empty is left out. */
function currentDocument(
  { interfaces, ips, routes, dns }: CniResult,
  version: SpecVersion,
): object {
  return {
    cniVersion: version,
    ...(hasDns(dns) ? { dns: sortedDns(dns) } : {}),
    ...(interfaces?.length ? { interfaces: interfaces.map(currentInterface) } : {}),
    ...(ips?.length ? { ips: ips.map(currentIp) } : {}),
    ...(routes?.length ? { routes: routes.map(currentRoute) } : {}),
  };
}

/** 0.3.0 to 0.4.0: `version` in each address, `dns` always. */
function versionedDocument(
  { interfaces, ips, routes, dns }: CniResult,
  version: SpecVersion,
): object {
  return {
    cniVersion: version,
    ...(interfaces?.length ? { interfaces: interfaces.map(plainInterface) } : {}),
    ...(ips?.length ? { ips: ips.map(versionedIp) } : {}),
    ...(routes?.length ? { routes: routes.map(plainRoute) } : {}),
    dns: plainDns(dns),
  };
}

/** 0.1.0 and 0.2.0: a route of a family that has no address is lost, as upstream loses it. */
function familyDocument({ ips = [], routes = [], dns }: CniResult, version: SpecVersion): object {
  requireExpressible(ips, version);
  if (ips.length === 0) {
    const text = `CNI version ${version} cannot express a result without addresses`;
    throw new CniError(cniCode.badConfig, text, {
      details: "cannot convert: no valid IP addresses",
    });
  }
  const part = (family: 4 | 6) => {
    const ip = ips.find(({ address }) => familyOf(address) === family);
    if (ip === undefined) return undefined;
    const own = routes.filter(({ dst }) => familyOf(dst) === family);
    return {
      ip: ip.address,
      ...(ip.gateway === undefined ? {} : { gateway: ip.gateway }),
      ...(own.length ? { routes: own.map(({ dst, gw }) => ({ dst, ...(gw ? { gw } : {}) })) } : {}),
    };
  };
  // stringify leaves out what is undefined
  return { cniVersion: version, ip4: part(4), ip6: part(6), dns: plainDns(dns) };
}

function familyOf(address: string): 4 | 6 {
  return address.includes(":") ? 6 : 4;
}

// ---- members in order; what is undefined is left out by JSON.stringify

function currentInterface({ mac, mtu, name, pciID, sandbox, socketPath }: CniInterface) {
  return {
    mac: mac || undefined,
    mtu: mtu || undefined,
    name,
    pciID: pciID || undefined,
    sandbox: sandbox || undefined,
    socketPath: socketPath || undefined,
  };
}

function plainInterface({ name, mac, sandbox }: CniInterface) {
  return { name, mac: mac || undefined, sandbox: sandbox || undefined };
}

function currentIp({ address, gateway, interface: index }: CniIp) {
  return { address, gateway: gateway || undefined, interface: index };
}

function versionedIp({ address, gateway, interface: index }: CniIp) {
  const version = String(familyOf(address));
  return { version, interface: index, address, gateway: gateway || undefined };
}

function currentRoute({ advmss, dst, gw, mtu, priority, scope, table }: CniRoute) {
  return {
    advmss: advmss || undefined,
    dst,
    gw: gw || undefined,
    mtu: mtu || undefined,
    priority: priority || undefined,
    scope,
    table,
  };
}

function plainRoute({ dst, gw, mtu, advmss, priority, table, scope }: CniRoute) {
  return {
    dst,
    gw: gw || undefined,
    mtu: mtu || undefined,
    advmss: advmss || undefined,
    priority: priority || undefined,
    table,
    scope,
  };
}

function hasDns(dns: CniDns | undefined): dns is CniDns {
  const { nameservers, domain, search, options } = dns ?? {};
  return !!(nameservers?.length || domain || search?.length || options?.length);
}

function sortedDns(dns: CniDns) {
  const { nameservers, domain, search, options } = plainDns(dns);
  return { domain, nameservers, options, search };
}

function plainDns({ nameservers, domain, search, options }: CniDns = {}) {
  return {
    nameservers: nameservers?.length ? nameservers : undefined,
    domain: domain || undefined,
    search: search?.length ? search : undefined,
    options: options?.length ? options : undefined,
  };
}

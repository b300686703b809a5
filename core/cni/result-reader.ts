/**
 * Results of every released spec version, read into the one form programs work with.
 *
 * Keys match in any case, unknown ones are dropped, null counts as absent, except as an entry of a list. The functions
 * are written out instead of being a schema: a result is read by every plugin of a chain.
 * @see SPEC.md "Section 5: Result Types" of each version
 * @module
 */

import { CniError, cniCode } from "../errors.ts";
import { formatCidr, formatIp, parseCidr, parseIp } from "../net/address.ts";
import { valueText } from "./issue-text.ts";
import type { CniDns, CniInterface, CniIp, CniResult, CniRoute } from "./result.ts";
import { isAtLeast, isSpecVersion, type SpecVersion } from "./versions.ts";

const LARGEST_U32 = 0xffff_ffff;

/**
 * Reads a result.
 * @param where names the document in messages: `prevResult`
 * @param assumedVersion what it is written in when it does not say
 * @throws {CniError} 1 for a version nobody knows, 6 for a wrong JSON type, 7 for a wrong value
 */
export function readResult(
  document: unknown,
  where: string,
  assumedVersion: SpecVersion,
): CniResult {
  const source = fields(document, where, resultKeys);
  const version = source["cniVersion"] || assumedVersion;
  if (typeof version !== "string") throw wrongType(`${where}.cniVersion`, "a text", version);
  if (!isSpecVersion(version)) {
    const text = `unsupported CNI result version ${JSON.stringify(version)} in ${where}`;
    throw new CniError(cniCode.incompatibleVersion, text);
  }
  return isAtLeast(version, "0.3.0") ? readLists(source, where) : readFamilies(source, where);
}

/**
 * Reads the result that an earlier plugin left: as {@link readResult}, and each address lies on an interface that is
 * there. @throws {CniError} 1, 6 or 7
 */
export function readPrevResult(document: unknown, version: SpecVersion): CniResult {
  const result = readResult(document, "prevResult", version);
  const count = result.interfaces?.length ?? 0;
  for (const [at, { interface: index }] of (result.ips ?? []).entries()) {
    if (index === undefined || (index >= 0 && index < count)) continue;
    throw wrongValue(`prevResult.ips[${at}].interface`, `an index below ${count}`, index);
  }
  return result;
}

/** 0.3.0 and later: lists. */
function readLists(source: Fields, where: string): CniResult {
  const result: CniResult = {};
  const { interfaces, ips, routes, dns } = source;
  if (interfaces != null)
    result.interfaces = list(interfaces, `${where}.interfaces`, readInterface);
  if (ips != null) result.ips = list(ips, `${where}.ips`, readIp);
  if (routes != null) result.routes = list(routes, `${where}.routes`, readRoute);
  if (dns != null) result.dns = readDns(dns, `${where}.dns`);
  return result;
}

/** 0.1.0 and 0.2.0: one address of each family, with the routes of that family. */
function readFamilies(source: Fields, where: string): CniResult {
  const ips: CniIp[] = [];
  const routes: CniRoute[] = [];
  for (const key of ["ip4", "ip6"]) {
    if (source[key] == null) continue;
    const at = `${where}.${key}`;
    const family = fields(source[key], at, familyKeys);
    const address = prefixText(family["ip"], `${at}.ip`);
    ips.push(withGateway({ address }, family["gateway"], at));
    if (family["routes"] == null) continue;
    routes.push(...list(family["routes"], `${at}.routes`, readRoute));
  }
  return {
    ...(ips.length > 0 ? { ips } : {}),
    ...(routes.length > 0 ? { routes } : {}),
    ...(source["dns"] == null ? {} : { dns: readDns(source["dns"], `${where}.dns`) }),
  };
}

function readInterface(document: unknown, where: string): CniInterface {
  const source = fields(document, where, interfaceKeys);
  const read: CniInterface = { name: optionalText(source, "name", where) ?? "" };
  const mtu = optionalInteger(source, "mtu", where, LARGEST_U32);
  if (mtu !== undefined && mtu > 0) read.mtu = mtu;
  for (const key of ["mac", "sandbox", "socketPath", "pciID"] as const) {
    const text = optionalText(source, key, where);
    if (text) read[key] = text;
  }
  return read;
}

/** `version`, which 0.3.0 to 0.4.0 have, says nothing that the address does not. */
function readIp(document: unknown, where: string): CniIp {
  const source = fields(document, where, ipKeys);
  const read = withGateway(
    { address: prefixText(source["address"], `${where}.address`) },
    source["gateway"],
    where,
  );
  const index = source["interface"];
  if (index == null) return read;
  if (typeof index !== "number" || !Number.isInteger(index)) {
    throw wrongType(`${where}.interface`, "an integer", index);
  }
  read.interface = index;
  return read;
}

function withGateway(ip: CniIp, gateway: unknown, where: string): CniIp {
  if (gateway != null && gateway !== "") ip.gateway = ipText(gateway, `${where}.gateway`);
  return ip;
}

function readRoute(document: unknown, where: string): CniRoute {
  const source = fields(document, where, routeKeys);
  const read: CniRoute = { dst: prefixText(source["dst"], `${where}.dst`) };
  const { gw } = source;
  if (gw != null && gw !== "") read.gw = ipText(gw, `${where}.gw`);
  for (const key of ["mtu", "advmss", "priority"] as const) {
    const number = optionalInteger(source, key, where, LARGEST_U32);
    if (number) read[key] = number;
  }
  const table = optionalInteger(source, "table", where, LARGEST_U32);
  if (table !== undefined) read.table = table;
  const scope = optionalInteger(source, "scope", where, 255);
  if (scope !== undefined) read.scope = scope;
  return read;
}

function readDns(document: unknown, where: string): CniDns {
  const source = fields(document, where, dnsKeys);
  const read: CniDns = {};
  for (const key of ["nameservers", "search", "options"] as const) {
    const entries = source[key];
    if (entries != null) read[key] = list(entries, `${where}.${key}`, plainText);
  }
  const domain = optionalText(source, "domain", where);
  if (domain) read.domain = domain;
  return read;
}

// ---- the parts

type Fields = Readonly<Record<string, unknown>>;
type KeyNames = ReadonlyMap<string, string>;

/** Known keys: themselves and their lower-case form. */
function keyNames(...names: string[]): KeyNames {
  const both = names.flatMap((name): [string, string][] => [
    [name, name],
    [name.toLowerCase(), name],
  ]);
  return new Map(both);
}

const resultKeys = keyNames("cniVersion", "interfaces", "ips", "routes", "dns", "ip4", "ip6");
const familyKeys = keyNames("ip", "gateway", "routes");
const interfaceKeys = keyNames("name", "mac", "mtu", "sandbox", "socketPath", "pciID");
const ipKeys = keyNames("version", "address", "gateway", "interface");
const routeKeys = keyNames("dst", "gw", "mtu", "advmss", "priority", "table", "scope");
const dnsKeys = keyNames("nameservers", "domain", "search", "options");

/** The known members of an object, by their proper names. */
function fields(value: unknown, where: string, names: KeyNames): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(where, "an object", value);
  }
  for (const key in value) {
    if (names.get(key) !== key) return renamed(value as Fields, names);
  }
  return value as Fields;
}

function renamed(value: Fields, names: KeyNames): Fields {
  const found: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const name = names.get(key) ?? names.get(key.toLowerCase());
    if (name !== undefined) found[name] = value[key];
  }
  return found;
}

function list<T>(value: unknown, where: string, read: (entry: unknown, where: string) => T): T[] {
  if (!Array.isArray(value)) throw wrongType(where, "a list", value);
  return value.map((entry, index) => read(entry, `${where}[${index}]`));
}

function plainText(value: unknown, where: string): string {
  if (typeof value !== "string") throw wrongType(where, "a text", value);
  return value;
}

function optionalText(source: Fields, key: string, where: string): string | undefined {
  const value = source[key];
  return value == null ? undefined : plainText(value, `${where}.${key}`);
}

function optionalInteger(
  source: Fields,
  key: string,
  where: string,
  most: number,
): number | undefined {
  const value = source[key];
  if (value == null) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw wrongType(`${where}.${key}`, "an integer", value);
  }
  if (value < 0 || value > most) throw wrongValue(`${where}.${key}`, `0 to ${most}`, value);
  return value;
}

function prefixText(value: unknown, where: string): string {
  const text = plainText(value, where);
  const prefix = checked(where, text, parseCidr);
  if (prefix.address.length === 4 && text.includes(":")) throw mapped(where, text);
  return formatCidr(prefix);
}

function ipText(value: unknown, where: string): string {
  const text = plainText(value, where);
  const address = checked(where, text, parseIp);
  if (address.length === 4 && text.includes(":")) throw mapped(where, text);
  return formatIp(address);
}

function checked<T>(where: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new CniError(cniCode.badConfig, `${JSON.stringify(where)}: ${problem}`);
  }
}

function mapped(where: string, text: string): CniError {
  return wrongValue(where, "no IPv4 address in IPv6 form", text);
}

function wrongType(where: string, wanted: string, value: unknown): CniError {
  const text = `${JSON.stringify(where)}: want ${wanted}, got ${valueText(value)}`;
  return new CniError(cniCode.decode, text);
}

function wrongValue(where: string, wanted: string, value: unknown): CniError {
  const text = `${JSON.stringify(where)}: want ${wanted}, got ${valueText(value)}`;
  return new CniError(cniCode.badConfig, text);
}

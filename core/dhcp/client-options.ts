/**
 * Which options a configuration asks a DHCP server for, and which it sends.
 * @module
 */

import { CniError, cniCode } from "../errors.ts";

/** Entry of `request`. */
export interface RequestedOption {
  /** A name or a decimal number; empty or absent: this entry is about `skipDefault` only. */
  option?: string | undefined;
  skipDefault?: boolean | undefined;
}

/** Entry of `provide`. */
export interface ProvidedOption {
  option?: string | undefined;
  value?: string | undefined;
  /** A key of CNI_ARGS, whose value is stronger than `value`. */
  fromArg?: string | undefined;
}

/** What a client asks for and says. */
export interface ClientOptions {
  /** The parameter request list: codes in order, none twice. */
  request: number[];
  /** Values by code. */
  provide: Map<number, Uint8Array>;
}

/** Names by which the reference knows options, and then those that dhcp-options(5) has for what a result can carry. */
const optionNames: Readonly<Record<string, number>> = {
  "dhcp-client-identifier": 61,
  "subnet-mask": 1,
  routers: 3,
  "host-name": 12,
  "user-class": 77,
  "vendor-class-identifier": 60,
  "domain-name-servers": 6,
  "domain-name": 15,
  "interface-mtu": 26,
  "broadcast-address": 28,
  "static-routes": 33,
  "ntp-servers": 42,
  "domain-search": 119,
  "classless-static-routes": 121,
};

const ROUTERS = 3;
const SUBNET_MASK = 1;
/** What the reference's client library asks for when its list is empty: mask, routers, domain, resolvers. */
const whenEmpty = [1, 3, 15, 6];
const LONGEST_VALUE = 255;
/** Padding, overload, message type and end: a value there would make the message unreadable. */
const protocolOwn = [0, 52, 53, 255];

/**
 * Reads the lists.
 * @param args the pairs of CNI_ARGS
 * @throws {CniError} 7 in the reference's words, for a name that no option has and a value that is too long
 */
export function readClientOptions(
  request: readonly RequestedOption[] = [],
  provide: readonly ProvidedOption[] = [],
  args: ReadonlyMap<string, string> = new Map(),
): ClientOptions {
  return { request: requestList(request), provide: providedValues(provide, args) };
}

function requestList(entries: readonly RequestedOption[]): number[] {
  const asked = entries.filter(({ option = "" }) => option !== "");
  const skipDefault = entries.some((entry) => entry.skipDefault === true);
  const codes = asked.map(({ option = "" }) => optionCode(option));
  const all = new Set([...codes, ...(skipDefault ? [] : [ROUTERS, SUBNET_MASK])]);
  return all.size === 0 ? whenEmpty : [...all];
}

function providedValues(
  entries: readonly ProvidedOption[],
  args: ReadonlyMap<string, string>,
): Map<number, Uint8Array> {
  const values = new Map<number, Uint8Array>();
  for (const { option = "", value = "", fromArg = "" } of entries) {
    const code = optionCode(option);
    const named = JSON.stringify(option);
    if (protocolOwn.includes(code)) throw notProvided(named);
    if (value !== "") values.set(code, bytesOf(value, named));
    const argument = fromArg === "" ? undefined : args.get(fromArg);
    if (argument === undefined) continue;
    values.set(code, bytesOf(argument, `${named} from CNI_ARGS ${JSON.stringify(fromArg)}`));
  }
  return values;
}

function notProvided(named: string): CniError {
  return new CniError(
    cniCode.badConfig,
    `"provide" names option ${named}, which belongs to the protocol itself`,
  );
}

function bytesOf(text: string, where: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  if (bytes.length <= LONGEST_VALUE) return bytes;
  const problem = `value too long for option ${where}: ${JSON.stringify(text)}`;
  throw new CniError(cniCode.badConfig, problem);
}

/** The number of an option by name, or written as a number from 0 to 255. */
function optionCode(text: string): number {
  if (Object.hasOwn(optionNames, text)) return optionNames[text] ?? 0;
  if (/^\d+$/.test(text) && Number(text) <= 255) return Number(text);
  const quoted = JSON.stringify(text);
  const reason = /^\d+$/.test(text) ? "value out of range" : "invalid syntax";
  const parsing = `Can not parse option: strconv.ParseUint: parsing ${quoted}: ${reason}`;
  throw new CniError(cniCode.badConfig, `Can not parse option ${quoted}: ${parsing}`, {
    details: `want a number from 0 to 255, or one of ${Object.keys(optionNames).join(", ")}`,
  });
}

/** The pairs of CNI_ARGS, read as the reference's DHCP daemon reads them: what is no pair means nothing. */
export function looseCniArgs(text: string): Map<string, string> {
  const pairs = text.split(";").flatMap((pair): [string, string][] => {
    const at = pair.indexOf("=");
    return at < 0 ? [] : [[pair.slice(0, at), pair.slice(at + 1)]];
  });
  return new Map(pairs);
}

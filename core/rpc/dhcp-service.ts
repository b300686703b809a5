/**
 * What is said between the plugin dhcp and its daemon: the reference's service `DHCP`, and two methods of our own.
 * @module
 */

import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import type { CniDns, CniIp, CniResult, CniRoute } from "../cni/result.ts";
import { CniError, cniCode } from "../errors.ts";
import { formatCidr, formatIp, parseCidr, parseIp } from "../net/address.ts";
import type { GobFields } from "./gob-encoder.ts";
import type { StructShape } from "./net-rpc.ts";

/** Methods; a daemon of the reference knows the first two. */
export const dhcpMethod = {
  /** {@link AllocateArgs} to a result: gives a lease, or the one that is there already. */
  allocate: "DHCP.Allocate",
  /** {@link AllocateArgs} to nothing: gives the lease back; no lease is no failure. */
  release: "DHCP.Release",
  /** Nothing to nothing: says that it is there. */
  ping: "DHCP.Ping",
  /** {@link CollectArgs} to nothing: gives back the leases of a network that nobody needs. */
  collect: "DHCP.Collect",
} as const;

/** One CNI call, as the plugin received it. */
export interface AllocateArgs {
  containerId: string;
  /** Absolute. */
  netns: string;
  ifName: string;
  /** CNI_ARGS. */
  args: string;
  /** CNI_PATH. */
  path: string;
  netnsOverride: string;
  /** The configuration. */
  stdinData: Uint8Array;
  /** The caller understands an error with details, see {@link errorText}; no plugin of the reference says so. */
  wantsDetails: boolean;
}

/** For GC. */
export interface CollectArgs {
  network: string;
  /** Attachments that stay, as `containerID/ifname`. */
  valid: string[];
}

/** Go's skel.CmdArgs, and `WantsDetails`, which a receiver without it passes over. */
export const allocateShape = {
  struct: "CmdArgs",
  fields: {
    ContainerID: "string",
    Netns: "string",
    IfName: "string",
    Args: "string",
    Path: "string",
    NetnsOverride: "string",
    StdinData: "bytes",
    WantsDetails: "bool",
  },
} as const satisfies StructShape;

/** {@link CollectArgs}. */
export const collectShape = {
  struct: "CollectArgs",
  fields: { Network: "string", Valid: { list: "string" } },
} as const satisfies StructShape;

/** Go's `struct{}`: no argument, or no answer. */
export const emptyShape = { struct: "Empty", fields: {} } as const satisfies StructShape;

const ipNet = { struct: "IPNet", fields: { IP: "bytes", Mask: "bytes" } } as const;
const strings = { list: "string" } as const;

/**
 * Go's types100.Result, without its version: as the reference's daemon we leave it to the plugin, each release of which puts
 * there what it knows, and refuses what it does not.
 */
export const resultShape = {
  struct: "Result",
  fields: {
    IPs: {
      list: {
        struct: "IPConfig",
        fields: { Interface: "int", Address: ipNet, Gateway: "bytes" },
      },
    },
    Routes: {
      list: {
        struct: "Route",
        fields: {
          Dst: ipNet,
          GW: "bytes",
          MTU: "int",
          AdvMSS: "int",
          Priority: "int",
          Table: "int",
          Scope: "int",
        },
      },
    },
    DNS: {
      struct: "DNS",
      fields: { Nameservers: strings, Domain: "string", Search: strings, Options: strings },
    },
  },
} as const satisfies StructShape;

/** What goes over the wire for a call. */
export function allocateFields(args: AllocateArgs): GobFields {
  return {
    ContainerID: args.containerId,
    Netns: args.netns,
    IfName: args.ifName,
    Args: args.args,
    Path: args.path,
    NetnsOverride: args.netnsOverride,
    StdinData: args.stdinData,
    WantsDetails: args.wantsDetails,
  };
}

/** The reverse; what is absent is empty. @throws {DecodeError} for a field of another type */
export function readAllocateArgs(fields: GobFields): AllocateArgs {
  const text = (name: string) => member(fields, name, "", (value) => typeof value === "string");
  const isBytes = (value: unknown) => value instanceof Uint8Array;
  return {
    containerId: text("ContainerID"),
    netns: text("Netns"),
    ifName: text("IfName"),
    args: text("Args"),
    path: text("Path"),
    netnsOverride: text("NetnsOverride"),
    stdinData: member(fields, "StdinData", new Uint8Array(), isBytes),
    wantsDetails: fields["WantsDetails"] === true,
  };
}

/** What goes over the wire for GC. */
export function collectFields({ network, valid }: CollectArgs): GobFields {
  return { Network: network, Valid: valid };
}

/** The reverse. @throws {DecodeError} for a field of another type */
export function readCollectArgs(fields: GobFields): CollectArgs {
  const isTexts = (value: unknown) =>
    Array.isArray(value) && value.every((entry) => typeof entry === "string");
  return {
    network: member(fields, "Network", "", (value) => typeof value === "string"),
    valid: member(fields, "Valid", [] as string[], isTexts),
  };
}

/** A result as the reference's plugin reads it; numbers that are 0 are not sent, as Go's encoder does it. */
export function resultFields({ ips = [], routes = [], dns = {} }: CniResult): GobFields {
  return {
    IPs: ips.map(({ address, gateway }) => ({
      Address: prefixFields(address),
      Gateway: gateway === undefined ? undefined : parseIp(gateway),
    })),
    Routes: routes.map(routeFields),
    DNS: {
      Nameservers: dns.nameservers,
      Domain: dns.domain,
      Search: dns.search,
      Options: dns.options,
    },
  };
}

function routeFields({ dst, gw, mtu, advmss, priority, table, scope }: CniRoute): GobFields {
  return {
    Dst: prefixFields(dst),
    GW: gw === undefined ? undefined : parseIp(gw),
    MTU: mtu,
    AdvMSS: advmss,
    Priority: priority,
    Table: table,
    Scope: scope,
  };
}

function prefixFields(text: string): GobFields {
  const { address, length } = parseCidr(text);
  const Mask = address.map((_, index) => {
    const bits = Math.min(Math.max(length - 8 * index, 0), 8);
    return (0xff00 >> bits) & 0xff;
  });
  return { IP: address, Mask };
}

/** The reverse, whoever made it. @throws {DecodeError} for what is no result */
export function readResultFields(fields: GobFields): CniResult {
  const ips = structs(fields, "IPs").map(readIp);
  const routes = structs(fields, "Routes").map(readRoute);
  const dns = readDns((fields["DNS"] ?? {}) as GobFields);
  return {
    ips,
    ...(routes.length > 0 ? { routes } : {}),
    ...(Object.keys(dns).length > 0 ? { dns } : {}),
  };
}

function readIp(fields: GobFields): CniIp {
  const gateway = readAddress(fields, "Gateway");
  const address = readPrefix(fields, "Address");
  return { address, ...(gateway === undefined ? {} : { gateway }) };
}

const routeNumbers = {
  mtu: "MTU",
  advmss: "AdvMSS",
  priority: "Priority",
  table: "Table",
  scope: "Scope",
} as const;

function readRoute(fields: GobFields): CniRoute {
  const gw = readAddress(fields, "GW");
  const numbers = Object.entries(routeNumbers).flatMap(([key, name]): [string, number][] => {
    const value = member(fields, name, 0, (found) => typeof found === "number");
    return value === 0 ? [] : [[key, value]];
  });
  const dst = readPrefix(fields, "Dst");
  return { dst, ...(gw === undefined ? {} : { gw }), ...Object.fromEntries(numbers) };
}

function readDns(fields: GobFields): CniDns {
  const texts = (name: string) => {
    const isTexts = (value: unknown) =>
      Array.isArray(value) && value.every((entry) => typeof entry === "string");
    return member(fields, name, [] as string[], isTexts);
  };
  const dns: CniDns = {};
  const nameservers = texts("Nameservers");
  if (nameservers.length > 0) dns.nameservers = nameservers;
  const domain = member(fields, "Domain", "", (value) => typeof value === "string");
  if (domain !== "") dns.domain = domain;
  const search = texts("Search");
  if (search.length > 0) dns.search = search;
  const options = texts("Options");
  if (options.length > 0) dns.options = options;
  return dns;
}

function readAddress(fields: GobFields, name: string): string | undefined {
  const bytes = member(fields, name, new Uint8Array(), isAddress);
  return bytes.length === 0 ? undefined : formatIp(bytes);
}

function readPrefix(fields: GobFields, name: string): string {
  const { IP, Mask } = (fields[name] ?? {}) as GobFields;
  if (!isAddress(IP) || !isAddress(Mask)) throw refused(name, "an address with its mask");
  const bits = [...Mask].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  if (!/^1*0*$/.test(bits)) throw refused(name, "a mask of ones and then zeroes");
  const length = bits.replaceAll("0", "").length;
  const mapped = IP.length === 16 && Mask.length === 4; // Go holds an IPv4 address in 16 bytes at times
  const address = mapped ? IP.slice(12) : IP;
  if (address.length !== Mask.length) throw refused(name, "a mask as long as its address");
  return formatCidr({ address, length });
}

function isAddress(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && [0, 4, 16].includes(value.length);
}

function structs(fields: GobFields, name: string): GobFields[] {
  const isStructs = (value: unknown) =>
    Array.isArray(value) && value.every((entry) => typeof entry === "object" && entry !== null);
  return member(fields, name, [] as GobFields[], isStructs);
}

function member<T>(
  fields: GobFields,
  name: string,
  absent: T,
  isRight: (value: unknown) => boolean,
): T {
  const value = fields[name];
  if (value === undefined) return absent;
  if (!isRight(value)) throw refused(name, "what the service is declared with");
  return value as T;
}

function refused(name: string, wanted: string): DecodeError {
  return new DecodeError(`rpc.${name}`, 0, `want ${wanted}, got another value`);
}

/**
 * An error as the daemon answers it: the message, and behind a line break the details and the code, if the caller said that it
 * understands them. The reference's plugin prints the text as it is.
 */
export function errorText({ message, details, code }: CniError, wantsDetails: boolean): string {
  return wantsDetails ? `${message}\n${JSON.stringify({ code, details })}` : message;
}

/** An error of the daemon, ours or the reference's, under the words that the reference's plugin has for it. */
export function remoteError(method: string, text: string): CniError {
  const end = text.indexOf("\n{");
  const more = end < 0 ? {} : readMore(text.slice(end + 1));
  if (more.code === undefined)
    return new CniError(cniCode.internal, `error calling ${method}: ${text}`);
  const message = `error calling ${method}: ${text.slice(0, end)}`;
  return new CniError(
    more.code,
    message,
    more.details === undefined ? {} : { details: more.details },
  );
}

function readMore(text: string): { code?: number; details?: string } {
  try {
    return JSON.parse(text) as { code?: number; details?: string };
  } catch {
    return {}; // words of another daemon, which are told as they are
  }
}

/**
 * Elements as nft(8) writes them, for messages.
 * @module
 */

import { IPPROTO_SCTP, IPPROTO_TCP, IPPROTO_UDP } from "netlink-ts/conntrack/tuple.ts";
import {
  type DataType,
  etherAddr,
  ifname,
  inetProto,
  inetService,
  ipv4Addr,
  ipv6Addr,
} from "netlink-ts/nftables/data-types.ts";
import { NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";

import { formatIp, formatMac } from "../net/address.ts";
import { sets, type TableSet } from "./sets.ts";
import type { TableElement } from "./table-element.ts";
import { tableName } from "./table-name.ts";

const protocols = new Map<string, number>([
  ["tcp", IPPROTO_TCP],
  ["udp", IPPROTO_UDP],
  ["sctp", IPPROTO_SCTP],
]);
const protocolNames = new Map([...protocols].map(([name, number]) => [number, name]));

/** `tcp`, `udp`, `sctp`, or the number. */
export function protocolName(protocol: number): string {
  return protocolNames.get(protocol) ?? String(protocol);
}

/** IPPROTO_* of `tcp`, `udp` or `sctp`; undefined for anything else. */
export function protocolNumber(name: string): number | undefined {
  return protocols.get(name);
}

const writers = new Map<DataType, (field: Uint8Array) => string>([
  [ipv4Addr, formatIp],
  [ipv6Addr, formatIp],
  [etherAddr, formatMac],
  [inetProto, ([number = 0]) => protocolName(number)],
  [inetService, ([high = 0, low = 0]) => String((high << 8) | low)],
  [ifname, (field) => `"${new TextDecoder().decode(field).replace(/\0+$/, "")}"`],
]);

/** An element as `any4 { tcp . 8080 : 10.71.0.2 . 80 }`; intervals field by field, as `30000-30999`. */
export function describeElement(element: TableElement): string {
  const { key: keyTypes, data: dataTypes = [] }: TableSet = sets[element.set];
  const first = fieldTexts(keyTypes, element.key);
  const last = fieldTexts(keyTypes, element.keyEnd ?? element.key);
  const key = first.map((text, index) => (text === last[index] ? text : `${text}-${last[index]}`));
  const data = element.data && ` : ${fieldTexts(dataTypes, element.data).join(" . ")}`;
  return `${element.set} { ${key.join(" . ")}${data ?? ""} }`;
}

/** The same with its table: `inet netloom any4 { tcp . 8080 }`. */
export function describePlace(element: TableElement): string {
  const family = sets[element.set].family === NFPROTO_INET ? "inet" : "bridge";
  return `${family} ${tableName} ${describeElement(element)}`;
}

function fieldTexts(types: readonly DataType[], joined: Uint8Array): string[] {
  let at = 0;
  return types.map((type) => {
    const field = joined.subarray(at, at + type.length);
    at += (type.length + 3) & ~3;
    return (writers.get(type) ?? rawText)(field);
  });
}

function rawText(field: Uint8Array): string {
  return `0x${Array.from(field, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

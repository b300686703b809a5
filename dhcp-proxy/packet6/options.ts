/**
 * DHCPv6 options: a run of code, length and value, 16 bits each of the first two; some values hold options themselves.
 *
 * An option may stand more than once, each time for itself; unlike in DHCPv4 nothing is joined.
 * @see RFC 8415 section 21
 * @module
 */

import { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { u16be, u32be } from "netlink-ts/wire/scalars.ts";
import { decodeDomainSearch } from "../packet/domain-search.ts";

/** Numbers of the options that are read or written here. */
export const option6 = {
  clientId: 1,
  serverId: 2,
  iaNa: 3,
  iaAddress: 5,
  optionRequest: 6,
  preference: 7,
  elapsedTime: 8,
  statusCode: 13,
  rapidCommit: 14,
  dnsServers: 23,
  domainSearch: 24,
  informationRefreshTime: 32,
  solMaxRt: 82,
} as const;

/** Values of option 13. */
export const status6 = {
  success: 0,
  unspecFail: 1,
  noAddrsAvail: 2,
  noBinding: 3,
  notOnLink: 4,
  useMulticast: 5,
} as const;

/** One option; what its value means is its code's business. */
export interface Option6 {
  code: number;
  value: Uint8Array;
}

/** An address of an identity association. Lifetimes in seconds, 0xffffffff is for ever. */
export interface IaAddress {
  /** 16 bytes. */
  address: Uint8Array;
  preferredSeconds: number;
  validSeconds: number;
  status?: Status6;
}

/** An identity association for non-temporary addresses. */
export interface IaNa {
  iaid: number;
  /** T1 and T2 in seconds; 0 leaves them to the client. */
  renewSeconds: number;
  rebindSeconds: number;
  addresses: IaAddress[];
  status?: Status6;
}

/** What a server says about how it went. */
export interface Status6 {
  code: number;
  message: string;
}

/** Reads options to the reader's end. @throws {DecodeError} for one that does not end inside */
export function readOptions6(reader: Reader): Option6[] {
  const options: Option6[] = [];
  while (reader.left > 0) {
    const at = reader.offset;
    const code = u16be.read(reader);
    const length = u16be.read(reader);
    if (length > reader.left) {
      const wanted = `want ${length} bytes, got ${reader.left} to the end`;
      throw new DecodeError(`option ${code}`, at, wanted);
    }
    options.push({ code, value: reader.slice(length).slice() });
  }
  return options;
}

/** Writes options in their order. */
export function writeOptions6(writer: Writer, options: readonly Option6[]): void {
  for (const { code, value } of options) {
    u16be.write(writer, code);
    u16be.write(writer, value.length);
    writer.put(value);
  }
}

/** The value of the first option of that code. */
export function optionValue(options: readonly Option6[], code: number): Uint8Array | undefined {
  return options.find((each) => each.code === code)?.value;
}

/** The identity associations. @throws {DecodeError} for one that is too short for its fields */
export function readIaNas(options: readonly Option6[]): IaNa[] {
  return options
    .filter(({ code }) => code === option6.iaNa)
    .map(({ value }) => inOption(option6.iaNa, () => readIaNa(value)));
}

function readIaNa(value: Uint8Array): IaNa {
  const reader = new Reader(value);
  const [iaid, renewSeconds, rebindSeconds] = [u32be, u32be, u32be].map((each) =>
    each.read(reader),
  ) as [number, number, number];
  const inner = readOptions6(reader);
  const addresses = inner
    .filter(({ code }) => code === option6.iaAddress)
    .map((each) => inOption(option6.iaAddress, () => readIaAddress(each.value)));
  return { iaid, renewSeconds, rebindSeconds, addresses, ...withStatus(inner) };
}

function readIaAddress(value: Uint8Array): IaAddress {
  const reader = new Reader(value);
  const address = reader.slice(16).slice();
  const preferredSeconds = u32be.read(reader);
  const validSeconds = u32be.read(reader);
  return { address, preferredSeconds, validSeconds, ...withStatus(readOptions6(reader)) };
}

function withStatus(options: readonly Option6[]): { status?: Status6 } {
  const status = readStatus(options);
  return status === undefined ? {} : { status };
}

function inOption<T>(code: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof DecodeError ? error.within(`option ${code}`) : error;
  }
}

/** Option 13; undefined when it is missing, which means success. @throws {DecodeError} when it is too short */
export function readStatus(options: readonly Option6[]): Status6 | undefined {
  const value = optionValue(options, option6.statusCode);
  if (value === undefined) return undefined;
  return inOption(option6.statusCode, () => {
    const reader = new Reader(value);
    const code = u16be.read(reader);
    return { code, message: new TextDecoder().decode(reader.slice()) };
  });
}

/** Option 3 with these addresses. */
export function iaNaOption({ iaid, renewSeconds, rebindSeconds, addresses }: IaNa): Option6 {
  const writer = new Writer(64);
  for (const number of [iaid, renewSeconds, rebindSeconds]) u32be.write(writer, number);
  writeOptions6(writer, addresses.map(iaAddressOption));
  return { code: option6.iaNa, value: writer.finish() };
}

function iaAddressOption({ address, preferredSeconds, validSeconds }: IaAddress): Option6 {
  const writer = new Writer(32);
  writer.put(address);
  u32be.write(writer, preferredSeconds);
  u32be.write(writer, validSeconds);
  return { code: option6.iaAddress, value: writer.finish() };
}

/** An option of 16-bit numbers: what is requested, or the time that has elapsed. */
export function numbersOption(code: number, numbers: readonly number[]): Option6 {
  const writer = new Writer(32);
  for (const number of numbers) u16be.write(writer, number);
  return { code, value: writer.finish() };
}

/** Option 23: addresses of 16 bytes. @throws {DecodeError} when its length is no multiple of 16 */
export function readDnsServers(options: readonly Option6[]): Uint8Array[] {
  const value = optionValue(options, option6.dnsServers) ?? new Uint8Array();
  if (value.length % 16 !== 0) {
    const wanted = `want a multiple of 16 bytes, got ${value.length}`;
    throw new DecodeError(`option ${option6.dnsServers}`, 0, wanted);
  }
  return Array.from({ length: value.length / 16 }, (_, index) =>
    value.slice(16 * index, 16 * index + 16),
  );
}

/** Option 24: domain names, in order. @throws {DecodeError} as option 119 of DHCPv4, whose form it has */
export function readDomainSearch6(options: readonly Option6[]): string[] {
  return decodeDomainSearch(optionValue(options, option6.domainSearch) ?? new Uint8Array());
}

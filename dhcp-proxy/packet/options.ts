/**
 * DHCPv4 options: their numbers, the fields that hold them, and values of a fixed shape.
 *
 * The field is a run of code, length, value; the same code twice means one value in two parts, whatever the code. A server
 * may put more of them into the fields `file` and `sname`, which it says with the option "overload".
 * @see RFC 2132, RFC 3396
 * @module
 */

import { Reader, type Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { joinBytes } from "../../core/bytes.ts";

/** Numbers of the options that are read or written here. */
export const option = {
  subnetMask: 1,
  routers: 3,
  domainNameServers: 6,
  hostName: 12,
  domainName: 15,
  interfaceMtu: 26,
  staticRoutes: 33,
  requestedAddress: 50,
  leaseTime: 51,
  overload: 52,
  messageType: 53,
  serverId: 54,
  parameterRequestList: 55,
  message: 56,
  maximumMessageSize: 57,
  renewalTime: 58,
  rebindingTime: 59,
  vendorClassId: 60,
  clientId: 61,
  userClass: 77,
  domainSearch: 119,
  classlessStaticRoutes: 121,
} as const;

/** Values of option 53. */
export const messageType = {
  discover: 1,
  offer: 2,
  request: 3,
  decline: 4,
  ack: 5,
  nak: 6,
  release: 7,
} as const;

/** Options by code; a value has the parts of all options of that code, one after another. */
export type DhcpOptions = Map<number, Uint8Array>;

const PAD = 0;
const END = 255;
const LONGEST_PART = 255;

/**
 * Reads one field of options into `options`, up to the end marker or the field's end.
 * @throws {DecodeError} when an option is longer than what is left of the field
 */
export function readOptions(reader: Reader, options: DhcpOptions): void {
  while (reader.left > 0) {
    const code = byte(reader);
    if (code === PAD) continue;
    if (code === END) return;
    const name = `option ${code}`;
    const length = reader.left > 0 ? byte(reader) : Number.POSITIVE_INFINITY;
    if (length > reader.left) {
      const wanted = Number.isFinite(length) ? `${length} bytes` : "a length";
      throw new DecodeError(name, reader.offset, `want ${wanted}, got ${reader.left} to the end`);
    }
    options.set(code, joinBytes(options.get(code) ?? new Uint8Array(), reader.slice(length)));
  }
}

/** The same for a whole field on its own: `file` or `sname`. */
export function readOptionField(field: Uint8Array, name: string, options: DhcpOptions): void {
  try {
    readOptions(new Reader(field), options);
  } catch (error) {
    throw error instanceof DecodeError ? error.within(name) : error;
  }
}

function byte(reader: Reader): number {
  return reader.view.getUint8(reader.take(1));
}

/** Writes options in ascending order of their codes, long ones in parts, and the end marker. */
export function writeOptions(writer: Writer, options: ReadonlyMap<number, Uint8Array>): void {
  for (const [code, value] of [...options].sort(([a], [b]) => a - b)) {
    if (code <= PAD || code >= END) throw new RangeError(`want an option 1 to 254, got ${code}`);
    for (let at = 0; at === 0 || at < value.length; at += LONGEST_PART) {
      const part = value.subarray(at, at + LONGEST_PART);
      writer.put(Uint8Array.of(code, part.length));
      writer.put(part);
    }
  }
  writer.put(Uint8Array.of(END));
}

/** Option 53; undefined when it is not one byte. */
export function messageTypeOf(options: ReadonlyMap<number, Uint8Array>): number | undefined {
  const value = options.get(option.messageType);
  return value?.length === 1 ? value[0] : undefined;
}

/** The address an option holds; undefined when it is missing or not one address. */
export function addressOption(
  options: ReadonlyMap<number, Uint8Array>,
  code: number,
): Uint8Array | undefined {
  const value = options.get(code);
  return value?.length === 4 ? value : undefined;
}

/** The addresses an option holds, at least one; none when it is missing or has another length. */
export function addressListOption(
  options: ReadonlyMap<number, Uint8Array>,
  code: number,
): Uint8Array[] {
  const value = options.get(code) ?? new Uint8Array();
  if (value.length % 4 !== 0) return [];
  return Array.from({ length: value.length / 4 }, (_, index) =>
    value.slice(4 * index, 4 * index + 4),
  );
}

/** An option of 32 bits, unsigned: a time in seconds; undefined when it is missing or has another length. */
export function u32Option(
  options: ReadonlyMap<number, Uint8Array>,
  code: number,
): number | undefined {
  return numberOption(options, code, 4);
}

/** An option of 16 bits, unsigned; undefined when it is missing or has another length. */
export function u16Option(
  options: ReadonlyMap<number, Uint8Array>,
  code: number,
): number | undefined {
  return numberOption(options, code, 2);
}

function numberOption(options: ReadonlyMap<number, Uint8Array>, code: number, size: number) {
  const value = options.get(code);
  return value?.length === size ? value.reduce((sum, byte) => sum * 256 + byte, 0) : undefined;
}

/** An option of text, without the NULs some servers end it with; undefined when nothing is left. */
export function textOption(
  options: ReadonlyMap<number, Uint8Array>,
  code: number,
): string | undefined {
  const text = new TextDecoder().decode(options.get(code) ?? new Uint8Array());
  return text.replace(/\0+$/, "") || undefined;
}

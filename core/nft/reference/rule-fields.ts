/**
 * Fields of a packet that rules of others load into registers, and what they are compared with, in words.
 * @module
 */

import {
  NFT_META_IIFNAME,
  NFT_META_L4PROTO,
  NFT_META_MARK,
  NFT_META_NFPROTO,
  NFT_META_OIFNAME,
} from "netlink-ts/nftables/expr/meta.ts";
import {
  NFT_PAYLOAD_LL_HEADER,
  NFT_PAYLOAD_NETWORK_HEADER,
  NFT_PAYLOAD_TRANSPORT_HEADER,
} from "netlink-ts/nftables/expr/payload.ts";
import { NFPROTO_IPV4 } from "netlink-ts/nftables/nfgenmsg.ts";

import { formatCidr, formatMac } from "../../net/address.ts";
import { protocolName } from "../describe-element.ts";

/** A field: its word, and how its bytes are written. */
export interface Field {
  /** `saddr`, `dport` and so on. */
  readonly key: string;
  /** @returns undefined for a comparison that has no words */
  write(value: Uint8Array, mask: Uint8Array | undefined): string | undefined;
}

const plain =
  (write: (value: Uint8Array) => string) =>
  (value: Uint8Array, mask: Uint8Array | undefined): string | undefined =>
    mask === undefined ? write(value) : undefined;

const byMeta: Readonly<Record<number, Field>> = {
  [NFT_META_IIFNAME]: { key: "iifname", write: plain(nameText) },
  [NFT_META_OIFNAME]: { key: "oifname", write: plain(nameText) },
  [NFT_META_L4PROTO]: { key: "l4proto", write: plain(([number = 0]) => protocolName(number)) },
  [NFT_META_NFPROTO]: { key: "nfproto", write: plain(([number = 0]) => String(number)) },
  [NFT_META_MARK]: { key: "mark", write: (value, mask) => markText(number32(value), mask) },
};

/** `meta …`; undefined for what is not known here. @param key NFT_META_* */
export function metaField(key: number | undefined): Field | undefined {
  return byMeta[key ?? -1];
}

const macField: Field = { key: "ether saddr", write: plain(formatMac) };
const dportField: Field = { key: "dport", write: plain(([a = 0, b = 0]) => String((a << 8) | b)) };
/** `ct state`: compared with no bit under a mask, which {@link wordOf} turns around. */
export const ctState: Field = { key: "ct state", write: () => undefined };
const RTN_LOCAL = 2;
/** `fib daddr type` */
export const daddrType: Field = {
  key: "daddr type",
  write: plain((value) => (number32(value) === RTN_LOCAL ? "local" : String(number32(value)))),
};

/** Bytes of a header; undefined for what is not known here. @param family whose network header it is */
export function payloadField(
  family: number,
  base: number | undefined,
  offset: number,
  length: number,
): Field | undefined {
  if (base === NFT_PAYLOAD_LL_HEADER) return offset === 6 && length === 6 ? macField : undefined;
  if (base === NFT_PAYLOAD_TRANSPORT_HEADER)
    return offset === 2 && length === 2 ? dportField : undefined;
  if (base !== NFT_PAYLOAD_NETWORK_HEADER) return undefined;
  const [start, size, protocolAt] = family === NFPROTO_IPV4 ? [12, 4, 9] : [8, 16, 6];
  if (offset === protocolAt && length === 1) return byMeta[NFT_META_L4PROTO];
  if (length > size) return undefined;
  if (offset === start) return addressField("saddr", size);
  return offset === start + size ? addressField("daddr", size) : undefined;
}

/** An address, or its first bytes: nft loads no more where a prefix ends on a byte. */
function addressField(key: string, size: number): Field {
  return {
    key,
    write(value, mask) {
      const length = mask === undefined ? value.length * 8 : prefixLength(mask);
      if (length === undefined) return undefined;
      const address = new Uint8Array(size);
      address.set(value);
      return formatCidr({ address, length });
    },
  };
}

function prefixLength(mask: Uint8Array): number | undefined {
  const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return /^1*0*$/.test(bits) ? bits.replace(/0/g, "").length : undefined;
}

/** A comparison as a word: `10.1.2.0/24`, `!= 224.0.0.0/4`. */
export function wordOf(
  field: Field,
  value: Uint8Array,
  mask: Uint8Array | undefined,
  isEqual: boolean,
): string | undefined {
  if (field === ctState) {
    const isAnyOf = !isEqual && mask !== undefined && value.every((byte) => byte === 0);
    return isAnyOf ? stateText(number32(mask)) : undefined;
  }
  const word = field.write(value, mask);
  return isEqual || word === undefined ? word : `!= ${word}`;
}

/** NFT_CT_STATE bits as a word. */
export function stateText(bits: number): string {
  return `0x${bits.toString(16)}`;
}

/** A mark as iptables writes it: `0x2000/0x2000`. */
export function markText(value: number, mask: Uint8Array | number | undefined): string {
  const bits = typeof mask === "number" ? mask : mask === undefined ? 0xffffffff : number32(mask);
  return `0x${value.toString(16)}/0x${bits.toString(16)}`;
}

/** Four bytes in host order. */
export function number32([a = 0, b = 0, c = 0, d = 0]: Uint8Array): number {
  return ((d << 24) | (c << 16) | (b << 8) | a) >>> 0;
}

/** A name; one without an end, as iptables has it for `-i eth+`, is the beginning of names. */
function nameText(value: Uint8Array): string {
  const end = value.indexOf(0);
  const text = new TextDecoder().decode(end < 0 ? value : value.subarray(0, end));
  return end < 0 && value.length < 16 ? `${text}+` : text;
}

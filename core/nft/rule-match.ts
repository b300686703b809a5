/**
 * Whether a packet matches an expression of a rule that others wrote.
 * @module
 */

import { bitwise, NFT_BITWISE_MASK_XOR } from "netlink-ts/nftables/expr/bitwise.ts";
import { cmp, NFT_CMP_EQ, NFT_CMP_NEQ } from "netlink-ts/nftables/expr/cmp.ts";
import { ct, IPS_DST_NAT, NFT_CT_STATE, NFT_CT_STATUS } from "netlink-ts/nftables/expr/ct.ts";
import { dataOf, type Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { immediate } from "netlink-ts/nftables/expr/immediate.ts";
import {
  meta,
  NFT_META_IIF,
  NFT_META_IIFNAME,
  NFT_META_MARK,
  NFT_META_NFPROTO,
  NFT_META_OIFNAME,
  NFT_META_PROTOCOL,
} from "netlink-ts/nftables/expr/meta.ts";
import { NFT_PAYLOAD_NETWORK_HEADER, payload } from "netlink-ts/nftables/expr/payload.ts";
import { match } from "netlink-ts/nftables/expr/xtables.ts";
import { NFPROTO_IPV4 } from "netlink-ts/nftables/nfgenmsg.ts";
import { encode } from "netlink-ts/wire/codec.ts";
import { u32 } from "netlink-ts/wire/scalars.ts";

import {
  type Bits,
  isEqual,
  known,
  knownNumber,
  masked,
  type Packet,
  Registers,
  unknown,
} from "./packet.ts";
import { type MaskedMark, xtConntrackState, xtMark } from "./xt-structs.ts";

/** Whether a packet matches; undefined when that hangs on what is not known. */
export type Matches = boolean | undefined;

/** A packet on its way through a chain. */
export class Traveller {
  readonly packet: Packet;
  readonly registers = new Registers();
  #mark: Bits;

  constructor(packet: Packet) {
    this.packet = packet;
    this.#mark = knownNumber(packet.mark, packet.mark);
  }

  /** Whether the packet matches an expression that is neither a verdict nor a lookup. */
  matches(expression: Expression): Matches {
    const { name = "" } = expression;
    if (harmless.has(name)) return true;
    const judge = judges[name];
    if (judge !== undefined) return judge(this, expression);
    this.registers.forget();
    return undefined;
  }

  get mark(): Bits {
    return this.#mark;
  }

  setMark(bits: Bits): void {
    this.#mark = bits;
  }
}

/** What goes on with every packet, and writes no register. */
const harmless = new Set(["counter", "log", "notrack", "objref", "last", "flow_offload"]);

type Judge = (traveller: Traveller, expression: Expression) => Matches;

const judges: Readonly<Record<string, Judge>> = {
  immediate({ registers }, expression) {
    const { dreg, data } = dataOf(immediate, expression) ?? {};
    if (data?.value !== undefined) registers.set(dreg, known(data.value));
    return true;
  },
  meta(traveller, expression) {
    const { key, dreg, sreg } = dataOf(meta, expression) ?? {};
    const { registers } = traveller;
    if (dreg !== undefined) registers.set(dreg, metaOf(traveller, key));
    else if (key === NFT_META_MARK) traveller.setMark(registers.get(sreg, 4));
    return true;
  },
  payload({ packet, registers }, expression) {
    const { dreg, base, offset = 0, length = 0 } = dataOf(payload, expression) ?? {};
    if (dreg === undefined) return true;
    const bytes =
      base === NFT_PAYLOAD_NETWORK_HEADER ? headerOf(packet, offset, length) : undefined;
    registers.set(dreg, bytes === undefined ? unknown(length) : known(bytes));
    return true;
  },
  ct({ packet, registers }, expression) {
    const { dreg, key } = dataOf(ct, expression) ?? {};
    if (dreg === undefined) return true;
    registers.set(dreg, ctOf(packet, key));
    return true;
  },
  bitwise({ registers }, expression) {
    const { sreg, dreg, operator, length = 4, mask, xor } = dataOf(bitwise, expression) ?? {};
    const isMask = (operator ?? NFT_BITWISE_MASK_XOR) === NFT_BITWISE_MASK_XOR;
    const bits = registers.get(sreg, length);
    const isUsable = isMask && mask?.value !== undefined && xor?.value !== undefined;
    registers.set(dreg, isUsable ? masked(bits, mask.value!, xor.value!) : unknown(length));
    return true;
  },
  cmp({ registers }, expression) {
    const { sreg, operator, data } = dataOf(cmp, expression) ?? {};
    const wanted = data?.value ?? new Uint8Array();
    const isSame = isEqual(registers.get(sreg, wanted.length), wanted);
    if (operator === NFT_CMP_EQ) return isSame;
    return operator === NFT_CMP_NEQ && isSame !== undefined ? !isSame : undefined;
  },
  match(traveller, expression) {
    const { name = "", info = new Uint8Array() } = dataOf(match, expression) ?? {};
    return matchesXt(traveller, name, info);
  },
};

/** A packet to a published port is another matter: what is followed is what a pod sends by itself, and answers to that. */
function ctOf({ state }: Packet, key: number | undefined): Bits {
  if (key === NFT_CT_STATE) return knownNumber(state);
  return key === NFT_CT_STATUS ? knownNumber(0, IPS_DST_NAT) : unknown(16);
}

const etherTypes = { ip: new Uint8Array([0x08, 0x00]), ip6: new Uint8Array([0x86, 0xdd]) };

function metaOf({ packet, mark }: Traveller, key: number | undefined): Bits {
  const { family, iifname, oifname } = packet;
  if (key === NFT_META_NFPROTO) return known(new Uint8Array([family]));
  if (key === NFT_META_PROTOCOL)
    return known(family === NFPROTO_IPV4 ? etherTypes.ip : etherTypes.ip6);
  if (key === NFT_META_MARK) return mark;
  if (key === NFT_META_IIFNAME) return nameBits(iifname);
  if (key === NFT_META_OIFNAME) return nameBits(oifname);
  if (key === NFT_META_IIF) return { ...unknown(4), never: loopback.index };
  return unknown(16);
}

function nameBits(name: string | undefined): Bits {
  return name === undefined ? { ...unknown(16), never: loopback.name } : known(nameBytes(name));
}

function nameBytes(name: string): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(new TextEncoder().encode(name).subarray(0, 15));
  return bytes;
}

/** Nothing is forwarded from it. */
const loopback = { name: nameBytes("lo"), index: knownNumber(1).value };

/** Bytes of the IP header, if they lie in an address that is known. */
function headerOf(
  { family, source, destination }: Packet,
  offset: number,
  length: number,
): Uint8Array | undefined {
  const [start, size] = family === NFPROTO_IPV4 ? [12, 4] : [8, 16];
  const [address, at] = offset < start + size ? [source, start] : [destination, start + size];
  if (offset < at || offset + length > at + size) return undefined;
  return address?.subarray(offset - at, offset - at + length);
}

function matchesXt({ packet, mark }: Traveller, name: string, info: Uint8Array): Matches {
  if (name === "comment") return true;
  if (name === "mark") return matchesMark(mark, xtMark(info));
  const wanted = name === "conntrack" ? xtConntrackState(info) : undefined;
  return wanted && ((wanted.mask & packet.state) !== 0) !== wanted.isInverted;
}

function matchesMark(mark: Bits, wanted: MaskedMark | undefined): Matches {
  if (wanted === undefined) return undefined;
  const { value, mask, isInverted } = wanted;
  const is = isEqual(masked(mark, encode(u32, mask), new Uint8Array(4)), encode(u32, value));
  return is === undefined || !isInverted ? is : !is;
}

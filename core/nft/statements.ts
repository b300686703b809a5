/**
 * The words rules are written in: each returns the expressions that nft(8) makes of the text in its description.
 * @module
 */

import { NF_ACCEPT, NF_DROP, NFT_GOTO, NFT_JUMP, NFT_RETURN } from "netlink-ts/nftables/data.ts";
import { bitwise, NFT_BITWISE_MASK_XOR } from "netlink-ts/nftables/expr/bitwise.ts";
import { byteorder, NFT_BYTEORDER_HTON } from "netlink-ts/nftables/expr/byteorder.ts";
import { cmp, NFT_CMP_EQ, NFT_CMP_NEQ } from "netlink-ts/nftables/expr/cmp.ts";
import * as conntrack from "netlink-ts/nftables/expr/ct.ts";
import type { Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { fib, NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR } from "netlink-ts/nftables/expr/fib.ts";
import { verdict } from "netlink-ts/nftables/expr/immediate.ts";
import { lookup, NFT_LOOKUP_F_INV } from "netlink-ts/nftables/expr/lookup.ts";
import { masquerade as masq } from "netlink-ts/nftables/expr/masquerade.ts";
import * as metaKeys from "netlink-ts/nftables/expr/meta.ts";
import { NFT_NAT_DNAT, nat } from "netlink-ts/nftables/expr/nat.ts";
import * as headers from "netlink-ts/nftables/expr/payload.ts";
import {
  ICMP_PORT_UNREACH,
  NFT_REJECT_ICMP_UNREACH,
  reject,
} from "netlink-ts/nftables/expr/reject.ts";
import { NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";
import { NFT_REG_1, registerAt } from "netlink-ts/nftables/registers.ts";
import { encode } from "netlink-ts/wire/codec.ts";
import { u32 } from "netlink-ts/wire/scalars.ts";

import type { SetName } from "./sets.ts";

/** A part of a rule. */
export type Statement = readonly Expression[];

/** Something of the packet that can be loaded into a register. */
export interface Field {
  /** Bytes it takes in a key. */
  readonly length: number;
  load(register: number): Expression[];
}

const zero = new Uint8Array(4);
const RTN_LOCAL = 2;

function payloadField(base: number, offset: number, length: number): Field {
  return { length, load: (dreg) => [headers.payload({ dreg, base, offset, length })] };
}
const link = (offset: number, length: number) =>
  payloadField(headers.NFT_PAYLOAD_LL_HEADER, offset, length);
const networkHeader = (offset: number, length: number) =>
  payloadField(headers.NFT_PAYLOAD_NETWORK_HEADER, offset, length);
const transport = (offset: number, length: number) =>
  payloadField(headers.NFT_PAYLOAD_TRANSPORT_HEADER, offset, length);

function metaField(key: number, length: number): Field {
  return { length, load: (dreg) => [metaKeys.meta({ key, dreg })] };
}

/** Fields, by the text nft has for them: `meta iif`, `meta l4proto` and so on. */
export const iif = metaField(metaKeys.NFT_META_IIF, 4);
export const iifname = metaField(metaKeys.NFT_META_IIFNAME, 16);
export const oifname = metaField(metaKeys.NFT_META_OIFNAME, 16);
export const l4proto = metaField(metaKeys.NFT_META_L4PROTO, 1);
export const protocol = metaField(metaKeys.NFT_META_PROTOCOL, 2);
export const etherSaddr = link(6, 6);
export const etherType = link(12, 2);
export const ipSaddr = networkHeader(12, 4);
export const ipDaddr = networkHeader(16, 4);
export const ip6Saddr = networkHeader(8, 16);
export const ip6Daddr = networkHeader(24, 16);
export const arpSaddrEther = networkHeader(8, 6);
export const arpSaddrIp = networkHeader(14, 4);
/** Source and destination port of UDP at once. */
export const udpPorts = transport(0, 4);
export const thDport = transport(2, 2);
export const icmpv6Type = transport(0, 1);
/** `@th,64,128`: the target address of a neighbour advertisement. */
export const ndTarget = transport(8, 16);

/** `meta l4proto` in the key of an interval set, whose fields nft keeps in network order. */
export const l4protoOfInterval: Field = {
  length: 1,
  load: (register) => [
    ...l4proto.load(register),
    byteorder({
      sreg: register,
      dreg: register,
      operator: NFT_BYTEORDER_HTON,
      length: 1,
      size: 2,
    }),
  ],
};

// ---- conditions

const compare = (operator: number, field: Field, value: Uint8Array): Statement => [
  ...field.load(NFT_REG_1),
  cmp({ sreg: NFT_REG_1, operator, data: { value } }),
];

/** `field value` */
export function is(field: Field, ...value: number[]): Statement {
  return compare(NFT_CMP_EQ, field, new Uint8Array(value));
}

/** `field != value` */
export function isNot(field: Field, ...value: number[]): Statement {
  return compare(NFT_CMP_NEQ, field, new Uint8Array(value));
}

/** What nft puts before the first `ip` of a rule in an inet table. */
export const ipv4 = is(metaField(metaKeys.NFT_META_NFPROTO, 1), NFPROTO_IPV4);
/** What nft puts before the first `ip6` of a rule in an inet table. */
export const ipv6 = is(metaField(metaKeys.NFT_META_NFPROTO, 1), NFPROTO_IPV6);

/** `ip saddr 127.0.0.0/8`: nft compares whole bytes where a prefix ends on one. */
export const fromLoopback = is(networkHeader(12, 1), 127);
/** `ip daddr 127.0.0.0/8` */
export const toLoopback = is(networkHeader(16, 1), 127);
/** `iif != "lo"`: the loopback interface is number 1 of every namespace. */
export const notFromLo = compare(NFT_CMP_NEQ, iif, encode(u32, 1));
/** `ip daddr != 224.0.0.0/4` */
export const notMulticast4: Statement = [
  ...ipDaddr.load(NFT_REG_1),
  masked(new Uint8Array([0xf0, 0, 0, 0]), zero),
  cmp({
    sreg: NFT_REG_1,
    operator: NFT_CMP_NEQ,
    data: { value: new Uint8Array([0xe0, 0, 0, 0]) },
  }),
];
/** `ip6 daddr != ff00::/8` */
export const notMulticast6 = isNot(networkHeader(24, 1), 0xff);

/** `ct status dnat` */
export const ctStatusDnat = ctHas(conntrack.NFT_CT_STATUS, conntrack.IPS_DST_NAT);
/** `ct state established,related` */
export const ctEstablished = ctHas(
  conntrack.NFT_CT_STATE,
  conntrack.NF_CT_STATE_ESTABLISHED | conntrack.NF_CT_STATE_RELATED,
);
/** `fib daddr type local` */
export const toThisHost: Statement = [
  fib({ flags: NFTA_FIB_F_DADDR, result: NFT_FIB_RESULT_ADDRTYPE, dreg: NFT_REG_1 }),
  cmp({ sreg: NFT_REG_1, operator: NFT_CMP_EQ, data: { value: encode(u32, RTN_LOCAL) } }),
];

/** `field . field @set` */
export function isIn(set: SetName, ...fields: Field[]): Statement {
  return [...concatenate(fields), lookup({ sreg: NFT_REG_1, set })];
}

/** `field . field != @set` */
export function isNotIn(set: SetName, ...fields: Field[]): Statement {
  return [...concatenate(fields), lookup({ sreg: NFT_REG_1, set, flags: NFT_LOOKUP_F_INV })];
}

/** What is done, by nft's words: `drop`, `accept`, `return`, `masquerade`. */
export const drop: Statement = [verdict(NF_DROP)];
export const accept: Statement = [verdict(NF_ACCEPT)];
export const leave: Statement = [verdict(NFT_RETURN)];
export const masquerade: Statement = [masq({})];
/** `reject with icmp port-unreachable` */
export const refuse: Statement = [
  reject({ type: NFT_REJECT_ICMP_UNREACH, icmpCode: ICMP_PORT_UNREACH }),
];

/** `jump chain` */
export function jump(chain: string): Statement {
  return [verdict(NFT_JUMP, chain)];
}

/** `goto chain` */
export function goTo(chain: string): Statement {
  return [verdict(NFT_GOTO, chain)];
}

/** `dnat ip to field . field map @map`, address and port */
export function dnatTo(family: number, map: SetName, ...fields: Field[]): Statement {
  const addressLength = family === NFPROTO_IPV4 ? 4 : 16;
  const { load, target } = mapped(family, map, fields);
  return [...load, nat({ ...target, protocolMin: registerAt(addressLength) })];
}

/** `dnat ip to field . field map @map`, the address alone: the port stays */
export function dnatAddressTo(family: number, map: SetName, ...fields: Field[]): Statement {
  const { load, target } = mapped(family, map, fields);
  return [...load, nat(target)];
}

/** `meta mark set meta mark | bit` */
export function setMarkBit(bit: number): Statement {
  return changeMark(masked(encode(u32, ~bit >>> 0), encode(u32, bit)));
}

/** `meta mark & bit != 0 meta mark set meta mark & ~bit` */
export function clearMarkBit(bit: number): Statement {
  return [
    metaKeys.meta({ key: metaKeys.NFT_META_MARK, dreg: NFT_REG_1 }),
    masked(encode(u32, bit), zero),
    cmp({ sreg: NFT_REG_1, operator: NFT_CMP_NEQ, data: { value: zero } }),
    ...changeMark(masked(encode(u32, ~bit >>> 0), zero)),
  ];
}

function changeMark(change: Expression): Statement {
  const key = metaKeys.NFT_META_MARK;
  return [metaKeys.meta({ key, dreg: NFT_REG_1 }), change, metaKeys.meta({ key, sreg: NFT_REG_1 })];
}

function mapped(family: number, map: SetName, fields: Field[]) {
  const load = [...concatenate(fields), lookup({ sreg: NFT_REG_1, dreg: NFT_REG_1, set: map })];
  return { load, target: { type: NFT_NAT_DNAT, family, addressMin: NFT_REG_1 } };
}

/** Loads fields one behind the other, each from a 4-byte boundary on. */
function concatenate(fields: Field[]): Expression[] {
  let offset = 0;
  return fields.flatMap((field) => {
    const loaded = field.load(registerAt(offset));
    offset += (field.length + 3) & ~3;
    return loaded;
  });
}

function masked(mask: Uint8Array, xor: Uint8Array): Expression {
  return bitwise({
    sreg: NFT_REG_1,
    dreg: NFT_REG_1,
    operator: NFT_BITWISE_MASK_XOR,
    length: mask.length,
    mask: { value: mask },
    xor: { value: xor },
  });
}

function ctHas(key: number, bits: number): Statement {
  return [
    conntrack.ct({ key, dreg: NFT_REG_1 }),
    masked(encode(u32, bits), zero),
    cmp({ sreg: NFT_REG_1, operator: NFT_CMP_NEQ, data: { value: zero } }),
  ];
}

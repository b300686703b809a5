/**
 * What the structs of iptables' matches and targets say, as nft_compat keeps them: numbers in host order but for addresses
 * and ports of NAT.
 * @see include/uapi/linux/netfilter/xt_*.h, include/uapi/linux/netfilter/nf_nat.h
 * @module
 */

function viewOf(info: Uint8Array): DataView {
  return new DataView(info.buffer, info.byteOffset, info.byteLength);
}

/** Bits, and those of them that count. */
export interface MaskedMark {
  readonly value: number;
  readonly mask: number;
  readonly isInverted: boolean;
}

/** struct xt_mark_mtinfo1; without the last field, struct xt_mark_tginfo2. */
export function xtMark(info: Uint8Array): MaskedMark | undefined {
  if (info.length < 8) return undefined;
  const view = viewOf(info);
  const isInverted = info.length >= 9 && info[8] !== 0;
  return { value: view.getUint32(0, true), mask: view.getUint32(4, true), isInverted };
}

const XT_CONNTRACK_STATE = 1;
/** struct xt_conntrack_mtinfo3, from where its four addresses and the expiry times end. */
const conntrackAt = { matchFlags: 146, invertFlags: 148, stateMask: 150, end: 152 };

/** Of `-m conntrack --ctstate` and nothing else: bits of NFT_CT_STATE. */
export function xtConntrackState(
  info: Uint8Array,
): { mask: number; isInverted: boolean } | undefined {
  if (info.length < conntrackAt.end) return undefined;
  const view = viewOf(info);
  if (view.getUint16(conntrackAt.matchFlags, true) !== XT_CONNTRACK_STATE) return undefined;
  const isInverted = (view.getUint16(conntrackAt.invertFlags, true) & XT_CONNTRACK_STATE) !== 0;
  return { mask: view.getUint16(conntrackAt.stateMask, true), isInverted };
}

/** The text of `-m comment`: struct xt_comment_info. */
export function xtComment(info: Uint8Array): string {
  const end = info.indexOf(0);
  return new TextDecoder().decode(end < 0 ? info : info.subarray(0, end));
}

const XT_MULTIPORT_DESTINATION = 1;

/** Of `-m multiport --dports` with single ports: struct xt_multiport_v1. */
export function xtMultiport(info: Uint8Array): number[] | undefined {
  const [flags, count = 0] = info;
  if (info.length < 48 || count > 15 || flags !== XT_MULTIPORT_DESTINATION) return undefined;
  const isRange = info.subarray(32, 32 + count).some((each) => each !== 0);
  if (isRange || info[47] !== 0) return undefined;
  const view = viewOf(info);
  return Array.from({ length: count }, (_, at) => view.getUint16(2 + 2 * at, true));
}

/** Where struct xt_tcp and struct xt_udp have ports, first and last of each; what follows is other conditions. */
const portsAt = { source: 0, destination: 4, end: 8 };
/** struct xt_sctp_info; of its flags the one that says that destination ports count. */
const sctpAt = { destination: 0, flags: 60, invertFlags: 64, end: 68 };
const XT_SCTP_DEST_PORTS = 2;

/** Of `-m tcp --dport`, `-m udp --dport` or `-m sctp --dport` with one port and no other condition. */
export function xtDport(name: string, info: Uint8Array): number | undefined {
  const isPlain = name === "sctp" ? isPlainSctp(info) : isPlainTcpOrUdp(info);
  if (!isPlain) return undefined;
  const at = name === "sctp" ? sctpAt.destination : portsAt.destination;
  const [first, last] = [viewOf(info).getUint16(at, true), viewOf(info).getUint16(at + 2, true)];
  return first === last ? first : undefined;
}

function isPlainTcpOrUdp(info: Uint8Array): boolean {
  if (info.length < portsAt.end + 2) return false;
  const view = viewOf(info);
  const [first, last] = [view.getUint16(0, true), view.getUint16(2, true)];
  const isAnySource = first === 0 && (last === 0 || last === 0xffff);
  return isAnySource && info.subarray(portsAt.end).every((byte) => byte === 0);
}

function isPlainSctp(info: Uint8Array): boolean {
  if (info.length < sctpAt.end) return false;
  const view = viewOf(info);
  const flags = view.getUint32(sctpAt.flags, true);
  return flags === XT_SCTP_DEST_PORTS && view.getUint32(sctpAt.invertFlags, true) === 0;
}

/** RTN_LOCAL as a bit of struct xt_addrtype_info. */
const XT_ADDRTYPE_LOCAL = 1 << 2;

/** True for `-m addrtype --dst-type LOCAL` and nothing else, of both revisions. */
export function isXtToLocal(info: Uint8Array): boolean {
  if (info.length < 8) return false;
  const view = viewOf(info);
  const isBare = info.subarray(4).every((byte) => byte === 0);
  return isBare && view.getUint16(0, true) === 0 && view.getUint16(2, true) === XT_ADDRTYPE_LOCAL;
}

/** Where a target of NAT leads: 4 or 16 bytes, and a port that is 0 when it stays as it is. */
export interface XtDestination {
  readonly address: Uint8Array;
  readonly port: number;
}

/** struct nf_nat_ipv4_multi_range_compat, and struct nf_nat_range with its successor nf_nat_range2. */
const ipv4RangeAt = { address: 8, port: 16, end: 20 };
const rangeAt = { address: 4, port: 36, end: 40 };

/** `-j DNAT --to-destination` of one address. @param length of it: 4 or 16 bytes */
export function xtDestination(
  revision: number,
  info: Uint8Array,
  length: number,
): XtDestination | undefined {
  const at = revision === 0 ? ipv4RangeAt : rangeAt;
  if (info.length < at.end) return undefined;
  const address = info.slice(at.address, at.address + length);
  return { address, port: viewOf(info).getUint16(at.port) };
}

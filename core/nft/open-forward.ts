/**
 * Three rules in iptables' own filter tables that accept what our forward chain allows: an `accept` in our table does not
 * overrule a drop in another.
 * @module
 */

import type { Batch } from "netlink-ts/netlink/batch.ts";
import { answeredBy, call } from "netlink-ts/netlink/request.ts";
import { openTransaction } from "netlink-ts/nftables/batch.ts";
import { chainMessage, getChain, NF_INET_FORWARD, newChain } from "netlink-ts/nftables/chain.ts";
import { NF_ACCEPT, NFT_JUMP } from "netlink-ts/nftables/data.ts";
import { bitwise } from "netlink-ts/nftables/expr/bitwise.ts";
import { cmp } from "netlink-ts/nftables/expr/cmp.ts";
import { counter } from "netlink-ts/nftables/expr/counter.ts";
import { dataOf, type Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { immediate, verdict } from "netlink-ts/nftables/expr/immediate.ts";
import { meta, NFT_META_MARK } from "netlink-ts/nftables/expr/meta.ts";
import { match } from "netlink-ts/nftables/expr/xtables.ts";
import { NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";
import { appendRule, getRule, insertRule, ruleMessage } from "netlink-ts/nftables/rule.ts";
import { encode } from "netlink-ts/wire/codec.ts";
import { u32 } from "netlink-ts/wire/scalars.ts";
import { sameBytes } from "../bytes.ts";

import { during, isErrno } from "../errors.ts";
import type { NftSocket } from "./nft-socket.ts";
import { untilNotOvertaken, vanished } from "./retry.ts";
import { forwardMark } from "./table-name.ts";

/** iptables' table and chain. */
const table = "filter";
const forward = "FORWARD";
/** Upstream's chains: ours, and the administrator's before it. */
const cniForward = "CNI-FORWARD";
const cniAdmin = "CNI-ADMIN";
/** Two rules in CNI-FORWARD and one jump to it. */
const usesWhenWhole = 3;

/** What the rules are made for. */
export interface ForwardOptions {
  /** The administrator's chain, which is asked before our mark is accepted; default `CNI-ADMIN`. */
  readonly admin?: string | undefined;
  /** NFPROTO_IPV4, NFPROTO_IPV6; default both. */
  readonly families?: readonly number[];
}

const bothFamilies = [NFPROTO_IPV4, NFPROTO_IPV6];
const oneChain = answeredBy(getChain, chainMessage.pick("hook", "use"));
const theRules = answeredBy(getRule, ruleMessage.pick("chain", "expressions"));

/**
 * Puts the three rules where they are missing: FORWARD jumps to CNI-FORWARD, which jumps to the administrator's chain and accepts
 * our mark. Nothing is changed where iptables-nft's table is not there. When all seems to be there, one exchange tells.
 */
export function openForward(
  nft: NftSocket,
  { admin = cniAdmin, families = bothFamilies }: ForwardOptions = {},
): void {
  const questions = families.flatMap((family) =>
    [forward, cniForward, admin].map((name) => call(oneChain, { family, table, name })),
  );
  const chains = nft.askAll(questions);
  for (const [at, family] of families.entries()) {
    const [base, own, theirs] = chains.slice(3 * at, 3 * at + 3);
    if (base?.hook?.number !== NF_INET_FORWARD) continue;
    // a chain is used by its rules and by jumps to it
    if (own?.use === usesWhenWhole && theirs?.use) continue;
    during(`open chain "${forward}" of table "${familyName(family)} ${table}"`, () =>
      untilNotOvertaken(() => openFamily(nft, family, admin), vanished),
    );
  }
}

/** What of the three rules is missing, as `table "ip filter" has no jump from FORWARD to CNI-FORWARD`; for CHECK. */
export function missingForwardRules(
  nft: NftSocket,
  { admin = cniAdmin, families = bothFamilies }: ForwardOptions = {},
): string[] {
  return families.flatMap((family) => {
    if (!hasForward(nft, family)) return [];
    return missing(nft, family, admin).map(
      ({ what }) => `table "${familyName(family)} ${table}" has no ${what}`,
    );
  });
}

interface ForwardRule {
  readonly what: string;
  readonly chain: string;
  readonly expressions: Expression[];
  readonly first: boolean;
  isThere(expressions: readonly Expression[]): boolean;
}

function openFamily(nft: NftSocket, family: number, admin: string): void {
  const generation = nft.generation();
  if (!hasForward(nft, family)) return;
  const rules = missing(nft, family, admin);
  if (rules.length === 0) return;
  const transaction = openTransaction(generation);
  for (const name of [cniForward, admin]) transaction.add(newChain, { family, table, name });
  for (const rule of rules) addRule(transaction, family, rule);
  nft.commit(transaction);
}

/** iptables' FORWARD is a base chain at the forward hook; another of that name is somebody else's. */
function hasForward(nft: NftSocket, family: number): boolean {
  const chain = nft.ask(oneChain, { family, table, name: forward });
  return chain?.hook?.number === NF_INET_FORWARD;
}

function missing(nft: NftSocket, family: number, admin: string): ForwardRule[] {
  return [jumpToAdmin(admin), ...forwardRules].filter(
    (rule) => !rulesOf(nft, family, rule.chain).some((there) => rule.isThere(there)),
  );
}

function rulesOf(nft: NftSocket, family: number, chain: string): Expression[][] {
  try {
    return nft.connection
      .dump(theRules, { family, table, chain })
      .filter((rule) => rule.chain === chain)
      .map(({ expressions = [] }) => expressions);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return []; // no such chain yet
    throw error;
  }
}

function addRule(transaction: Batch, family: number, rule: ForwardRule): void {
  const { chain, expressions, first } = rule;
  transaction.add(first ? insertRule : appendRule, { family, table, chain, expressions });
}

const count = counter({ bytes: 0n, packets: 0n });

/**
 * -m mark --mark 0x1000/0x1000 as struct xt_mark_mtinfo1, padded to 16 bytes (XT_ALIGN of 64-bit machines). Every iptables-nft
 * reads it; the native form, which versions from 1.8.8 on write, earlier ones take for a rule that accepts everything.
 */
const xtMark = markInfo(encode(u32, forwardMark));
const xtComment = (text: string): Expression => {
  const info = new Uint8Array(256);
  info.set(new TextEncoder().encode(text));
  return match({ name: "comment", revision: 0, info });
};

/** iptables -I CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN */
const jumpToAdmin = (admin: string): ForwardRule => ({
  what: `jump from ${cniForward} to ${admin}`,
  chain: cniForward,
  expressions: [xtComment("CNI firewall plugin admin overrides"), count, verdict(NFT_JUMP, admin)],
  first: true,
  isThere: (expressions) => jumpsTo(expressions, admin),
});

const forwardRules: readonly ForwardRule[] = [
  {
    // iptables -A CNI-FORWARD -m mark --mark 0x1000/0x1000 -j ACCEPT
    what: `rule in ${cniForward} that accepts mark 0x${forwardMark.toString(16)}`,
    chain: cniForward,
    expressions: [match({ name: "mark", revision: 1, info: xtMark }), count, verdict(NF_ACCEPT)],
    first: false,
    isThere: acceptsMark,
  },
  {
    // iptables -I FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD
    what: `jump from ${forward} to ${cniForward}`,
    chain: forward,
    expressions: [xtComment("CNI firewall plugin rules"), count, verdict(NFT_JUMP, cniForward)],
    first: true,
    isThere: (expressions) => jumpsTo(expressions, cniForward),
  },
];

function markInfo(mark: Uint8Array): Uint8Array {
  const info = new Uint8Array(16);
  info.set(mark, 0);
  info.set(mark, 4); // the mask
  return info;
}

function jumpsTo(expressions: readonly Expression[], chain: string): boolean {
  return expressions.some((each) => dataOf(immediate, each)?.data?.verdict?.chain === chain);
}

/** In the xt form, or in the native one that iptables-restore of 1.8.8 and later makes of it. */
function acceptsMark(expressions: readonly Expression[]): boolean {
  const accepts = expressions.some(
    (each) => dataOf(immediate, each)?.data?.verdict?.code === NF_ACCEPT,
  );
  const mark = encode(u32, forwardMark);
  const has = (test: (each: Expression) => boolean | undefined): boolean => expressions.some(test);
  const native =
    has((each) => dataOf(meta, each)?.key === NFT_META_MARK) &&
    has((each) => sameBytes(dataOf(bitwise, each)?.mask?.value, mark)) &&
    has((each) => sameBytes(dataOf(cmp, each)?.data?.value, mark));
  return accepts && (native || has((each) => sameBytes(dataOf(match, each)?.info, xtMark)));
}

function familyName(family: number): string {
  return family === NFPROTO_IPV4 ? "ip" : "ip6";
}

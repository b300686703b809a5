/**
 * Rules that others wrote, as words that can be compared: what iptables-nft writes as xt matches or natively, depending on its
 * release, reads the same, whatever the order of its conditions.
 * @module
 */

import { NF_ACCEPT, NF_DROP, NFT_GOTO, NFT_JUMP, NFT_RETURN } from "netlink-ts/nftables/data.ts";
import { bitwise, NFT_BITWISE_MASK_XOR } from "netlink-ts/nftables/expr/bitwise.ts";
import { cmp, NFT_CMP_EQ, NFT_CMP_NEQ } from "netlink-ts/nftables/expr/cmp.ts";
import { ct, NFT_CT_STATE } from "netlink-ts/nftables/expr/ct.ts";
import { dataOf, type Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { fib, NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR } from "netlink-ts/nftables/expr/fib.ts";
import { immediate } from "netlink-ts/nftables/expr/immediate.ts";
import { meta, NFT_META_MARK } from "netlink-ts/nftables/expr/meta.ts";
import { NFT_NAT_DNAT, nat } from "netlink-ts/nftables/expr/nat.ts";
import { payload } from "netlink-ts/nftables/expr/payload.ts";
import { match, target } from "netlink-ts/nftables/expr/xtables.ts";
import type { RuleMessage } from "netlink-ts/nftables/rule.ts";
import { commentOf } from "netlink-ts/nftables/user-data.ts";

import { xtComment } from "../xt-structs.ts";
import {
  ctState,
  daddrType,
  type Field,
  markText,
  metaField,
  number32,
  payloadField,
  wordOf,
} from "./rule-fields.ts";
import { destinationText, matchWord, targetWord, type Word } from "./xt-words.ts";

/** A rule that was read. */
export interface RuleWords {
  readonly handle: bigint;
  readonly comment: string | undefined;
  /** The chain it leads to. */
  readonly target: string | undefined;
  /** Its words by what they are about: `saddr` to `10.9.2.2/32`. */
  readonly words: ReadonlyMap<string, string>;
  /** All of them in a fixed order, as `saddr 10.9.2.2/32 jump CNI-FORWARD`; what is not understood is in it as well. */
  readonly text: string;
}

/** What of a rule is read. */
export type ReadRule = Pick<RuleMessage, "family" | "handle" | "expressions" | "userdata">;

/** Conditions in this order, what is not understood, then what is done. */
const order: readonly string[] = [
  "iifname",
  "oifname",
  "ether saddr",
  "saddr",
  "daddr",
  "l4proto",
  "dport",
  "daddr type",
  "ct state",
  "mark",
  "?",
  "set mark",
  "masquerade",
  "dnat",
  "verdict",
];

/** Reads a rule. */
export function ruleWords({ family, handle = 0n, expressions, userdata }: ReadRule): RuleWords {
  const reader = new RuleReader(family);
  for (const expression of expressions ?? []) reader.read(expression);
  const { words, comment, target } = reader;
  return { handle, comment: comment ?? commentOf(userdata), target, words, text: textOf(words) };
}

function textOf(words: ReadonlyMap<string, string>): string {
  return [...words]
    .toSorted(([one], [other]) => rank(one) - rank(other))
    .map(([key, word]) => (key === "verdict" ? word : `${key} ${word}`.trim()))
    .join(" ");
}

function rank(key: string): number {
  const at = order.indexOf(key);
  return at < 0 ? order.indexOf("?") : at;
}

/** What a register holds: a field of the packet as far as a mask leaves it, or a constant. */
interface Loaded {
  readonly field?: Field | undefined;
  readonly mask?: Uint8Array | undefined;
  readonly xor?: Uint8Array | undefined;
  readonly value?: Uint8Array | undefined;
}

class RuleReader {
  readonly words = new Map<string, string>();
  comment: string | undefined;
  target: string | undefined;
  /** Whose header a payload is of: in a table of both families the rule says it first. */
  family: number;
  readonly #loaded = new Map<number, Loaded>();

  constructor(family: number) {
    this.family = family;
  }

  /** Adds the words of an expression; its name, if it has none or another has said something of the same. */
  read(expression: Expression): void {
    const { name = "" } = expression;
    if (readers[name]?.(this, expression) !== true) this.words.set(`?${name}`, "");
  }

  load(register = 0, loaded: Loaded): boolean {
    this.#loaded.set(register, loaded);
    return loaded.field !== undefined || loaded.value !== undefined;
  }

  loaded(register = 0): Loaded {
    return this.#loaded.get(register) ?? {};
  }

  say(word: Word | undefined): boolean {
    if (word === undefined || (this.words.get(word[0]) ?? word[1]) !== word[1]) return false;
    this.words.set(...word);
    return true;
  }
}

const verdicts: Readonly<Record<number, string>> = {
  [NF_ACCEPT]: "accept",
  [NF_DROP]: "drop",
  [NFT_RETURN]: "return",
  [NFT_JUMP]: "jump",
  [NFT_GOTO]: "goto",
};

/** What an expression says; false when it has no words. */
type Read = (rule: RuleReader, expression: Expression) => boolean;

const readers: Readonly<Record<string, Read>> = {
  counter: () => true,
  payload(rule, expression) {
    const { dreg, base, offset = 0, length = 0 } = dataOf(payload, expression) ?? {};
    return rule.load(dreg, { field: payloadField(rule.family, base, offset, length) });
  },
  meta(rule, expression) {
    const { key, dreg, sreg } = dataOf(meta, expression) ?? {};
    if (dreg !== undefined) return rule.load(dreg, { field: metaField(key) });
    const { field, mask, xor } = rule.loaded(sreg);
    if (key !== NFT_META_MARK || field?.key !== "mark" || mask === undefined) return false;
    const changed = ~number32(mask) >>> 0;
    return rule.say(["set mark", markText(number32(xor ?? mask), changed)]);
  },
  ct(rule, expression) {
    const { key, dreg } = dataOf(ct, expression) ?? {};
    return rule.load(dreg, { field: key === NFT_CT_STATE ? ctState : undefined });
  },
  fib(rule, expression) {
    const { dreg, flags, result } = dataOf(fib, expression) ?? {};
    const isType = flags === NFTA_FIB_F_DADDR && result === NFT_FIB_RESULT_ADDRTYPE;
    return rule.load(dreg, { field: isType ? daddrType : undefined });
  },
  bitwise(rule, expression) {
    const { sreg, dreg, operator, mask, xor } = dataOf(bitwise, expression) ?? {};
    if ((operator ?? NFT_BITWISE_MASK_XOR) !== NFT_BITWISE_MASK_XOR) return false;
    const { field } = rule.loaded(sreg);
    return rule.load(dreg, { field, mask: mask?.value, xor: xor?.value });
  },
  cmp(rule, expression) {
    const { sreg, operator, data } = dataOf(cmp, expression) ?? {};
    const { field, mask, xor } = rule.loaded(sreg);
    const value = data?.value;
    const isEqual = operator === NFT_CMP_EQ;
    if (field === undefined || value === undefined) return false;
    if (xor?.some((byte) => byte !== 0)) return false;
    if (!isEqual && operator !== NFT_CMP_NEQ) return false;
    if (field.key === "nfproto" && isEqual) {
      rule.family = value[0] ?? 0;
      return true;
    }
    const word = wordOf(field, value, mask, isEqual);
    return word !== undefined && rule.say([field.key, word]);
  },
  immediate(rule, expression) {
    const { dreg, data } = dataOf(immediate, expression) ?? {};
    if (data?.verdict === undefined) return rule.load(dreg, { value: data?.value });
    const { code = NF_ACCEPT, chain } = data.verdict;
    const word = verdicts[code];
    rule.target = chain;
    if (word === undefined) return false;
    return rule.say(["verdict", chain === undefined ? word : `${word} ${chain}`]);
  },
  masq: (rule) => rule.say(["masquerade", ""]),
  nat(rule, expression) {
    const { type, addressMin, protocolMin } = dataOf(nat, expression) ?? {};
    const address = rule.loaded(addressMin).value;
    if (type !== NFT_NAT_DNAT || address === undefined) return false;
    const [high = 0, low = 0] = rule.loaded(protocolMin).value ?? [];
    return rule.say(["dnat", destinationText(address, (high << 8) | low)]);
  },
  match(rule, expression) {
    const { name = "", info = new Uint8Array() } = dataOf(match, expression) ?? {};
    if (name !== "comment") return rule.say(matchWord(name, info));
    rule.comment = xtComment(info);
    return true;
  },
  target(rule, expression) {
    const { name = "", revision = 0, info = new Uint8Array() } = dataOf(target, expression) ?? {};
    return rule.say(targetWord(rule.family, name, revision, info));
  },
};

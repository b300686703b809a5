/**
 * Who else drops what a pod sends: base chains of other makers at the forward hook, which overrule any `accept` of ours.
 *
 * Their rules are followed with a packet of which some is known. What hangs on the rest may be let through, so only chains
 * that drop for certain are told of.
 * @module
 */

import { answeredBy } from "netlink-ts/netlink/request.ts";
import { chainMessage, getChain, NF_INET_FORWARD } from "netlink-ts/nftables/chain.ts";
import {
  NF_ACCEPT,
  NF_DROP,
  NFT_GOTO,
  NFT_JUMP,
  NFT_RETURN,
  type Verdict,
} from "netlink-ts/nftables/data.ts";
import { elementsMessage, getElements } from "netlink-ts/nftables/element.ts";
import { dataOf, type Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { immediate } from "netlink-ts/nftables/expr/immediate.ts";
import { lookup, NFT_LOOKUP_F_INV } from "netlink-ts/nftables/expr/lookup.ts";
import { target } from "netlink-ts/nftables/expr/xtables.ts";
import { NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";
import { NFT_REG_VERDICT } from "netlink-ts/nftables/registers.ts";
import { getRule, ruleMessage } from "netlink-ts/nftables/rule.ts";
import { getSet, setMessage } from "netlink-ts/nftables/set.ts";
import { getTable, tableMessage } from "netlink-ts/nftables/table.ts";

import { inetChains } from "./chains.ts";
import type { NftSocket } from "./nft-socket.ts";
import { either, isKnown, known, type Packet } from "./packet.ts";
import { type Matches, Traveller } from "./rule-match.ts";
import { forwardMark, tableName } from "./table-name.ts";

/** A chain that drops. */
export interface DroppingChain {
  /** NFPROTO_IPV4, NFPROTO_IPV6 or NFPROTO_INET. */
  readonly family: number;
  readonly table: string;
  readonly chain: string;
  /** Whether it sees the mark that our forward chain sets. */
  readonly seesMark: boolean;
}

/** A packet before our forward chain has marked it. */
export type Forwarded = Omit<Packet, "mark">;

const theTables = answeredBy(getTable, tableMessage.pick("name"));
const theChains = answeredBy(getChain, chainMessage.pick("table", "name", "hook", "policy"));
const theRules = answeredBy(getRule, ruleMessage.pick("chain", "expressions"));
const oneSet = answeredBy(getSet, setMessage.pick("keyLength"));
const someElements = answeredBy(getElements, elementsMessage.pick("elements"));

/** Other makers' base chains at the forward hook that drop the packet for certain. */
export function droppingChains(nft: NftSocket, packet: Forwarded): DroppingChain[] {
  return foreignFamilies(nft)
    .filter((family) => family === packet.family || family === NFPROTO_INET)
    .flatMap((family) => forwardChains(nft, family))
    .filter((chain) => new Walk(nft, chain, packet).drops())
    .map(({ family, table, name, seesMark }) => ({ family, table, chain: name, seesMark }));
}

interface BaseChain {
  readonly family: number;
  readonly table: string;
  readonly name: string;
  readonly policy: number;
  readonly seesMark: boolean;
}

/** Families in which there is a table of somebody else: most hosts have few, and our own has many chains to read. */
function foreignFamilies(nft: NftSocket): number[] {
  const tables = nft.connection.dump(theTables, { family: 0 });
  const foreign = tables.filter(({ name }) => name !== tableName);
  return [...new Set(foreign.map(({ family }) => family))];
}

function forwardChains(nft: NftSocket, family: number): BaseChain[] {
  return nft.connection
    .dump(theChains, { family })
    .flatMap(({ table = "", name = "", hook, policy = NF_ACCEPT }) => {
      if (hook?.number !== NF_INET_FORWARD || table === tableName) return [];
      return { family, table, name, policy, seesMark: seesMark(hook.priority ?? 0) };
    });
}

/** Between the chain that sets it and the one that clears it; of the same priority it is not told which comes first. */
function seesMark(priority: number): boolean {
  return priority > inetChains.forward.priority && priority < inetChains.forward_after.priority;
}

/** What a chain does: `passes` when the packet is accepted, or may be. */
type Outcome = "drops" | "passes" | "goes on";

class Walk {
  readonly #nft: NftSocket;
  readonly #base: BaseChain;
  readonly #packet: Traveller;

  constructor(nft: NftSocket, base: BaseChain, packet: Forwarded) {
    this.#nft = nft;
    this.#base = base;
    this.#packet = new Traveller({ ...packet, mark: base.seesMark ? forwardMark : 0 });
  }

  drops(): boolean {
    const { name, policy } = this.#base;
    const outcome = this.#chain(name);
    return outcome === "drops" || (outcome === "goes on" && policy === NF_DROP);
  }

  #chain(chain: string): Outcome {
    const { family, table } = this.#base;
    const rules = this.#nft.connection
      .dump(theRules, { family, table, chain })
      .filter((rule) => rule.chain === chain);
    let mayReturn = false;
    for (const { expressions = [] } of rules) {
      const { mark } = this.#packet;
      const { verdict, matches } = this.#rule(expressions);
      const isReached = verdict !== undefined && matches !== false;
      const outcome = isReached ? this.#outcome(verdict) : "goes on";
      if (matches !== true) this.#packet.setMark(either(mark, this.#packet.mark));
      if (!isReached) continue;
      if (outcome === "passes") return "passes";
      if (matches && outcome === "drops") return mayReturn ? "goes on" : "drops";
      const leaves = outcome === "goes on" && verdict.code !== NFT_JUMP;
      if (matches && leaves) return "goes on";
      mayReturn ||= leaves;
    }
    return "goes on";
  }

  #outcome({ code, chain }: Verdict): Outcome {
    if (code === NFT_JUMP || code === NFT_GOTO) return this.#chain(chain ?? "");
    if (code === NF_DROP) return "drops";
    return code === NFT_RETURN ? "goes on" : "passes";
  }

  /** The verdict of a rule, and whether it is reached. */
  #rule(expressions: readonly Expression[]): { verdict?: Verdict | undefined; matches: Matches } {
    let matches: Matches = true;
    for (const expression of expressions) {
      const verdict = finalVerdict(expression);
      if (verdict !== undefined) return { verdict, matches };
      const found = this.#step(expression);
      if (found.matches === false) return { matches: false };
      if (found.matches === undefined) matches = undefined;
      if (found.verdict !== undefined) return { verdict: found.verdict, matches };
    }
    return { matches };
  }

  #step(expression: Expression): { verdict?: Verdict | undefined; matches: Matches } {
    if (expression.name === "lookup") return this.#lookUp(expression);
    return { matches: this.#packet.matches(expression) };
  }

  /** A key that is known is looked up in the kernel. */
  #lookUp(expression: Expression): { verdict?: Verdict | undefined; matches: Matches } {
    const { set = "", sreg, dreg, flags = 0 } = dataOf(lookup, expression) ?? {};
    const { family, table } = this.#base;
    const { keyLength = 0 } = this.#nft.ask(oneSet, { family, table, name: set }) ?? {};
    const key = this.#packet.registers.get(sreg, keyLength);
    if (keyLength === 0 || !isKnown(key)) {
      this.#packet.registers.forget();
      const verdict = dreg === NFT_REG_VERDICT ? this.#anyOf(set) : undefined;
      return { verdict, matches: undefined };
    }
    const elements = [{ key: { value: key.value } }];
    const found = this.#nft.ask(someElements, { family, table, set, elements })?.elements?.[0];
    const isIn = found !== undefined;
    if (dreg !== undefined && found?.data?.value)
      this.#packet.registers.set(dreg, known(found.data.value));
    return { verdict: found?.data?.verdict, matches: isIn !== ((flags & NFT_LOOKUP_F_INV) !== 0) };
  }

  /** What a map may decide about a key that is not known: the most that any of its elements lets through. */
  #anyOf(set: string): Verdict | undefined {
    const { family, table } = this.#base;
    const elements = this.#nft.connection
      .dump(someElements, { family, table, set })
      .flatMap((answer) => answer.elements ?? []);
    const verdicts = new Map(
      elements.flatMap(({ data }) => {
        const { verdict } = data ?? {};
        return verdict === undefined
          ? []
          : [[`${verdict.code} ${verdict.chain}`, verdict] as const];
      }),
    );
    let mayReturn = false;
    for (const verdict of verdicts.values()) {
      const outcome = this.#outcome(verdict);
      if (outcome === "passes") return { code: NF_ACCEPT };
      mayReturn ||= outcome === "goes on" && verdict.code !== NFT_JUMP;
    }
    return mayReturn ? { code: NFT_RETURN } : undefined;
  }
}

/** What ends a rule; undefined for an expression that does not. */
function finalVerdict(expression: Expression): Verdict | undefined {
  const { name } = expression;
  if (name === "reject") return { code: NF_DROP };
  if (name === "queue" || name === "synproxy" || name === "tproxy") return { code: NF_ACCEPT };
  if (name === "target" && dataOf(target, expression)?.name === "REJECT") return { code: NF_DROP };
  return dataOf(immediate, expression)?.data?.verdict;
}

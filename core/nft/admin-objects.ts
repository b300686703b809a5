/**
 * What an administrator has put into our table: the rules of chain `admin`, and the chains and sets that those lead to.
 * @module
 */

import type { Batch } from "netlink-ts/netlink/batch.ts";
import { answeredBy, type Request } from "netlink-ts/netlink/request.ts";
import { newChain } from "netlink-ts/nftables/chain.ts";
import { elementsMessage, getElements, newElements } from "netlink-ts/nftables/element.ts";
import { dataOf, type Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { immediate } from "netlink-ts/nftables/expr/immediate.ts";
import { lookup } from "netlink-ts/nftables/expr/lookup.ts";
import { NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";
import { appendRule, getRule, ruleMessage } from "netlink-ts/nftables/rule.ts";
import { getSet, newSet, type SetMessage, setMessage } from "netlink-ts/nftables/set.ts";

import { isErrno } from "../errors.ts";
import { adminChain, inetChains } from "./chains.ts";
import type { NftSocket } from "./nft-socket.ts";
import { sets } from "./sets.ts";
import { tableName } from "./table-name.ts";

const NFT_SET_ANONYMOUS = 0x1;
/** Ids name sets within one transaction; ours count from 1. */
const firstId = 1000;
const inTable = { family: NFPROTO_INET, table: tableName };
const theRules = answeredBy(getRule, ruleMessage.pick("table", "chain", "expressions", "userdata"));
/** All that makes a set; not its handle, nor what later kernels tell. */
const theSets = answeredBy(
  getSet,
  setMessage.pick(
    "table",
    "name",
    "flags",
    "keyType",
    "keyLength",
    "dataType",
    "dataLength",
    "description",
    "timeoutMs",
    "userdata",
  ),
);
const theElements = answeredBy(getElements, elementsMessage.pick("elements"));

interface AdminRule {
  readonly chain: string;
  readonly expressions: Expression[];
  readonly userdata: Uint8Array | undefined;
}
type ForeignSet = Pick<SetMessage, "name" | "flags"> & object;

/** Copies of an administrator's objects, to be made anew in the table that replaces theirs. */
export class AdminObjects {
  readonly #rules: AdminRule[];
  readonly #sets: readonly ForeignSet[];
  readonly #elements: ReadonlyMap<string, object[]>;

  private constructor(
    rules: AdminRule[],
    foreign: readonly ForeignSet[],
    elements: ReadonlyMap<string, object[]>,
  ) {
    this.#rules = rules;
    this.#sets = foreign;
    this.#elements = elements;
  }

  /** Reads them; none when there is no table. */
  static read(nft: NftSocket): AdminObjects {
    const rules = reachableFrom(adminChain, rulesByChain(nft));
    const used = new Set(rules.flatMap(({ expressions }) => expressions.flatMap(foreignSet)));
    const isUsed = ({
      table,
      name = "",
    }: {
      table?: string | undefined;
      name?: string | undefined;
    }) => table === tableName && used.has(name);
    const foreign = dump(nft, theSets, inTable).filter(isUsed);
    const elements = foreign.map(({ name = "" }) => {
      const answers = dump(nft, theElements, { ...inTable, set: name });
      return [name, answers.flatMap((answer) => answer.elements ?? [])] as const;
    });
    return new AdminObjects(rules, foreign, new Map(elements));
  }

  /** Adds the requests that make them, behind those that set the table up. */
  appendTo(transaction: Batch): void {
    for (const chain of new Set(this.#rules.map((rule) => rule.chain))) {
      if (chain !== adminChain) transaction.add(newChain, { ...inTable, name: chain });
    }
    const names = this.#sets.map((each, at) => this.#appendSet(transaction, each, firstId + at));
    const places = new Map(this.#sets.map(({ name = "" }, at) => [name, names[at]!]));
    for (const { chain, expressions, userdata } of this.#rules) {
      const moved = expressions.map((each) => withSet(each, places));
      transaction.add(appendRule, { ...inTable, chain, expressions: moved, userdata });
    }
  }

  /** @returns what rules call the set by: the kernel numbers those without a name anew */
  #appendSet(transaction: Batch, foreign: ForeignSet, id: number): SetPlace {
    const isAnonymous = ((foreign.flags ?? 0) & NFT_SET_ANONYMOUS) !== 0;
    const name = isAnonymous ? "__set%d" : (foreign.name ?? "");
    transaction.add(newSet, { ...foreign, ...inTable, name, id });
    const elements = this.#elements.get(foreign.name ?? "") ?? [];
    if (elements.length > 0) {
      transaction.add(newElements, { ...inTable, set: name, setId: id, elements });
    }
    return { set: name, setId: id };
  }
}

interface SetPlace {
  readonly set: string;
  readonly setId: number;
}

function rulesByChain(nft: NftSocket): Map<string, AdminRule[]> {
  const byChain = new Map<string, AdminRule[]>();
  for (const { table, chain = "", expressions = [], userdata } of dump(nft, theRules, inTable)) {
    if (table !== tableName) continue;
    const rule = { chain, expressions, userdata };
    byChain.set(chain, [...(byChain.get(chain) ?? []), rule]);
  }
  return byChain;
}

/** The rules of a chain and of all it leads to, but for our own chains. */
function reachableFrom(start: string, byChain: ReadonlyMap<string, AdminRule[]>): AdminRule[] {
  const found: AdminRule[] = [];
  const seen = new Set<string>();
  const open = [start];
  for (let chain = open.pop(); chain !== undefined; chain = open.pop()) {
    if (seen.has(chain) || (chain !== start && Object.hasOwn(inetChains, chain))) continue;
    seen.add(chain);
    const rules = byChain.get(chain) ?? [];
    found.push(...rules);
    open.push(...rules.flatMap(({ expressions }) => expressions.flatMap(target)));
  }
  return found;
}

function target(expression: Expression): string[] {
  const chain = dataOf(immediate, expression)?.data?.verdict?.chain;
  return chain === undefined ? [] : [chain];
}

function foreignSet(expression: Expression): string[] {
  const set = dataOf(lookup, expression)?.set;
  return set === undefined || Object.hasOwn(sets, set) ? [] : [set];
}

function withSet(expression: Expression, places: ReadonlyMap<string, SetPlace>): Expression {
  const data = dataOf(lookup, expression);
  const place = places.get(data?.set ?? "");
  return data === undefined || place === undefined ? expression : lookup({ ...data, ...place });
}

function dump<I, R>(nft: NftSocket, request: Request<I, R>, value: I): R[] {
  try {
    return nft.connection.dump(request, value);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

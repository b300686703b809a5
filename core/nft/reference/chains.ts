/**
 * Chains of others and their rules: asked for by name, so that a host without them is asked one short question.
 * @module
 */

import { answeredBy, call } from "netlink-ts/netlink/request.ts";
import { chainMessage, getChain } from "netlink-ts/nftables/chain.ts";
import { getRule, ruleMessage } from "netlink-ts/nftables/rule.ts";
import { getTable, tableMessage } from "netlink-ts/nftables/table.ts";
import type { Reader } from "netlink-ts/wire/cursor.ts";

import { isErrno } from "../../errors.ts";
import type { NftSocket } from "../nft-socket.ts";
import { type ChainPlace, describeChain } from "./names.ts";
import { type RuleWords, ruleWords } from "./rule-words.ts";

/** A chain that is there. */
export interface PresentChain extends ChainPlace {
  /** Rules in it, and rules that lead to it. */
  readonly use: number;
}

/** NFT_NAME_MAXLEN less its NUL: the kernel refuses a question with a longer one, as it did the chain. */
const longestName = 255;

const theTables = answeredBy(getTable, tableMessage.pick("name"));
const oneChain = answeredBy(getChain, chainMessage.pick("use"));
const theRule = ruleMessage.pick("chain", "handle", "expressions", "userdata");
/** Not decoded: of hundreds of rules few are wanted. */
const rawRules = answeredBy(getRule, { read: (reader: Reader) => reader.slice() });

/** Those of the chains that are there: one exchange where their tables are not, and no refusals to be made sense of. */
export function presentChains(nft: NftSocket, places: readonly ChainPlace[]): PresentChain[] {
  if (places.length === 0) return [];
  const tables = new Set(nft.connection.dump(theTables, { family: 0 }).map(tableKey));
  const possible = places.filter(
    ({ family, table: name, chain }) =>
      chain.length <= longestName && tables.has(tableKey({ family, name })),
  );
  const answers = nft.askAll(
    possible.map(({ family, table, chain: name }) => call(oneChain, { family, table, name })),
  );
  return possible.flatMap((place, at) => {
    const answer = answers[at];
    return answer === undefined ? [] : { ...place, use: answer.use ?? 0 };
  });
}

function tableKey({ family, name }: { family: number; name?: string | undefined }): string {
  return `${family} ${name}`;
}

/**
 * The rules of a chain, none when it is not there.
 * @param text leaves out rules that do not have it in a name or comment; of ASCII characters
 */
export function rulesIn(nft: NftSocket, place: ChainPlace, text?: string): RuleWords[] {
  const decoder = new TextDecoder();
  return dump(nft, place)
    .filter((bytes) => text === undefined || decoder.decode(bytes).includes(text))
    .map((bytes) => theRule.parse(bytes))
    .filter(({ chain }) => chain === place.chain) // old kernels tell of the whole table
    .map(ruleWords);
}

/** For CHECK: those of the rules that a chain does not have, in words. @param texts of {@link RuleWords} */
export function missingTexts(
  nft: NftSocket,
  place: ChainPlace,
  texts: readonly string[],
): string[] {
  const there = new Set(rulesIn(nft, place).map(({ text }) => text));
  return texts
    .filter((text) => !there.has(text))
    .map((text) => `${describeChain(place)} has no rule "${text}"`);
}

function dump(nft: NftSocket, { family, table, chain }: ChainPlace): Uint8Array[] {
  try {
    return nft.connection.dump(rawRules, { family, table, chain });
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

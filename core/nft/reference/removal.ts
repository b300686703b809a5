/**
 * Taking rules and chains of others away: exactly those that were looked at, or none.
 * @module
 */

import { openTransaction } from "netlink-ts/nftables/batch.ts";
import { deleteChain } from "netlink-ts/nftables/chain.ts";
import { deleteRule } from "netlink-ts/nftables/rule.ts";

import type { Attachment } from "../../attachment.ts";
import { during } from "../../errors.ts";
import type { NftSocket } from "../nft-socket.ts";
import { untilNotOvertaken, vanished } from "../retry.ts";
import { type PresentChain, presentChains, rulesIn } from "./chains.ts";
import { type ChainPlace, containerInComment, natChain } from "./names.ts";
import type { RuleWords } from "./rule-words.ts";

/** A rule where it stands. */
export interface PlacedRule extends RuleWords {
  readonly place: ChainPlace;
}

/** What is to go: the rules first, then the chains, which are empty by then. */
export interface Doomed {
  readonly rules: readonly PlacedRule[];
  readonly chains: readonly ChainPlace[];
}

/**
 * Deletes what `find` finds, in one transaction that holds only as long as nobody has changed anything since it was found.
 * @returns what is gone
 */
export function removeFound(nft: NftSocket, find: () => Doomed): Doomed {
  return during("remove rules of the reference's from nf_tables", () => {
    const found = find();
    return isNothing(found) ? found : removeBound(nft, find);
  });
}

function isNothing({ rules, chains }: Doomed): boolean {
  return rules.length + chains.length === 0;
}

function removeBound(nft: NftSocket, find: () => Doomed): Doomed {
  return untilNotOvertaken(() => {
    const generation = nft.generation();
    const found = find();
    if (isNothing(found)) return found;
    const transaction = openTransaction(generation);
    for (const { place, handle } of found.rules) {
      const { family, table, chain } = place;
      transaction.add(deleteRule, { family, table, chain, handle });
    }
    for (const { family, table, chain: name } of found.chains) {
      transaction.add(deleteChain, { family, table, name });
    }
    nft.commit(transaction, { deletes: true });
    return found;
  }, vanished);
}

/** All that was found, each rule once. */
export function together(parts: readonly Doomed[]): Doomed {
  const rules = new Map<string, PlacedRule>();
  for (const rule of parts.flatMap((each) => each.rules)) {
    const { family, table } = rule.place; // handles are a table's
    rules.set(`${family} ${table} ${rule.handle}`, rule);
  }
  return { rules: [...rules.values()], chains: parts.flatMap(({ chains }) => chains) };
}

/** The rules of a chain with their place. */
export function placedRules(nft: NftSocket, place: ChainPlace, text?: string): PlacedRule[] {
  return rulesIn(nft, place, text).map((rule) => ({ ...rule, place }));
}

/**
 * A chain of one container's with all its rules, and the rules that lead to it. It stays, and so do its rules, when a rule leads
 * to it that `isTheirs` does not know.
 * @param from the chain with the rules that lead to it
 */
export function withJumps(
  nft: NftSocket,
  own: PresentChain,
  from: ChainPlace,
  isTheirs: (jump: PlacedRule) => boolean,
): Doomed {
  const rules = placedRules(nft, own);
  const jumps = placedRules(nft, from, own.chain).filter(({ target }) => target === own.chain);
  const doomed = jumps.filter(isTheirs);
  // the kernel counts the rules of a chain and those that lead to it
  const isFree = own.use === rules.length + doomed.length;
  return isFree ? { rules: [...doomed, ...rules], chains: [own] } : { rules: doomed, chains: [] };
}

/** Whose chains are stale. */
export interface Staleness {
  readonly networkName: string;
  readonly valid: readonly Attachment[];
  /** The name of the chain of a container. */
  chainOf(attachment: Attachment): string;
}

/**
 * Chains of iptables' that containers of a network have left, with the rules that lead to them from `from`. Those name network
 * and container, not the interface.
 */
export function staleChains(
  nft: NftSocket,
  from: ChainPlace,
  { networkName, valid, chainOf }: Staleness,
): Doomed {
  const ids = new Set(valid.map(({ containerId }) => containerId));
  const comments = new Map<string, string>();
  for (const { comment = "", target } of placedRules(nft, from, `"${networkName}"`)) {
    const named = containerInComment(comment);
    if (named?.network !== networkName || ids.has(named.containerId)) continue;
    if (target === chainOf({ ...named, ifname: "" })) comments.set(target, comment);
  }
  const places = [...comments.keys()].map((chain) => natChain(from.family, chain));
  return together(
    presentChains(nft, places).map((place) =>
      withJumps(nft, place, from, ({ comment }) => comment === comments.get(place.chain)),
    ),
  );
}

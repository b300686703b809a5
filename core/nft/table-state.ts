/**
 * Whether our tables work: for CHECK and STATUS.
 * @module
 */

import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { answeredBy } from "netlink-ts/netlink/request.ts";
import { openTransaction } from "netlink-ts/nftables/batch.ts";
import { chainMessage, getChain } from "netlink-ts/nftables/chain.ts";
import { dataOf, type Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { immediate } from "netlink-ts/nftables/expr/immediate.ts";
import { NFPROTO_BRIDGE, NFPROTO_INET, NFT_MSG_DELTABLE } from "netlink-ts/nftables/nfgenmsg.ts";
import { deleteTable } from "netlink-ts/nftables/table.ts";

import { CniError, cniCode } from "../errors.ts";
import { bridgeRules } from "./bridge-rules.ts";
import { inetRules, type Rule } from "./inet-rules.ts";
import { NftSocket } from "./nft-socket.ts";
import { setUp } from "./set-up.ts";
import { tableComment, tableName } from "./table-name.ts";

const chainUses = answeredBy(getChain, chainMessage.pick("table", "name", "use"));
const tables = [
  { family: NFPROTO_INET, label: `inet ${tableName}`, uses: usesOf(inetRules()) },
  { family: NFPROTO_BRIDGE, label: `bridge ${tableName}`, uses: usesOf(bridgeRules()) },
];

/**
 * What is wrong with the set-up: missing or foreign tables, chains that have lost rules; empty when all is well. Rules are
 * counted, not read: the kernel tells of each chain how many rules it has and how many lead to it.
 * @param families whose tables are looked at; by default both
 */
export function setUpFaults(
  nft: NftSocket,
  families: readonly number[] = [NFPROTO_INET, NFPROTO_BRIDGE],
): string[] {
  const wanted = tables.filter(({ family }) => families.includes(family));
  const { comments } = nft.lookUp({ families: wanted.map(({ family }) => family) });
  return wanted.flatMap(({ family, label, uses }, at) => {
    const comment = comments[at];
    if (comment === undefined) return [`table "${label}" is missing`];
    if (comment !== tableComment) {
      return [`table "${label}" is "${comment}", want "${tableComment}"`];
    }
    const found = chainsOf(nft, family);
    return [...uses]
      .filter(([chain, wanted]) => (found.get(chain) ?? 0) < wanted)
      .map(([chain, wanted]) => {
        const count = found.get(chain) ?? 0;
        return `chain "${chain}" of table "${label}" has ${count} rules and jumps, want ${wanted}`;
      });
  });
}

/** How many rules each chain has, and rules of other chains that lead to it. */
function usesOf(rules: Readonly<Record<string, readonly Rule[]>>): Map<string, number> {
  const uses = new Map(Object.entries(rules).map(([chain, { length }]) => [chain, length]));
  for (const expression of Object.values(rules).flat(3) as Expression[]) {
    const target = dataOf(immediate, expression)?.data?.verdict?.chain;
    if (target !== undefined) uses.set(target, (uses.get(target) ?? 0) + 1);
  }
  return uses;
}

function chainsOf(nft: NftSocket, family: number): Map<string, number> {
  const chains = nft.connection.dump(chainUses, { family, table: tableName });
  const ours = chains.filter(({ table }) => table === tableName);
  return new Map(ours.map(({ name = "", use = 0 }) => [name, use]));
}

/**
 * Makes sure that our tables can be used: they are there, or the kernel would take them. Nothing is changed.
 * @throws {CniError} 50 that says what this kernel, or this user, cannot do
 */
export function requireUsable(): void {
  try {
    using nft = NftSocket.open();
    if (nft.tableComment(NFPROTO_INET) !== tableComment) trySetUp(nft);
  } catch (cause) {
    throw new CniError(cniCode.notAvailable, "nf_tables cannot be used", { cause });
  }
}

/** Sets up in a transaction whose last request cannot succeed: the kernel checks all of it and keeps none. */
function trySetUp(nft: NftSocket): void {
  const transaction = openTransaction().append(setUp);
  transaction.add(deleteTable, { family: NFPROTO_INET, name: `${tableName}-no-such-table` });
  try {
    nft.commit(transaction);
  } catch (error) {
    const isThatLast = error instanceof NetlinkError && error.request === NFT_MSG_DELTABLE.name;
    if (!isThatLast) throw error;
  }
}

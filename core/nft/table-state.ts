/**
 * Whether our tables work: for CHECK and STATUS.
 * @module
 */

import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { answeredBy } from "netlink-ts/netlink/request.ts";
import { openTransaction } from "netlink-ts/nftables/batch.ts";
import { NFPROTO_BRIDGE, NFPROTO_INET, NFT_MSG_DELTABLE } from "netlink-ts/nftables/nfgenmsg.ts";
import { getRule, ruleMessage } from "netlink-ts/nftables/rule.ts";
import { deleteTable } from "netlink-ts/nftables/table.ts";

import { CniError, cniCode, isErrno } from "../errors.ts";
import { bridgeRules } from "./bridge-rules.ts";
import { inetRules } from "./inet-rules.ts";
import { NftSocket } from "./nft-socket.ts";
import { setUp } from "./set-up.ts";
import { tableComment, tableName } from "./table-name.ts";

const ruleChains = answeredBy(getRule, ruleMessage.pick("chain"));
const tables = [
  { family: NFPROTO_INET, label: `inet ${tableName}`, rules: Object.entries(inetRules) },
  { family: NFPROTO_BRIDGE, label: `bridge ${tableName}`, rules: Object.entries(bridgeRules) },
];

/** What is wrong with the set-up: missing or foreign tables, chains with rules missing; empty when all is well. */
export function setUpFaults(nft: NftSocket): string[] {
  return tables.flatMap(({ family, label, rules }) => {
    const comment = nft.tableComment(family);
    if (comment === undefined) return [`table "${label}" is missing`];
    if (comment !== tableComment) {
      return [`table "${label}" is "${comment}", want "${tableComment}"`];
    }
    const counts = rulesPerChain(nft, family);
    return rules
      .filter(([chain, { length }]) => (counts.get(chain) ?? 0) < length)
      .map(([chain, { length }]) => {
        const found = counts.get(chain) ?? 0;
        return `chain "${chain}" of table "${label}" has ${found} rules, want ${length}`;
      });
  });
}

function rulesPerChain(nft: NftSocket, family: number): Map<string, number> {
  const counts = new Map<string, number>();
  try {
    for (const { chain = "" } of nft.connection.dump(ruleChains, { family, table: tableName })) {
      counts.set(chain, (counts.get(chain) ?? 0) + 1);
    }
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error; // deleted a moment ago
  }
  return counts;
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

/**
 * Replacing tables of another version of this program.
 * @module
 */

import type { Batch } from "netlink-ts/netlink/batch.ts";
import { answeredBy } from "netlink-ts/netlink/request.ts";
import { openTransaction } from "netlink-ts/nftables/batch.ts";
import { slotLength } from "netlink-ts/nftables/data-types.ts";
import type { Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { dataOf } from "netlink-ts/nftables/expr/expressions.ts";
import { lookup } from "netlink-ts/nftables/expr/lookup.ts";
import { NFPROTO_BRIDGE, NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";
import { appendRule, getRule, ruleMessage } from "netlink-ts/nftables/rule.ts";
import { deleteTable } from "netlink-ts/nftables/table.ts";

import { isErrno } from "../errors.ts";
import { warn } from "../log.ts";
import { adminChain } from "./chains.ts";
import type { NftSocket } from "./nft-socket.ts";
import { untilNotOvertaken, vanished } from "./retry.ts";
import { setUp } from "./set-up.ts";
import { type SetName, sets, type TableSet } from "./sets.ts";
import type { TableElement } from "./table-element.ts";
import { tableName } from "./table-name.ts";
import { appendNew } from "./transaction.ts";

const theRules = answeredBy(getRule, ruleMessage.pick("chain", "expressions", "userdata"));

/**
 * Deletes our tables and makes them anew with the same elements, in one transaction: traffic meets the old ones or the new
 * ones, never none. Elements of sets that this version does not have are left out; the rules of the administrator's chain
 * are carried over.
 */
export function rebuildTables(nft: NftSocket): void {
  untilNotOvertaken(() => {
    const transaction = openTransaction(nft.generation());
    for (const family of [NFPROTO_INET, NFPROTO_BRIDGE]) {
      if (nft.tableComment(family) !== undefined) {
        transaction.add(deleteTable, { family, name: tableName });
      }
    }
    transaction.append(setUp);
    appendAdminRules(nft, transaction);
    const names = Object.keys(sets) as SetName[];
    appendNew(transaction, names.flatMap((set) => nft.elements(set)).filter(fits));
    nft.commit(transaction, { deletes: true });
  }, vanished);
}

/** False when the set's key or data had another shape in the other version. */
function fits({ set, key, data }: TableElement): boolean {
  const types: TableSet = sets[set];
  return (
    key.length === slotLength(types.key) &&
    (data?.length ?? 0) === (types.data === undefined ? 0 : slotLength(types.data))
  );
}

function appendAdminRules(nft: NftSocket, transaction: Batch): void {
  for (const { expressions = [], userdata } of adminRules(nft)) {
    const foreign = expressions.map((each) => dataOf(lookup, each)?.set).find(isForeign);
    if (foreign !== undefined) {
      warn(
        `chain "${adminChain}" of table "inet ${tableName}" loses a rule that uses the set "${foreign}"`,
      );
      continue;
    }
    transaction.add(appendRule, {
      family: NFPROTO_INET,
      table: tableName,
      chain: adminChain,
      expressions: expressions as Expression[],
      userdata,
    });
  }
}

function adminRules(nft: NftSocket) {
  const wanted = { family: NFPROTO_INET, table: tableName, chain: adminChain };
  try {
    return nft.connection.dump(theRules, wanted).filter(({ chain }) => chain === adminChain);
  } catch (error) {
    if (isErrno(error, "ENOENT")) return [];
    throw error;
  }
}

/** A set of the administrator's own, which the new table does not have. */
function isForeign(set: string | undefined): set is string {
  return set !== undefined && !Object.hasOwn(sets, set);
}

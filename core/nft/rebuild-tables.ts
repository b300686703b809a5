/**
 * Replacing tables of another version of this program.
 * @module
 */

import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { openTransaction } from "netlink-ts/nftables/batch.ts";
import { slotLength } from "netlink-ts/nftables/data-types.ts";
import { NFPROTO_BRIDGE, NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";
import { deleteTable } from "netlink-ts/nftables/table.ts";

import { warn } from "../log.ts";
import { AdminObjects } from "./admin-objects.ts";
import { adminChain } from "./chains.ts";
import type { NftSocket } from "./nft-socket.ts";
import { untilNotOvertaken } from "./retry.ts";
import { setUp } from "./set-up.ts";
import { type SetName, sets, type TableSet } from "./sets.ts";
import type { TableElement } from "./table-element.ts";
import { tableName } from "./table-name.ts";
import { appendNew } from "./transaction.ts";

/**
 * Deletes our tables and makes them anew with the same elements, in one transaction: traffic meets the old ones or the new
 * ones, never none. Elements of sets that this version does not have are left out; the rules of the administrator's chain,
 * with the chains and sets they use, are carried over. Those that cannot be are said on stderr.
 */
export function rebuildTables(nft: NftSocket): void {
  let carriesAdmin = true;
  untilNotOvertaken(
    () => rebuildOnce(nft, carriesAdmin),
    (error) => {
      if (!carriesAdmin || !(error instanceof NetlinkError)) return false;
      warn(`the rules of chain "${adminChain}" could not be carried over: ${error.message}`);
      carriesAdmin = false;
      return true;
    },
  );
}

function rebuildOnce(nft: NftSocket, carriesAdmin: boolean): void {
  const transaction = openTransaction(nft.generation());
  for (const family of [NFPROTO_INET, NFPROTO_BRIDGE]) {
    if (nft.tableComment(family) !== undefined) {
      transaction.add(deleteTable, { family, name: tableName });
    }
  }
  transaction.append(setUp);
  if (carriesAdmin) AdminObjects.read(nft).appendTo(transaction);
  const names = Object.keys(sets) as SetName[];
  appendNew(transaction, names.flatMap((set) => nft.elements(set)).filter(fits));
  nft.commit(transaction, { deletes: true });
}

/** False when the set's key or data had another shape in the other version. */
function fits({ set, key, data }: TableElement): boolean {
  const types: TableSet = sets[set];
  return (
    key.length === slotLength(types.key) &&
    (data?.length ?? 0) === (types.data === undefined ? 0 : slotLength(types.data))
  );
}

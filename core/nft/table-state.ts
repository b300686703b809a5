/**
 * Whether our tables work: for CHECK and STATUS.
 * @module
 */

import { answeredBy } from "netlink-ts/netlink/request.ts";
import { NFPROTO_BRIDGE, NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";
import { getRule, ruleMessage } from "netlink-ts/nftables/rule.ts";

import { isErrno } from "../errors.ts";
import { bridgeRules } from "./bridge-rules.ts";
import { inetRules } from "./inet-rules.ts";
import type { NftSocket } from "./nft-socket.ts";
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

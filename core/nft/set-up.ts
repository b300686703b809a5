/**
 * The messages that set our tables up, encoded when the program is built.
 * @module
 */

import { Batch } from "netlink-ts/netlink/batch.ts";
import { newChain } from "netlink-ts/nftables/chain.ts";
import { NF_ACCEPT } from "netlink-ts/nftables/data.ts";
import { describeSet } from "netlink-ts/nftables/data-types.ts";
import { NFPROTO_BRIDGE, NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";
import { appendRule, deleteRule } from "netlink-ts/nftables/rule.ts";
import { newSet } from "netlink-ts/nftables/set.ts";
import { newTable } from "netlink-ts/nftables/table.ts";
import { commentUserData } from "netlink-ts/nftables/user-data.ts";

import { bridgeRules } from "./bridge-rules.ts";
import { bridgeChains, type ChainHook, type Chains, inetChains } from "./chains.ts";
import { inetRules, type Rule } from "./inet-rules.ts";
import { sets, type TableSet } from "./sets.ts";
import { tableComment, tableName } from "./table-name.ts";

/**
 * Requests that make both tables with their sets, chains and rules, to be put at the front of a transaction. Where they are
 * there already only the chains' rules are made anew and elements stay, so any number may do this at once.
 */
export const setUp: Batch = joined(
  setUpOf(NFPROTO_INET, inetChains, inetRules()),
  setUpOf(NFPROTO_BRIDGE, bridgeChains, bridgeRules()),
);

/** All requests in one batch that has no room to spare. */
function joined(...parts: Batch[]): Batch {
  const whole = new Batch(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  for (const part of parts) whole.append(part);
  return whole;
}

function setUpOf(family: number, chains: Chains, rules: Readonly<Record<string, Rule[]>>): Batch {
  const batch = new Batch(16384);
  batch.add(newTable, {
    family,
    name: tableName,
    flags: 0,
    userdata: commentUserData(tableComment),
  });
  addSets(batch, family);
  for (const [name, hook] of Object.entries(chains)) {
    batch.add(newChain, { family, table: tableName, name, ...(hook && baseChain(hook)) });
  }
  for (const [chain, list] of Object.entries(rules)) {
    batch.add(deleteRule, { family, table: tableName, chain }); // what an earlier set-up left
    for (const rule of list) {
      batch.add(appendRule, { family, table: tableName, chain, expressions: rule.flat() });
    }
  }
  return batch;
}

function addSets(batch: Batch, family: number): void {
  const ours = Object.entries<TableSet>(sets).filter(([, set]) => set.family === family);
  ours.forEach(([name, set], index) => {
    batch.add(newSet, { family, table: tableName, name, id: index + 1, ...describeSet(set) });
  });
}

function baseChain({ type, number, priority }: ChainHook) {
  return { type, policy: NF_ACCEPT, hook: { number, priority } };
}

/**
 * What may stay after the last DEL (checklist 5.9), as data: tightening is one edit.
 * @module
 */
import type { Snapshot } from "../../test/kernel/snapshot.ts";

/** Rows that may stay, by kind of row. A row is left out when one of the expressions matches it. */
export const allowedResidue: Readonly<Record<keyof Snapshot, readonly RegExp[]>> = {
  // nobody deletes a bridge, nor the gateway addresses on it
  links: [/^\S+ bridge /],
  addresses: [/^(cni|br|nl)[\w.-]* /],
  routes: [/"dev":"(cni|br|nl)[\w.-]*"/],
  // the kernel's own since a namespace has had a VRF
  rules: [/^\{"priority":1000,"src":"all","l3mdev":null/],
  // tables, chains and what makes them work; never what names an attachment
  nft: [
    /^\{"(table|set|map)":(?!.*"elem")/,
    /^\{"chain":(?!.*"name":"(CNI-[0-9a-f]{24}|CNI-[DS]N-[0-9a-f]+|cni-br-iface-))/,
    /^\{"rule":\{"family":"(inet|bridge|netdev|ip|ip6)","table":"netloom/,
    /^\{"(set|map)":\{"family":"(inet|bridge)","name":"(near|direct|version|bridges|same)[46]?"/,
    /^\{"rule":(?!.*"chain":"CNI-DN-).*"target":"CNI-(FORWARD|ADMIN|HOSTPORT-\w+|ISOLATION[\w-]*)"/,
    /^\{"rule":.*"chain":"CNI-(HOSTPORT-(SETMARK|MASQ)|ISOLATION[\w-]*)"(?!.*"comment":)/,
    /^\{"rule":\{"family":"ip6?","table":"cni_hostport"(?!.*"comment")/,
    /^\{"rule":\{"family":"inet","table":"cni_plugins_masquerade"(?!.*"comment")/,
  ],
  files: [
    // folders, host-local's lock and counters, our ledger, the locks of everybody
    /^\S+\/ \d+$/,
    /\/(lock|last_reserved_ip\.\d+|\.netloom-ledger) \d+ \w+$/,
    /^\/run\/(netloom\/)?[\w.-]*lock \d+ \w+$/,
    /^\/run\/xtables\.lock/,
  ],
};

/** The snapshot without the rows that may stay. */
export function withoutResidue(snapshot: Snapshot): Snapshot {
  const kept = Object.entries(snapshot).map(([kind, rows]) => {
    const allowed = allowedResidue[kind as keyof Snapshot];
    return [kind, rows.filter((row: string) => !allowed.some((pattern) => pattern.test(row)))];
  });
  return Object.fromEntries(kept) as Snapshot;
}

/**
 * Tables of iptables-legacy, which stand beside nf_tables at the same hooks. Their rules are not looked into: the kernel tells of
 * them in another way, and tools of nf_tables cannot change them.
 * @module
 */

import { forwardMark } from "../../core/nft/table-name.ts";
import { readFileIfPresent } from "../../core/state/file.ts";

/** Names of the tables that are there, one a line, in the namespace of the process. */
const lists = [
  { path: "/proc/net/ip_tables_names", tool: "iptables-legacy" },
  { path: "/proc/net/ip6_tables_names", tool: "ip6tables-legacy" },
];

/** A sentence for each family that has a table `filter` there, with what it takes if that drops. */
export function doubtsOfLegacyTables(): string[] {
  return lists
    .filter(({ path }) => namesIn(path).includes("filter"))
    .map(({ tool }) => {
      const mark = `0x${forwardMark.toString(16)}`;
      const rule = `${tool} -I FORWARD -m mark --mark ${mark}/${mark} -j ACCEPT`;
      return `${tool} has a table "filter", which is not looked into; if its chain "FORWARD" drops, it takes: ${rule}`;
    });
}

function namesIn(path: string): string[] {
  const bytes = readFileIfPresent(path, 4096);
  return new TextDecoder().decode(bytes ?? new Uint8Array()).split("\n");
}

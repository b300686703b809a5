/**
 * Tables of iptables-legacy, which stand beside nf_tables at the same hooks. Their rules are not looked into: the kernel tells of
 * them in another way, and tools of nf_tables cannot change them.
 * @module
 */

import { legacyToolsWith } from "../../core/nft/reference/legacy.ts";
import { forwardMark } from "../../core/nft/table-name.ts";

/** A sentence for each family that has a table `filter` there, with what it takes if that drops. */
export function doubtsOfLegacyTables(): string[] {
  return legacyToolsWith("filter").map((tool) => {
    const mark = `0x${forwardMark.toString(16)}`;
    const rule = `${tool} -I FORWARD -m mark --mark ${mark}/${mark} -j ACCEPT`;
    return `${tool} has a table "filter", which is not looked into; if its chain "FORWARD" drops, it takes: ${rule}`;
  });
}

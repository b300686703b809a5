/**
 * What is on the host after everything was deleted that was not there before.
 * @module
 */
import type { Snapshot } from "../../test/kernel/snapshot.ts";

/** Differences between two moments, in two kinds. */
export interface Residue {
  /** What a network keeps on purpose for the next container; it belongs to no attachment. */
  kept: string[];
  /** What should not be there, or should be there and is not. */
  wrong: string[];
}

/** Files that host-local keeps for a network: its lock, where the search goes on, the boot the reservations are of. */
const keptFile =
  /^\/var\/lib\/cni(\/networks(\/[^/]+(\/(lock|last_reserved_ip\.\d+|\.netloom-ledger))?)?)?\/? /;
/** Folders of our own on tmpfs, empty. */
const keptFolder = /^\/run\/netloom[^ ]*\/ /;

function isKept(kind: keyof Snapshot, row: string, bridge: string, gone: RegExp): boolean {
  if (gone.test(row)) return false;
  if (kind === "nft") return /"(name|table)":"netloom"/.test(row);
  if (kind === "files")
    return keptFile.test(row) || keptFolder.test(row) || row.startsWith("/run/netloom/lock");
  return row.startsWith(`${bridge} `) || row.includes(`"dev":"${bridge}"`);
}

/**
 * Compares two moments of a host.
 * @param bridge the network's bridge, which stays with its addresses as in the reference plugins
 * @param gone text that nothing may hold any more: the container's id and its addresses
 */
export function residue(before: Snapshot, after: Snapshot, bridge: string, gone: RegExp): Residue {
  const found: Residue = { kept: [], wrong: [] };
  for (const kind of Object.keys(before) as (keyof Snapshot)[]) {
    const [was, is] = [new Set(before[kind]), new Set(after[kind])];
    for (const row of is) {
      if (was.has(row)) continue;
      (isKept(kind, row, bridge, gone) ? found.kept : found.wrong).push(`${kind}: ${row}`);
    }
    for (const row of was) {
      if (!is.has(row)) found.wrong.push(`${kind}: missing: ${row}`);
    }
  }
  return found;
}

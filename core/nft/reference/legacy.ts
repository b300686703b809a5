/**
 * iptables-legacy: its rules are not in nf_tables, and nobody but its own programs can read or change them.
 * @module
 */

import { isErrno } from "../../errors.ts";
import { readFileIfPresent } from "../../state/file.ts";

/** Names of the tables that are there, one a line, in the namespace of the process. */
const lists = [
  { path: "/proc/net/ip_tables_names", tool: "iptables-legacy" },
  { path: "/proc/net/ip6_tables_names", tool: "ip6tables-legacy" },
];
const longestList = 4096;

/** The tools that have that table in the current namespace: `iptables-legacy`, `ip6tables-legacy`. */
export function legacyToolsWith(table: string): string[] {
  return lists.filter(({ path }) => namesIn(path).includes(table)).map(({ tool }) => tool);
}

/** Whether one of them has it: `nat`, `filter`. */
export function isInLegacy(table: string): boolean {
  return legacyToolsWith(table).length > 0;
}

function namesIn(path: string): string[] {
  try {
    const bytes = readFileIfPresent(path, longestList);
    return new TextDecoder().decode(bytes ?? new Uint8Array()).split("\n");
  } catch (error) {
    if (isErrno(error, "EACCES", "EPERM", "EINVAL")) return []; // a namespace that is not ours to administer
    throw error;
  }
}

/** What to say when rules of the reference's are not found, and may be there. @param what they do, as `masquerade of "net/c1:eth0"` */
export function legacyText(what: string, table: string): string {
  return `${what} cannot be looked for in table "${table}" of iptables-legacy: what the reference's plugins put there stays until the host restarts, or until iptables-legacy -t ${table} -F`;
}

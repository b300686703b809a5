/**
 * iptables-legacy: its rules are not in nf_tables, and nobody but its own programs can read or change them.
 * @module
 */

import { isErrno } from "../../errors.ts";
import { readFileIfPresent } from "../../state/file.ts";

const lists = ["/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"];
const longestList = 4096;

/** Whether iptables-legacy has that table in the current namespace, in either family: `nat`, `filter`. */
export function isInLegacy(table: string): boolean {
  return lists.some((path) => namesIn(path).includes(table));
}

function namesIn(path: string): string[] {
  try {
    const bytes = readFileIfPresent(path, longestList);
    return bytes === undefined ? [] : new TextDecoder().decode(bytes).split("\n");
  } catch (error) {
    if (isErrno(error, "EACCES", "EPERM", "EINVAL")) return []; // a namespace that is not ours to administer
    throw error;
  }
}

/** What to say when rules of the reference's are not found, and may be there. @param what they do, as `masquerade of "net/c1:eth0"` */
export function legacyText(what: string, table: string): string {
  return `${what} cannot be looked for in table "${table}" of iptables-legacy: what the reference's plugins put there stays until the host restarts, or until iptables-legacy -t ${table} -F`;
}

/**
 * What a host and its pods look like from outside, as rows, in one execution of a shell: fault tests look after each of
 * hundreds of points.
 * @module
 */

import type { Sandbox } from "../kernel/sandbox.ts";
import { fileRows, nftRows } from "../kernel/snapshot.ts";

/** Two executions of ip(8) tell all: with -batch it takes no family but its own. */
const script = `ask() {
  printf 'link\\naddress\\nroute show table all\\nrule\\n' | ip "$@" -o -batch -
  printf 'route show table all\\nrule\\n' | ip "$@" -6 -o -batch -
}
ask
for pod in "$@"; do echo @; ask -n "$pod"; done
echo @; tc qdisc
echo @; nft -j list ruleset`;

const linkForm = /^\d+: ([^:@]+)(?:@[^:]+)?: <([^>]*)> mtu (\d+)(?:.*? master (\S+))?/;
const addressForm = /^\d+: (\S+) +inet6? (\S+)/;
/** Comes and goes with the kernel's own work, some time later; a local route follows from an address, which is a row. */
const passing = / (linkdown|dead)\b/g;
const kernelsOwn =
  /\bfe80:|\bff00::|^route (multicast|anycast)|^route local .* table local proto kernel/;

/** A line of `ip -o` as a row: `link name up mtu master`, `address name address/length`, `rule …` or `route …`. */
function networkRow(line: string): string {
  const [link, name, flags = "", mtu, master = "-"] = linkForm.exec(line) ?? [];
  if (link !== undefined) {
    const up = flags.split(",").includes("UP") ? "up" : "down";
    return `link ${name} ${up} ${mtu} ${master}`;
  }
  const [address, owner, prefix] = addressForm.exec(line) ?? [];
  if (address !== undefined) return `address ${owner} ${prefix}`;
  if (/^\d+:/.test(line)) return `rule ${line}`;
  return `route ${line.replace(passing, "")}`;
}

function networkRows(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .map(networkRow)
    .filter((row) => !kernelsOwn.test(row));
}

/** Lines of `tc qdisc` but those of the queues that links have by themselves, which have no handle. */
function queueRows(text: string): string[] {
  const lines = text.split("\n").filter((line) => line !== "" && !/^qdisc \S+ 0: /.test(line));
  return lines.map((line) => line.trim());
}

/** `path mode` of everything below the places where state is kept; folders end with a slash. */
function stateFiles(sandbox: Sandbox): string[] {
  const skip = (path: string) => /^\/run\/(netns|mount|xtables\.lock)/.test(path);
  const rows = ["/run", "/var/lib"].flatMap((top) => fileRows(sandbox.path(top), top, skip));
  return rows.map((row) => `file ${row.replace(/^(\S+) (\d+) [0-9a-f]{16}$/, "$1 $2")}`);
}

/**
 * Rows of links, addresses, routes, queues, nf_tables objects and files of the host; those of the pods begin with `pod `. Contents of
 * files, numbers the kernel gives, and what it does by itself are not part of it.
 * @param pods names of network namespaces that are there
 */
export function observe(sandbox: Sandbox, pods: readonly string[] = []): string[] {
  const parts = sandbox.ok(["sh", "-c", script, "sh", ...pods]).split(/^@$/m);
  const ruleset = JSON.parse(parts.pop() ?? "").nftables;
  const queues = parts.pop() ?? "";
  const [host = "", ...inside] = parts;
  return [
    ...networkRows(host),
    ...inside.flatMap(networkRows).map((row) => `pod ${row}`),
    ...queueRows(queues),
    ...nftRows(ruleset).map((row) => `nft ${row}`),
    ...stateFiles(sandbox),
  ].sort();
}

/** Rows that are there and should not be, with +, and that should be there and are not, with -. */
export function difference(wanted: readonly string[], found: readonly string[]): string[] {
  return [
    ...found.filter((row) => !wanted.includes(row)).map((row) => `+ ${row}`),
    ...wanted.filter((row) => !found.includes(row)).map((row) => `- ${row}`),
  ];
}

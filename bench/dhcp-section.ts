/**
 * What is told of leases.
 * @module
 */
import { type DhcpSize, dhcpColumns } from "./dhcp.ts";
import { cell, type Table } from "./figures.ts";
import { table } from "./readme.ts";

const rows: readonly [row: string, title: (size: DhcpSize) => string][] = [
  ["one", () => "ADD of one pod, ms"],
  ["ADD", ({ pods }) => `${pods} ADDs at once, ms`],
  ["DEL", ({ pods }) => `${pods} DELs at once, ms`],
  ["processor", () => "the daemon's processor time for an ADD and its DEL, ms"],
  ["failed", () => "failed calls"],
  ["idle", () => "the daemon's memory without leases, MiB"],
  ["holding", ({ pods }) => `with ${pods} leases, MiB`],
  ["peak", () => "at most, MiB"],
];

/** The section of bench/README.md. */
export function dhcpSection(figures: Table, size: DhcpSize): string {
  const lines = rows.map(([row, title]) => [
    title(size),
    ...dhcpColumns.map((column) => cell(figures.at(row, column))),
  ]);
  return `## Leases

The IPAM plugin \`dhcp\` and its daemon, with dnsmasq as server: ${size.pods} pods whose links are there, ${size.rounds} rounds in turn. Ours asks with ARP
for 200 ms whether an address is free before a pod gets it; the reference does not, so ours is shown without that, too.

${table(["", ...dhcpColumns], lines)}`;
}

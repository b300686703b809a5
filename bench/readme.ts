/**
 * The figures as bench/README.md shows them.
 * @module
 */
import { readdirSync, statSync } from "node:fs";
import { cpus, release } from "node:os";
import { join } from "node:path";
import { binFolder } from "../scripts/place.ts";
import { alone, whole } from "./contenders.ts";
import { pathColumn } from "./data-path.ts";
import { cell, digits, type Samples, type Table } from "./figures.ts";
import { type Measured, type Size, workRow } from "./measure.ts";

const columns = ["netloom", "reference", "reference, nftables", "C floor"];

/** A table of Markdown. */
export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The better of the reference's two back ends. */
function reference(figures: Table, row: string): Samples {
  const [one, two] = [figures.at(row, "reference"), figures.at(row, "reference, nftables")];
  return two.median < one.median ? two : one;
}

/** `1/13` for a part, `3.2x` for a multiple. */
function ratio(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value < 1 ? `1/${digits(1 / value)}` : `${digits(value)}x`;
}

/** Whether a figure reaches its target, in words the table shows. */
function verdict(value: number, most: number): string {
  return value <= most ? "reached" : `missed by ${digits(value / most)}x`;
}

interface ChainRow {
  row: string;
  title: string;
  /** The most that the ratio to the reference may be; none when nothing was promised. */
  most?: number;
}

function chainRows(size: Size): ChainRow[] {
  const many = `beside ${size.pods} attachments`;
  return [
    { row: "ADD", title: "ADD", most: 1 / 12 },
    { row: "DEL", title: "DEL", most: 1 / 7 },
    { row: "CHECK", title: "CHECK", most: 1 / 10 },
    { row: "ADD beside many", title: `ADD ${many}`, most: 1 / 12 },
    { row: "DEL beside many", title: `DEL ${many}`, most: 1 / 7 },
    { row: "CHECK beside many", title: `CHECK ${many}`, most: 1 / 10 },
    { row: "ADD at once, again", title: `${size.atOnce} ADDs at once`, most: 1 / 12 },
    { row: "ADD at once, virgin", title: `${size.atOnce} ADDs at once, virgin host`, most: 1 / 12 },
    { row: "DEL at once, again", title: `${size.atOnce} DELs at once` },
  ];
}

function chainTable({ chains }: Measured, size: Size): string {
  const head = ["ms", ...columns, "netloom / reference", "netloom / floor", "must", ""];
  const rows = chainRows(size).map(({ row, title, most }) => {
    const [ours, floor] = [chains.at(row, "netloom").median, chains.at(row, "C floor").median];
    const part = ours / reference(chains, row).median;
    const target =
      most === undefined ? ["", ""] : [`<= 1/${Math.round(1 / most)}`, verdict(part, most)];
    const cells = columns.map((column) => cell(chains.at(row, column)));
    return [title, ...cells, ratio(part), ratio(ours / floor), ...target];
  });
  return table(head, rows);
}

/** The works that are measured on an empty host alone. */
function workTable({ chains }: Measured): string {
  const most: Record<string, number> = { ADD: 1 / 12, DEL: 1 / 7, CHECK: 1 / 10 };
  const head = ["ms", ...columns, "netloom / reference", "netloom / floor", "must", ""];
  const rows = [whole, ...alone].flatMap((work) =>
    ["ADD", "DEL", "CHECK"].map((verb) => {
      const row = workRow(verb, work);
      const [ours, floor] = [chains.at(row, "netloom").median, chains.at(row, "C floor").median];
      const part = ours / reference(chains, row).median;
      const limit = work === whole ? most[verb] : undefined;
      const target =
        limit === undefined ? ["", ""] : [`<= 1/${Math.round(1 / limit)}`, verdict(part, limit)];
      const cells = columns.map((column) => cell(chains.at(row, column)));
      return [`${verb}, ${work.name}`, ...cells, ratio(part), ratio(ours / floor), ...target];
    }),
  );
  return table(head, rows);
}

/** A program of both chains is told of as in the first. */
function programRow(verb: string, type: string): string {
  const isFirst = ["bridge", "portmap"].includes(type);
  return isFirst ? `${verb} ${type}` : workRow(`${verb} ${type}`, whole);
}

function programTable({ chains }: Measured): string {
  const head = ["ms", ...columns.slice(0, 3), "netloom / reference"];
  const rows = ["ADD", "DEL", "CHECK"].flatMap((verb) =>
    ["bridge", "portmap", "firewall", "tuning"].map((type) => {
      const row = programRow(verb, type);
      const part = chains.at(row, "netloom").median / reference(chains, row).median;
      const cells = columns.slice(0, 3).map((column) => cell(chains.at(row, column)));
      return [`${verb} ${type}`, ...cells, ratio(part)];
    }),
  );
  return table(head, rows);
}

function versionTable({ versions }: Measured): string {
  const head = [
    "ms",
    "netloom",
    "reference",
    "/usr/bin/true",
    "static no-op",
    "/ true",
    "/ reference",
  ];
  const rows = [...versions.rows.keys()].map((type) => {
    const ours = versions.at(type, "netloom").median;
    const [theirs, nothing] = [versions.at(type, "reference"), versions.at(type, "true")];
    const parts = [ours / nothing.median, ours / theirs.median].map(ratio);
    const cells = ["netloom", "reference", "true", "no-op"].map((name) =>
      cell(versions.at(type, name)),
    );
    return [type, ...cells, ...parts];
  });
  return table(head, rows);
}

/** What the starts of a chain's programs cost together. */
function starts({ versions }: Measured): number {
  const each = ["bridge", "host-local", "portmap"].map(
    (type) => versions.at(type, "netloom").median,
  );
  return each.reduce((sum, start) => sum + start, 0);
}

/** What one of our programs' ADD costs beyond its start, against the same work in C. */
function workRatio(measured: Measured): number {
  const { chains, versions } = measured;
  const work = chains.at("ADD", "netloom").median - starts(measured);
  return work / (chains.at("ADD", "C floor").median - versions.at("bridge", "no-op").median);
}

/** One paragraph: what an ADD consists of. */
function profile(measured: Measured): string {
  const { chains, faults } = measured;
  const [ours, floor] = ["netloom", "C floor"].map((name) => chains.at("ADD", name).median);
  return `Of the ${digits(ours ?? Number.NaN)} ms of an ADD, ${digits(starts(measured))} are the starts of its three programs (their VERSION),
and ${digits(floor ?? Number.NaN)} is what the floor takes for its share of the kernel's work. The rest is the interpreter, and
${faults.at("ADD", "netloom").median} page faults: each page of a heap image is copied when it is first written. \`npx tsx bench/profile.ts bridge ADD\` shows
the share of each function.`;
}

function peak(memory: Table, row: string, column: string): number {
  return Math.max(...memory.at(row, column).values) / 1024;
}

function pair(table: Table, column: string): string {
  return ["ADD", "DEL"].map((verb) => String(table.at(verb, column).median)).join(" / ");
}

function sizes(): number[] {
  return readdirSync(binFolder).map((name) => statSync(join(binFolder, name)).size / 1e6);
}

function otherTable(measured: Measured): string {
  const { memory, faults, processor, traces, failed } = measured;
  const traced = (name: string, verb: "add" | "del", what: "externalPrograms" | "systemCalls") =>
    String(traces.get(name)?.[verb][what] ?? "-");
  const row = (title: string, value: (name: string) => string, must: string) => [
    title,
    ...columns.map(value),
    must,
  ];
  const both = (what: "externalPrograms" | "systemCalls") => (name: string) =>
    `${traced(name, "add", what)} / ${traced(name, "del", what)}`;
  return table(
    ["", ...columns, "must"],
    [
      row("external programs started, ADD / DEL", both("externalPrograms"), "0"),
      row("system calls, ADD / DEL", both("systemCalls"), ""),
      row("page faults, ADD / DEL", (name) => pair(faults, name), ""),
      row("processor time, ADD / DEL, ms", (name) => pair(processor, name), ""),
      row("failed calls of all made at once", (name) => String(failed.get(name) ?? 0), "0"),
      row("peak memory of ADD, MiB", (name) => digits(peak(memory, "ADD", name)), "<= 6"),
      ["largest program, MB", digits(Math.max(...sizes())), "", "", "", "<= 2"],
      ["ADD less VERSION / the floor's work", ratio(workRatio(measured)), "", "", "", "<= 4x"],
    ],
  );
}

/** To the first and the last of many published ports; the last may cost a tenth more. */
function pathTable(path: Table): string {
  const head = ["", ...columns.slice(0, 3).flatMap((name) => [`${name}, first`, "last"])];
  const rows: [row: string, title: string, scale: number][] = [
    ["connect", "new connection and first answer, us", 1],
    ["ask", "request and response, us", 1],
    ["bulk", "one stream, Gbit/s", 8e-9],
  ];
  const cells = rows.map(([row, title, scale]) => [
    title,
    ...columns
      .slice(0, 3)
      .flatMap((name) =>
        (["first", "last"] as const).map((which) =>
          digits(path.at(row, pathColumn(name, which)).median * scale),
        ),
      ),
    ratio(
      path.at(row, pathColumn("netloom", "last")).median /
        path.at(row, pathColumn("netloom", "first")).median,
    ),
  ]);
  return table([...head, "netloom, last / first"], cells);
}

/** The whole file. */
export function readme(measured: Measured, size: Size, path: Table, leases: string): string {
  const machine = `${cpus().length} x ${cpus()[0]?.model}, Linux ${release()}`;
  return `# Measured

Written by \`npm run bench\`; do not edit. Median (minimum), whole processes from exec to exit, on ${machine}.

The chain is bridge + host-local + masquerade + portmap with one published port. Each contender has a host of its own (network
and mount namespace, state on tmpfs); they take turns in every one of ${size.rounds} rounds (half as many beside others, an eighth
at once), started by the same small C program (\`launch.c\`), which does for them what libcni does. The reference is
containernetworking/plugins 1.9.1 with each of its back ends; ratios are to the better one. The floor (\`floor.c\`) is one C program
that does only what the kernel has to be asked for: no configuration, no IPAM search, no checks; its bridge and table are there beforehand.

## The chain

${chainTable(measured, size)}

## The whole chain, and plugins alone

The same with firewall and tuning, which is asked for nothing; the floor of both chains is the same, since it accepts what is forwarded in the
transaction that publishes the port. ptp masquerades, macvlan is on one end of a pair; host-local gives the addresses.

${workTable(measured)}

## Each program

host-local runs inside bridge's time.

${programTable(measured)}

## Where the time goes

${profile(measured)}

## VERSION: what starting costs

Must: no more than /usr/bin/true, and at most a third of the reference's.

${versionTable(measured)}

## Packets to published ports

Median of one client outside, to the first and to the last of ${size.ports} published ports of as many containers. Must: the last within 10 % of the first.

${pathTable(path)}

${leases}

## The rest

${otherTable(measured)}
`;
}

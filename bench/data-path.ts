/**
 * What packets to published ports cost when there are many of them: to the first port and to the last.
 * @module
 */
import { join } from "node:path";
import { root } from "../scripts/place.ts";
import { compileC } from "../test/kernel/compile.ts";
import { contenders, ports } from "./contenders.ts";
import { Table } from "./figures.ts";
import { BenchHost } from "./host.ts";

/** How much is measured. */
export interface PathSize {
  /** Published ports, of a container each. */
  ports: number;
  rounds: number;
}

/** Rows: `connect`, `ask` (microseconds) and `bulk` (bytes a second); columns: contender and `first` or `last`. */
export function measurePath({ ports: count, rounds }: PathSize): Table {
  const figures = new Table();
  const all = contenders(ports).filter(({ configs }) => configs.length > 0);
  const hosts = all.map((contender) => new BenchHost(contender));
  try {
    for (const host of hosts) {
      host.prepare(count);
      for (let id = 1; id <= count; id++) host.run("ADD", id);
      for (const id of [1, count]) host.serve(id, [flowProgram(), "serve", "80"]);
      process.stderr.write(`${host.contender.name}: ${count} ports are published\n`);
    }
    for (let round = 0; round < rounds; round++) {
      for (const host of hosts) oneRound(host, count, figures);
    }
  } finally {
    for (const host of hosts) host.dispose();
  }
  return figures;
}

/** Column of a contender's first or last port. */
export function pathColumn(contender: string, which: "first" | "last"): string {
  return `${contender}, ${which}`;
}

function oneRound(host: BenchHost, count: number, figures: Table): void {
  const ends = [
    ["first", 1],
    ["last", count],
  ] as const;
  for (const [which, id] of ends) {
    const column = pathColumn(host.contender.name, which);
    const measure = (what: string, many: string) => {
      const out = host.outside([flowProgram(), what, "192.0.2.1", String(20_000 + id), many]);
      for (const value of out.trim().split(" ")) figures.at(what, column).add(Number(value));
    };
    measure("connect", "20");
    measure("ask", "200");
    measure("bulk", "200");
  }
}

function flowProgram(): string {
  return compileC(join(root, "bench", "flow.c"));
}

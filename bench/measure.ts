/**
 * The runs: contenders take turns in every round, so that noise falls on all of them.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { programs, root } from "../scripts/place.ts";
import { compileC } from "../test/kernel/compile.ts";
import { type Contender, contenders, type Work } from "./contenders.ts";
import { Table } from "./figures.ts";
import { BenchHost, type ChainTime, launchProgram, type Trace } from "./host.ts";

/** How much is measured. */
export interface Size {
  rounds: number;
  /** Attachments that are there in the second half. */
  pods: number;
  atOnce: number;
  /** Published ports that packets are sent to. */
  ports: number;
}

/** All that was measured; times in milliseconds. */
export interface Measured {
  /** Rows: program names; columns: contenders, `true` and `no-op`. */
  versions: Table;
  /** Rows: operations; columns: contenders. */
  chains: Table;
  /** Peak memory in KiB. Rows: `VERSION`, `ADD`. */
  memory: Table;
  /** Page faults of a chain. Rows: verbs; columns: contenders. */
  faults: Table;
  /** Processor time of a chain in milliseconds, likewise. */
  processor: Table;
  traces: Map<string, { add: Trace; del: Trace }>;
  /** How many of the calls made at once failed, by contender. */
  failed: Map<string, number>;
}

function told(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** A static program that does nothing: what a process costs here. */
function noOp(): string {
  const source = join(root, ".cache", "no-op.c");
  writeFileSync(source, "int main(void) { return 0; }\n");
  return compileC(source);
}

/** VERSION of every program, in turn with the reference's, /usr/bin/true and a program that does nothing. */
export function measureVersions(all: readonly Contender[], size: Size, into: Measured): void {
  const columns = all.filter(({ configs }) => configs.length > 0).slice(0, 2);
  for (const { type } of programs()) {
    const there = columns.filter(({ bin }) => existsSync(join(bin, type)));
    const paths = [...there.map(({ bin }) => join(bin, type)), "/usr/bin/true", noOp()];
    const names = [...there.map(({ name }) => name), "true", "no-op"];
    const argv = ["versions", String(size.rounds * 5), '{"cniVersion":"1.0.0"}', ...paths];
    const done = spawnSync(launchProgram(), argv, { encoding: "utf8" });
    if (done.status !== 0) throw new Error(`VERSION: ${done.stderr}`);
    for (const [index, line] of done.stdout.trim().split("\n").entries()) {
      const [kib, ...took] = line.split(" ").map(Number);
      const name = names[index] ?? "";
      into.memory.at(`VERSION ${type}`, name).add(kib ?? 0);
      for (const us of took) into.versions.at(type, name).add(us / 1000);
    }
  }
  told("VERSION measured");
}

function oneRound(host: BenchHost, id: number, suffix: string, into: Measured): void {
  const { name } = host.contender;
  for (const verb of verbs) {
    const { peakKib, faults, processorMs } = oneVerb(host, verb, id, suffix, into);
    into.memory.at(verb, name).add(peakKib);
    into.faults.at(verb, name).add(faults);
    into.processor.at(verb, name).add(processorMs);
  }
}

const verbs = ["ADD", "CHECK", "DEL"];

/** Runs a verb. Rows: `ADD…` and, for each program, `ADD bridge…`. */
function oneVerb(
  host: BenchHost,
  verb: string,
  id: number,
  suffix: string,
  into: Measured,
): ChainTime {
  const { name, configs } = host.contender;
  const time = host.run(verb, id);
  into.chains.at(`${verb}${suffix}`, name).add(time.ms);
  const order = verb === "DEL" ? [...configs].reverse() : configs;
  for (const [index, { type }] of order.entries()) {
    into.chains.at(`${verb} ${type}${suffix}`, name).add(time.programs[index] ?? Number.NaN);
  }
  return time;
}

/** A row of a work that is measured beside the first one. */
export function workRow(verb: string, work: Work): string {
  return `${verb} of ${work.name}`;
}

/** ADD, CHECK and DEL of one container, on an empty host. */
export function measureWork(work: Work, size: Size, into: Measured): void {
  const hosts = contenders(work).map((contender) => new BenchHost(contender));
  try {
    for (const host of hosts) host.prepare(1);
    for (let round = 0; round < size.rounds; round++) {
      for (const host of hosts) {
        for (const verb of verbs) oneVerb(host, verb, 1, ` of ${work.name}`, into);
      }
    }
  } finally {
    for (const host of hosts) host.dispose();
  }
  told(`${work.name} measured`);
}

/** ADD, CHECK and DEL of one container, on an empty host and beside many others. */
export function measureChains(all: readonly Contender[], size: Size, into: Measured): void {
  const hosts = all.map((contender) => new BenchHost(contender));
  try {
    for (const host of hosts) host.prepare(size.pods + 1);
    for (let round = 0; round < size.rounds; round++) {
      for (const host of hosts) oneRound(host, 1, "", into);
    }
    told("chain measured");
    for (const host of hosts) {
      into.traces.set(host.contender.name, {
        add: host.trace("ADD", 1),
        del: host.trace("DEL", 1),
      });
    }
    for (const host of hosts) fill(host, size.pods);
    for (let round = 0; round < Math.ceil(size.rounds / 2); round++) {
      for (const host of hosts) oneRound(host, size.pods + 1, " beside many", into);
    }
  } finally {
    for (const host of hosts) host.dispose();
  }
}

function fill(host: BenchHost, pods: number): void {
  const start = performance.now();
  for (let id = 1; id <= pods; id++) host.run("ADD", id);
  told(
    `${host.contender.name}: ${pods} attachments in ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
}

/** Many ADDs at the same time: on a host that has the network already, and on one that was never used. */
export function measureAtOnce(all: readonly Contender[], size: Size, into: Measured): void {
  for (let round = 0; round < Math.ceil(size.rounds / 8); round++) {
    for (const contender of all) {
      const host = new BenchHost(contender);
      try {
        host.prepare(size.atOnce);
        atOnce(host, "virgin", size.atOnce, into);
        atOnce(host, "again", size.atOnce, into);
      } finally {
        host.dispose();
      }
    }
  }
  told("at once measured");
}

function atOnce(host: BenchHost, when: string, count: number, into: Measured): void {
  for (const verb of ["ADD", "DEL"]) {
    const { ms, failed, said } = host.runAtOnce(verb, count);
    const { name } = host.contender;
    into.chains.at(`${verb} at once, ${when}`, name).add(ms);
    into.failed.set(name, (into.failed.get(name) ?? 0) + failed);
    if (failed > 0) told(`${name}: ${verb}, ${when}: ${failed} of ${count} failed: ${said.trim()}`);
  }
}

/** An empty set of figures. */
export function nothingMeasured(): Measured {
  const [versions, chains, memory] = [new Table(), new Table(), new Table()];
  const [faults, processor] = [new Table(), new Table()];
  return { versions, chains, memory, faults, processor, traces: new Map(), failed: new Map() };
}

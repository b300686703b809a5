/**
 * Every program killed before each of its system calls, and its delegate before each of its own: what the runtime's next call
 * makes of what is left. A new program joins with an entry in `scenarios.ts`.
 *
 * The ways on which a runtime goes on take turns from point to point. Points before a call that changes nothing are the same
 * as those before the next call that does, and are left out, and so are most of those that `isTried` tells of; NETLOOM_EVERY_CALL=1 tries
 * all of them, and each with every way.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import type { Context } from "mocha";
import type { Outcome } from "../kernel/enter.ts";
import { holdsAlways } from "../kernel/invariants.ts";
import { describeKernel, usual } from "../kernel/requirements.ts";
import { builtPrograms, type CniCall } from "../kernel/sandbox.ts";
import { Attachments } from "./attachments.ts";
import { guestScenarios, type Scenario, scenarios } from "./scenarios.ts";
import { ours } from "./share.ts";
import {
  changesNothing,
  describeStep,
  everyCall,
  FaultyRuns,
  isTried,
  type Step,
} from "./system-calls.ts";

/** More than a wait accounts for that one execution has and another has not: its socket, question and answer, twice. */
const mostMissed = 8;
/** The attachment whose call is killed, one that comes later, and one that is there all the time. */
const [victim, later, neighbour] = [1, 2, 9];

/** A way to go on after the kill, up to the moment when nothing of the victim may be left. */
type Sequel = (host: Attachments, valid: readonly number[]) => void;

const sequels: Record<string, Sequel> = {
  DEL: (host) => host.del(victim),
  "DEL without the namespace": (host) => {
    host.deletePod(victim);
    host.del(victim);
  },
  GC: (host, valid) => {
    host.deletePod(victim); // what lies in it goes with it: GC is not told where it was
    host.gc(valid);
  },
  "another ADD, then DEL": (host) => {
    const others = addressesOf(host.add(later));
    host.del(victim);
    host.check(later);
    equal(new Set(others).size, others.length);
    host.del(later);
  },
  "ADD again, then DEL": (host) => {
    holdsAlways(host.sandbox.cni(host.call("ADD", victim))); // refused or not: it does not hang
    host.del(victim);
  },
};

const [there, gone] = ["DEL", "DEL without the namespace"];
const others = ["GC", "another ADD, then DEL", "ADD again, then DEL"];
/** Which sequels follow a kill in a verb: they take turns from point to point. */
const turns: Record<string, string[]> = {
  "ADD on a new host": [there],
  ADD: [...others, gone],
  DEL: [there, gone, "GC"],
  GC: ["GC", there],
};

// biome-ignore lint/suspicious/noExplicitAny: results are of every kind
function addressesOf(result: any): string[] {
  return (result?.ips ?? []).map(({ address }: { address: string }) => address);
}

/** What a verb needs on the host before it is killed. */
function prepare(host: Attachments, verb: string): CniCall {
  if (verb === "ADD") host.pod(victim);
  else host.add(victim);
  return verb === "GC" ? host.gcCall([neighbour]) : host.call(verb, victim);
}

/** A later ADD works, is found right, and leaves nothing. */
function worksAfterwards(host: Attachments, n: number): void {
  host.add(n);
  host.check(n);
  host.del(n);
}

/** One scenario on one host, whose state between two points is always the same. */
class Sweep {
  readonly #host: Attachments;
  readonly #runs: FaultyRuns;
  readonly #verb: string;
  readonly #valid: readonly number[];
  readonly #before: readonly string[];
  readonly failures: string[] = [];
  exist = 0;
  tried = 0;
  /** Points that an execution with fewer calls did not come to. */
  missed = 0;

  /** @param busy whether another container is attached all the time; else the host is as new at each point */
  constructor(host: Attachments, verb: string, busy: boolean) {
    this.#host = host;
    this.#runs = new FaultyRuns(host.sandbox);
    this.#verb = verb;
    this.#valid = busy ? [neighbour] : [];
    if (busy) host.add(neighbour);
    host.pod(victim);
    host.pod(later);
    this.#before = host.observe(victim);
  }

  /** The system calls of the verb, from an execution without a fault. */
  steps(): Step[] {
    const { delegate } = this.#host.scenario;
    const call = prepare(this.#host, this.#verb);
    const all = this.#runs.record(call, delegate);
    this.#host.del(victim);
    this.exist = all.length;
    if (everyCall) return all;
    const { scenario } = this.#host;
    const isRepeated = scenario.isVariant ?? (this.#verb === "ADD" && this.#valid.length > 0);
    const sweep = { isRepeated, turn: scenarios.indexOf(scenario) };
    const differing = all.filter((step) => !changesNothing(step));
    return differing.filter((step, index) => isTried(step, index, sweep));
  }

  /** Kills at a step and goes on. */
  try(step: Step, sequel: string, index: number): void {
    try {
      if (this.#valid.length === 0) this.#host.wipe();
      this.#kill(step);
      this.tried += 1;
      sequels[sequel]?.(this.#host, this.#valid);
      this.#holds(index);
    } catch (error) {
      this.failures.push(`${describeStep(step)}, ${sequel}: ${(error as Error).message}`);
      this.#startAnew();
    }
  }

  #kill(step: Step): void {
    const call = prepare(this.#host, this.#verb);
    const done = this.#runs.run(call, step, "signal=KILL", this.#host.scenario.delegate);
    const isOwn = step.process === "program";
    if (isOwn && done.signal !== 9) this.#miss(step, done);
    if (!isOwn && done.status !== 0) holdsAlways(done);
  }

  /**
   * How often it waits for the kernel is chance, and so how many calls it makes: one that got through without that one is one
   * killed at its very end.
   */
  #miss({ name }: Step, done: Outcome): void {
    const isWait = ["ppoll", "wait4"].includes(name);
    if (!isWait) this.missed += 1;
    ok(done.status === 0 && this.missed <= mostMissed, `not killed: ${done.stdout}`);
  }

  #holds(index: number): void {
    const host = this.#host;
    for (const n of this.#valid) host.check(n);
    host.pod(victim);
    // half of the points look at once, the other half after another container came and went
    if (index % 2 === 1) worksAfterwards(host, later);
    deepEqual(host.leaks(this.#before, victim), []);
    deepEqual(host.processes(), []);
    if (index % 2 === 0) worksAfterwards(host, victim);
  }

  /** After a failure, for the next point to tell its own. */
  #startAnew(): void {
    const host = this.#host;
    host.killLeftovers();
    for (const n of [victim, later]) {
      host.pod(n);
      host.sandbox.cni(host.call("DEL", n));
      host.deletePod(n);
    }
    host.pod(victim);
  }

  /** At the end, after an ADD and DEL that nobody disturbed. */
  finish(): void {
    worksAfterwards(this.#host, victim);
    deepEqual(this.#host.leaks(this.#before, victim), []);
  }
}

function sweep(context: Context, scenario: Scenario, verb: string, busy: boolean): void {
  using host = new Attachments(scenario);
  const points = new Sweep(host, verb, busy);
  const steps = points.steps();
  const ways = turns[verb === "ADD" && !busy ? "ADD on a new host" : verb] ?? [];
  const passes = everyCall ? ways.length : 1;
  for (let pass = 0; pass < passes; pass++) {
    for (const [index, step] of steps.entries()) {
      points.try(step, ways[(index + pass) % ways.length] ?? "", index + pass);
    }
  }
  deepEqual(points.failures, []);
  points.finish();
  const { exist, tried, missed } = points;
  const told = `${exist} system calls, ${steps.length} points, ${tried} tries`;
  if (context.test) context.test.title += `: ${told}, ${missed} of them not come to`;
}

const verbs = [
  {
    title: "ADD on a host that had none before (ROB-002, ROB-003, ROB-004)",
    verb: "ADD",
    busy: false,
  },
  { title: "ADD beside another container", verb: "ADD", busy: true },
  { title: "DEL: the next DEL completes it, GC too (ROB-025)", verb: "DEL", busy: true },
  { title: "GC: the next GC completes it, what is valid stays (ROB-051)", verb: "GC", busy: true },
];
const all = scenarios.flatMap((scenario) => verbs.map((verb) => [scenario, verb] as const));

describeKernel(
  "kill",
  function () {
    this.timeout(1_800_000);

    it("knows every program that is built", () => {
      const told = new Set([...scenarios, ...guestScenarios].map(({ type }) => type));
      const daemon = "dhcp-daemon"; // it is killed in tests of its own
      deepEqual([...told, daemon].sort(), readdirSync(builtPrograms).sort());
    });

    for (const [scenario, { title, verb, busy }] of ours(all)) {
      it(`${scenario.title}: ${title}`, function () {
        sweep(this, scenario, verb, busy);
      });
    }
  },
  [...usual, "strace", "nsenter"],
);

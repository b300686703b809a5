/**
 * Leases under any order of events: what has to hold whatever the server, the network and the clock do.
 */
import { ok } from "node:assert/strict";
import fc from "fast-check";
import { heldLease, type LeaseAction } from "../../dhcp-proxy/lease-state.ts";
import { option } from "../../dhcp-proxy/packet/options.ts";
import { type Answer, ScriptedClient, typeName } from "./scripted-server.ts";

/** One thing that happens; numbers choose among what is possible. */
type Happening =
  | { what: "time"; ms: number }
  | { what: "fire" }
  | { what: "answer"; type: "offer" | "ack" | "nak"; more: Answer }
  | { what: "probe"; free: boolean }
  | { what: "check" }
  | { what: "release" };

const address = fc.constantFrom<number[]>([10, 1, 0, 5], [10, 1, 0, 6], [0, 0, 0, 0]);
const more: fc.Arbitrary<Answer> = fc.record(
  {
    address,
    server: fc.constantFrom<number[]>([10, 1, 0, 1], [10, 1, 0, 2]),
    leaseSeconds: fc.constantFrom(0, 2, 7, 120, 86_400, 0xffff_ffff),
    xid: fc.constantFrom(1, 2),
    options: fc.constantFrom<NonNullable<Answer["options"]>>(
      [],
      [[option.subnetMask, undefined]],
      [[option.serverId, [1]]],
    ),
  },
  { requiredKeys: [] },
);
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ what: fc.constant("time" as const), ms: fc.nat(100_000) }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constant("fire" as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      what: fc.constant("answer" as const),
      type: fc.constantFrom("offer" as const, "ack" as const, "nak" as const),
      more,
    }),
  },
  { weight: 4, arbitrary: fc.record({ what: fc.constant("probe" as const), free: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("check" as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant("release" as const) }) },
);

/** What the pod would have, by the actions alone, and what never may be. */
class Watcher {
  readonly client: ScriptedClient;
  #bound: string | undefined;
  #isProbing = false;
  #ended = false;
  #sentAtMs: number[] = [];

  constructor(client: ScriptedClient) {
    this.client = client;
    this.see(client.act({ type: "start" }));
  }

  happen(each: Happening) {
    const { client } = this;
    switch (each.what) {
      case "time":
        client.nowMs += each.ms;
        return this.see(client.act({ type: "timer" }));
      case "fire":
        client.nowMs = Math.max(client.nowMs, client.state.timerAtMs ?? 0);
        return this.see(client.act({ type: "timer" }));
      case "answer":
        return this.answer(each.type, each.more);
      case "probe":
        return this.see(client.act({ type: each.free ? "unused" : "conflict" }));
      default:
        return this.see(client.act({ type: each.what }));
    }
  }

  answer(type: "offer" | "ack" | "nak", more: Answer): void {
    const before = this.client.log.length;
    this.client.answer(type, more);
    this.seeLines(this.client.log.slice(before));
  }

  see(actions: readonly LeaseAction[]): void {
    for (const action of actions) {
      if (action.type !== "send") continue;
      ok(!this.#ended || typeName(action.message) === "release", "speaks after its end");
      if (typeName(action.message) !== "request" || action.to === "broadcast") continue;
      ok(this.#bound !== undefined, "renews what it does not have");
    }
    this.seeLines(this.client.log.slice(this.client.log.length - actions.length));
  }

  seeLines(lines: readonly string[]): void {
    for (const line of lines) {
      ok(!this.#ended, `something follows the end: ${line}`);
      const [word, first = ""] = line.split(" ");
      if (word === "send") this.#sentAtMs.push(this.client.nowMs);
      if (word === "probe") this.#isProbing = true;
      if (word === "bound") this.#bound = first;
      if (word === "changed") {
        ok(line.startsWith(`changed ${this.#bound} to `), line);
        this.#bound = line.split(" to ")[1];
      }
      if (word === "expired") ok(line.startsWith(`expired ${this.#bound}:`), line);
      if (word === "done" || word === "failed:") this.#ended = true;
    }
    this.#isProbing &&= this.client.state.phase === "probing";
    this.#holds();
  }

  #holds(): void {
    const { state, nowMs } = this.client;
    const held = heldLease(state);
    if (held !== undefined) ok(held.address === this.#bound, "holds what it never said");
    if (this.#ended) ok(state.phase === "stopped" && state.timerAtMs === undefined);
    const waits = this.#isProbing || this.#ended || held?.expiresAtMs === null;
    ok(waits || state.timerAtMs !== undefined, `nothing will happen any more: ${state.phase}`);
    ok((state.timerAtMs ?? nowMs) - nowMs < 86_400_000, "sleeps for too long");
  }

  /** Not more than ten messages within any second: a broken server must not make a storm. */
  noStorm(): void {
    for (const [index, atMs] of this.#sentAtMs.entries()) {
      const tenth = this.#sentAtMs[index + 10];
      ok(tenth === undefined || tenth - atMs >= 1000, `eleven messages from ${atMs} to ${tenth}`);
    }
  }
}

describe("any lease", () => {
  it("says what it has before it holds it, goes on by itself, and is silent after its end", () => {
    fc.assert(
      fc.property(
        fc.array(happening, { maxLength: 60 }),
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (happenings, chance) => {
          const watcher = new Watcher(new ScriptedClient({}, () => chance.next().value ?? 0));
          for (const each of happenings) watcher.happen(each);
        },
      ),
      { numRuns: 3000, seed: 1 },
    );
  });

  it("gets a lease from a server that answers now and then, and never makes a storm", () => {
    const answer = fc.constantFrom("none" as const, "good" as const, "nak" as const);
    const shortLease = { leaseSeconds: 2 };
    fc.assert(
      fc.property(fc.array(answer, { minLength: 200, maxLength: 200 }), (answers) => {
        const watcher = new Watcher(new ScriptedClient({ timeoutMs: 1000, resendTimeoutMs: 1e9 }));
        for (const each of answers) {
          const { phase } = watcher.client.state;
          const isDeaf = phase === "waiting" || phase === "bound" || each === "none";
          if (phase === "probing") watcher.happen({ what: "probe", free: each !== "nak" });
          else if (isDeaf) watcher.happen({ what: "fire" });
          else if (phase === "selecting") watcher.answer("offer", shortLease);
          else watcher.answer(each === "good" ? "ack" : "nak", shortLease);
        }
        watcher.noStorm();
        ok(watcher.client.log.some((line) => line.startsWith("bound")));
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});

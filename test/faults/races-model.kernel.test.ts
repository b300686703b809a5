/**
 * A minute of ADD, DEL, CHECK, GC and STATUS, several in flight, and at every quiet moment exactly what there has to be.
 *
 * What is asked follows from the seed alone (`NETLOOM_SEED`), how it interleaves is the machine's. `NETLOOM_RACE_SECONDS`
 * makes it longer.
 */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import { randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { Sandbox } from "../kernel/sandbox.ts";
import {
  type Chain,
  type Container,
  ContainerRuntime,
  type RuntimeNetwork,
  succeeded,
} from "./container-runtime.ts";
import { ExecutorPool, executorProgram } from "./executor.ts";
import { hostState, wrongAnswers } from "./host-state.ts";
import { type Attached, addressesOf, ownerOf, stateOf } from "./races-model.ts";
import { seed } from "./seed.ts";

const seconds = Number(process.env["NETLOOM_RACE_SECONDS"] ?? 60);
const inFlight = 8;
const slotsPerNetwork = 12;

function network(name: string, bridge: string, number: number): RuntimeNetwork {
  const ranges = [[{ subnet: `10.${number}.0.0/27` }], [{ subnet: `fd00:${number}::/64` }]];
  const ipam = { type: "host-local", ranges };
  return {
    name,
    plugins: [
      { type: "bridge", bridge, isDefaultGateway: true, ipMasq: true, ipam },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

const bridges = { net1: "cni1", net2: "cni2" };

/** A place for a container, and what the runtime knows of the one that is there. */
interface Slot {
  number: number;
  runtime: ContainerRuntime;
  /** How many containers have been here. */
  generation: number;
  /** `netless`: its namespace is gone, DEL is to come. `orphan`: the runtime has forgotten it, GC is to come. */
  state: "free" | "attached" | "netless" | "orphan";
  attached?: Attached;
}

/** Something a runtime does with one slot, from one quiet moment to the next. */
type Operation = (slot: Slot) => Promise<void>;

class Machine {
  readonly sandbox = Sandbox.create();
  readonly executors = new ExecutorPool(this.sandbox);
  readonly random = randomNumbers(seed);
  readonly runtimes: ContainerRuntime[];
  readonly slots: Slot[];
  readonly done = new Map<string, number>();
  rounds = 0;
  /** The rule set without pods' elements, and the bridges: the same at every quiet moment. */
  #standing: { rules: string[]; bridges: string[] } | undefined;
  #asked: string[] = [];

  constructor() {
    this.sandbox.outside();
    this.runtimes = [network("net1", "cni1", 71), network("net2", "cni2", 72)].map(
      (each) => new ContainerRuntime(this.sandbox, each, (call) => this.executors.cni(call)),
    );
    this.slots = this.runtimes.flatMap((runtime, at) =>
      Array.from({ length: slotsPerNetwork }, (_, index): Slot => {
        return { number: slotsPerNetwork * at + index, runtime, generation: 0, state: "free" };
      }),
    );
  }

  get executions(): number {
    return this.runtimes.reduce((sum, { executions }) => sum + executions, 0);
  }

  /** A first attachment to every network makes what stays. */
  async start(): Promise<void> {
    for (const slot of [this.slots[0]!, this.slots[slotsPerNetwork]!]) {
      await this.add(slot);
      await this.del(slot);
    }
    const { rules, bridges } = hostState(this.sandbox);
    this.#standing = { rules, bridges };
  }

  // ---- a container that is not there

  readonly add: Operation = async (slot) => {
    const container = this.#born(slot);
    this.#attach(
      slot,
      container,
      succeeded(`ADD ${container.id}`, await slot.runtime.add(container)),
    );
  };

  /** Two callers with the same container: one gets it. */
  readonly addTwice: Operation = async (slot) => {
    const container = this.#born(slot);
    const both = await Promise.all([slot.runtime.add(container), slot.runtime.add(container)]);
    const good = both.filter(({ failure }) => failure === undefined);
    equal(
      good.length,
      1,
      `of two ADDs of ${container.id} ${good.length} succeeded: ${JSON.stringify(both)}`,
    );
    this.#attach(slot, container, good[0]!);
  };

  /** The namespace goes away while ADD works in it. */
  readonly addDying: Operation = async (slot) => {
    const container = this.#born(slot);
    const adding = slot.runtime.add(container);
    await this.#moment();
    this.#kill(container);
    const { result } = await adding;
    succeeded(
      `DEL ${container.id}`,
      await slot.runtime.del({ ...container, netns: undefined }, result),
    );
  };

  /** A caller that gives up while its ADD still works, and calls DEL after it. */
  readonly addBesideDel: Operation = async (slot) => {
    const container = this.#born(slot);
    const adding = slot.runtime.add(container);
    await this.#moment();
    succeeded(`DEL ${container.id} beside its ADD`, await slot.runtime.del(container));
    await adding;
    succeeded(`DEL ${container.id}`, await slot.runtime.del(container));
    this.#kill(container);
  };

  readonly delNeverAdded: Operation = async (slot) => {
    const container = this.#born(slot);
    succeeded(`DEL of ${container.id}, never added`, await slot.runtime.del(container));
    this.#kill(container);
  };

  // ---- a container that is there

  readonly del: Operation = async (slot) => {
    const { container, result } = slot.attached!;
    succeeded(`DEL ${container.id}`, await slot.runtime.del(container, result));
    this.#detach(slot);
  };

  readonly delTwice: Operation = async (slot) => {
    const { container, result } = slot.attached!;
    const both = await Promise.all([
      slot.runtime.del(container, result),
      slot.runtime.del(container),
    ]);
    for (const each of both) succeeded(`DEL of ${container.id}, two at once`, each);
    this.#detach(slot);
  };

  /** The namespace goes away while DEL works. */
  readonly delDying: Operation = async (slot) => {
    const { container, result } = slot.attached!;
    const deleting = slot.runtime.del(container, result);
    await this.#moment();
    this.#kill(container);
    succeeded(`DEL ${container.id} while its namespace goes`, await deleting);
    slot.attached = { ...slot.attached!, container: { ...container, netns: undefined } };
    this.#detach(slot);
  };

  readonly check: Operation = async ({ runtime, attached }) => {
    const { container, result } = attached!;
    succeeded(`CHECK ${container.id}`, await runtime.check(container, result));
  };

  /** ADD of what is there is refused and harms nothing. */
  readonly addAgain: Operation = async ({ runtime, attached }) => {
    const { container } = attached!;
    notEqual((await runtime.add(container)).failure, undefined, `ADD ${container.id} twice`);
  };

  /** The runtime loses the namespace; DEL comes later. */
  readonly loseNetns: Operation = async (slot) => {
    const { attached } = slot;
    this.#kill(attached!.container);
    slot.attached = { ...attached!, container: { ...attached!.container, netns: undefined } };
    slot.state = "netless";
  };

  /** The runtime loses the container altogether; GC will find it. */
  readonly forget: Operation = async (slot) => {
    await this.loseNetns(slot);
    slot.state = "orphan";
  };

  // ---- rounds

  #operations(state: Slot["state"]): [number, string, Operation][] {
    const { add, addTwice, addDying, addBesideDel, delNeverAdded } = this;
    const { del, delTwice, delDying, check, addAgain, loseNetns, forget } = this;
    const free: [number, string, Operation][] = [
      [6, "add", add],
      [2, "addTwice", addTwice],
      [2, "addDying", addDying],
      [2, "addBesideDel", addBesideDel],
      [1, "delNeverAdded", delNeverAdded],
    ];
    const attached: [number, string, Operation][] = [
      [4, "del", del],
      [2, "delTwice", delTwice],
      [2, "delDying", delDying],
      [2, "check", check],
      [1, "addAgain", addAgain],
      [1, "loseNetns", loseNetns],
      [1, "forget", forget],
    ];
    const netless: [number, string, Operation][] = [
      [2, "del", del],
      [1, "delTwice", delTwice],
    ];
    return { free, attached, netless, orphan: [] }[state];
  }

  #choose(state: Slot["state"]): [string, Operation] | undefined {
    const choices = this.#operations(state).flatMap(([weight, name, run]) =>
      Array(weight).fill([name, run]),
    );
    return choices[this.random() % Math.max(choices.length, 1)];
  }

  /** Some slots get something to do, and now and then a network is collected or asked. */
  async round(): Promise<void> {
    const busy = this.slots.filter(({ state }) => state !== "orphan" && this.random() % 2 === 0);
    const work = busy.map((slot) => {
      const [name, run] = this.#choose(slot.state)!;
      return {
        name: `${name} ${slot.runtime.network.name} slot ${slot.number}`,
        kind: name,
        run: () => run(slot),
      };
    });
    for (const runtime of this.runtimes) {
      if (this.random() % 3 === 0)
        work.push({ name: `gc ${runtime.network.name}`, kind: "gc", run: this.#gc(runtime, busy) });
      if (this.random() % 4 === 0)
        work.push({
          name: "status",
          kind: "status",
          run: async () => void succeeded("STATUS", await runtime.status()),
        });
    }
    const queue = shuffled(work, this.random);
    this.#asked = queue.map(({ name }) => name);
    for (const { kind } of queue) this.done.set(kind, (this.done.get(kind) ?? 0) + 1);
    const workers = Array.from({ length: inFlight }, async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) await next.run();
    });
    // all of them end, whatever happens to one: nothing may be in flight when the host is looked at, or taken away
    const ended = await Promise.allSettled(workers);
    this.rounds++;
    for (const each of ended) if (each.status === "rejected") throw each.reason;
  }

  /** GC with all that may be there. What was forgotten before is gone afterwards. */
  #gc(runtime: ContainerRuntime, busy: readonly Slot[]): () => Promise<void> {
    const own = this.slots.filter((slot) => slot.runtime === runtime);
    const orphans = own.filter(({ state }) => state === "orphan");
    const known = own.filter(
      (slot) => !orphans.includes(slot) && (slot.state !== "free" || busy.includes(slot)),
    );
    return async () => {
      const ids = known.flatMap(({ number, generation }) => [
        idOf(number, generation),
        idOf(number, generation + 1),
      ]);
      succeeded("GC", await runtime.gc(ids));
      for (const slot of orphans) {
        slot.state = "free";
        delete slot.attached;
      }
    };
  }

  /** Nothing is in flight: the host has what the runtime was promised, and nothing else. */
  async quiet(): Promise<void> {
    const there = this.slots.flatMap(({ attached }) => attached ?? []);
    const live = this.slots.flatMap(({ state, attached }) =>
      state === "attached" ? attached! : [],
    );
    const { rules, bridges: shared, links, ...state } = hostState(this.sandbox);
    const { links: _, ...wanted } = stateOf(there, bridges);
    // the link of a pod whose namespace is gone goes when the kernel gets to it
    const gone = new Set(there.filter((each) => !live.includes(each)).map(ownerOf));
    const found = { ...state, links: links.filter((row) => !gone.has(row.split(" ")[0] ?? "")) };
    deepEqual(found, { ...wanted, links: stateOf(live, bridges).links });
    deepEqual({ rules, bridges: shared }, this.#standing);
    const processes = this.sandbox.processes();
    deepEqual(
      processes.filter((row) => !row.includes(executorProgram())),
      [],
    );
    this.#look(live);
    for (const each of live.filter(() => this.random() % 8 === 0)) {
      const { runtime } = this.slots.find(({ attached }) => attached === each)!;
      succeeded(`CHECK ${ownerOf(each)}`, await runtime.check(each.container, each.result));
    }
  }

  /** Eyes that are not ours: every port leads to its pod, and one pod has its addresses. */
  #look(live: readonly Attached[]): void {
    const ports = live.flatMap(({ container: { netns = "", ports = [] } }) =>
      ports.map((port) => ({ netns, ...port })),
    );
    deepEqual(wrongAnswers(this.sandbox, ports), []);
    const one = live[this.random() % Math.max(live.length, 1)];
    if (one === undefined) return;
    const [link] = this.sandbox.ipJson("address show dev eth0", one.container.netns);
    const global = link.addr_info.filter(({ scope }: { scope: string }) => scope === "global");
    deepEqual(
      global.map(({ local }: { local: string }) => local),
      addressesOf(one),
    );
  }

  /** What was asked in this round, for the message of a failure. */
  get story(): string {
    return `seed ${seed}, round ${this.rounds}: ${this.#asked.join(", ")}`;
  }

  #born(slot: Slot): Container {
    const { number } = slot;
    const id = idOf(number, ++slot.generation);
    const port = 8000 + number;
    const ports = [
      { hostPort: port, containerPort: 80, protocol: "tcp" },
      { hostPort: port, containerPort: 53, protocol: "udp" },
    ];
    return { id, netns: this.sandbox.pod(`${slot.runtime.network.name}-${id}`), ports };
  }

  /** As runtimes do it: at once, even while a program works in there. */
  #kill({ netns }: Container): void {
    if (netns === undefined) return;
    this.sandbox.ok(["sh", "-c", `umount --lazy ${netns} && rm ${netns}`]);
  }

  #attach(slot: Slot, container: Container, { result }: Chain): void {
    slot.state = "attached";
    slot.attached = { network: slot.runtime.network.name, container, result };
  }

  #detach(slot: Slot): void {
    this.#kill(slot.attached!.container);
    slot.state = "free";
    delete slot.attached;
  }

  /** Up to 40 ms: about as long as a chain takes. */
  #moment(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.random() % 40));
  }
}

/** The same id on both networks, another one for each container of a slot. */
function idOf(number: number, generation: number): string {
  return `c${number % slotsPerNetwork}-${generation}`;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const rest = [...list];
  return list.map(() => rest.splice(random() % rest.length, 1)[0]!);
}

describeKernel("a minute of many calls at once", function () {
  this.timeout((seconds + 120) * 1000);

  it("leaves at every quiet moment what was promised, and nothing else (ROB-005…008, ROB-027…029, ROB-045, ROB-052)", async function () {
    const machine = new Machine();
    using _ = machine.sandbox;
    await using __ = machine.executors;
    await machine.start();
    for (const end = Date.now() + seconds * 1000; Date.now() < end; ) {
      try {
        await machine.round();
        await machine.quiet();
      } catch (error) {
        throw new Error(`${machine.story}\n${(error as Error).stack}`);
      }
    }
    const kinds = [...machine.done].map(([kind, count]) => `${count} ${kind}`).join(", ");
    this.test!.title +=
      `: seed ${seed}, ${machine.rounds} rounds, ${machine.executions} executions: ${kinds}`;
  });
});

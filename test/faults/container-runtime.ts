/**
 * A container runtime for tests that let many things happen at once: chains of programs as libcni runs them, several in
 * flight, and what must hold of every single execution.
 * @module
 */
import { equal } from "node:assert/strict";
import type { Outcome } from "../kernel/enter.ts";
import { holdsAlways } from "../kernel/invariants.ts";
import { builtPrograms, type CniCall, type Sandbox } from "../kernel/sandbox.ts";

/** A network as a runtime knows it. */
export interface RuntimeNetwork {
  name: string;
  /** Configurations of the programs in their order, without what libcni adds. */
  plugins: Record<string, unknown>[];
  /** Folder of the programs; the built ones when left out. */
  bin?: string;
}

/** A container that the runtime wants on the network. */
export interface Container {
  id: string;
  /** Path of its namespace; absent when it is gone. */
  netns?: string | undefined;
  /** `runtimeConfig.portMappings`. */
  ports?: { hostPort: number; containerPort: number; protocol: string; hostIP?: string }[];
}

/** How a whole chain ended. */
export interface Chain {
  /** The last program's result, of ADD that succeeded. */
  // biome-ignore lint/suspicious/noExplicitAny: a CNI result
  result?: any;
  /** The program that failed, and its error object. */
  // biome-ignore lint/suspicious/noExplicitAny: a CNI error
  failure?: { type: string; error: any; stderr: string };
  /** What the programs wrote to stderr, if they succeeded. */
  warnings?: string;
}

/** Fifty programs at once, and other tests beside them, take their time. */
const boundMs = 60_000;

/** One runtime with one network in a sandbox. */
export class ContainerRuntime {
  readonly sandbox: Sandbox;
  readonly network: RuntimeNetwork;
  /** Programs executed so far. */
  executions = 0;
  readonly #run: (call: CniCall) => Promise<Outcome>;

  /** @param run executes one program; without it each is a child of the test, and all that are asked for run at once */
  constructor(
    sandbox: Sandbox,
    network: RuntimeNetwork,
    run: (call: CniCall) => Promise<Outcome> = async (call) =>
      (await sandbox.cniAtOnce([call]))[0]!,
  ) {
    this.sandbox = sandbox;
    this.network = network;
    this.#run = run;
  }

  /** ADD of every program in order; stops at the first that fails, and leaves DEL to the caller. */
  async add(container: Container): Promise<Chain> {
    // biome-ignore lint/suspicious/noExplicitAny: a CNI result
    let result: any;
    for (const index of this.network.plugins.keys()) {
      const done = await this.#execute("ADD", index, container, result);
      if (done.failure !== undefined) return done;
      result = done.result;
    }
    return { result };
  }

  /** DEL of every program in reverse order, all of them. @returns the first failure */
  async del(container: Container, prevResult?: unknown): Promise<Chain> {
    let first: Chain = {};
    for (const index of [...this.network.plugins.keys()].reverse()) {
      const done = await this.#execute("DEL", index, container, prevResult);
      if (first.failure === undefined) first = done;
    }
    return first;
  }

  /** CHECK of every program in order, up to the first that fails. */
  async check(container: Container, prevResult: unknown): Promise<Chain> {
    for (const index of this.network.plugins.keys()) {
      const done = await this.#execute("CHECK", index, container, prevResult);
      if (done.failure !== undefined) return done;
    }
    return {};
  }

  /** GC of every program with the containers that are known. */
  async gc(ids: readonly string[]): Promise<Chain> {
    const valid = ids.map((containerID) => ({ containerID, ifname: "eth0" }));
    return this.#all("GC", { "cni.dev/valid-attachments": valid });
  }

  /** STATUS of every program. */
  async status(): Promise<Chain> {
    return this.#all("STATUS", {});
  }

  async #all(command: string, keys: object): Promise<Chain> {
    for (const index of this.network.plugins.keys()) {
      const done = await this.#call(command, index, {
        config: keys,
        containerId: null,
        ifName: null,
      });
      if (done.failure !== undefined) return done;
    }
    return {};
  }

  #execute(command: string, index: number, container: Container, prevResult: unknown) {
    const { id: containerId, netns = null, ports } = container;
    const runtimeConfig = ports && { portMappings: ports };
    return this.#call(command, index, {
      config: { runtimeConfig, prevResult },
      containerId,
      netns,
    });
  }

  async #call(
    command: string,
    index: number,
    {
      config,
      ...call
    }: { config: object; containerId: string | null; netns?: string | null; ifName?: null },
  ): Promise<Chain> {
    const { name, plugins, bin = builtPrograms } = this.network;
    const plugin = plugins[index] ?? {};
    const document = { cniVersion: "1.1.0", name, ...plugin, ...config };
    const done = await this.#run({ command, config: document, bin, ...call });
    this.executions++;
    return chainOf(command, String(plugin["type"]), done);
  }
}

/** @throws {AssertionError} what holds of every execution does not hold of this one */
function chainOf(command: string, type: string, done: Outcome): Chain {
  const json = holdsAlways(done, boundMs);
  if (done.status !== 0) return { failure: { type, error: json, stderr: done.stderr } };
  equal(json === undefined, command !== "ADD", `${command} of ${type} printed ${done.stdout}`);
  return { result: json, warnings: done.stderr };
}

/** A chain that has to succeed. @returns it */
export function succeeded(what: string, chain: Chain): Chain {
  equal(chain.failure, undefined, `${what}: ${JSON.stringify(chain.failure)}`);
  return chain;
}

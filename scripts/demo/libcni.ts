/**
 * What libcni does with a network list: one program after another, each given the result of the one before.
 * @see SPEC.md section 3, "Lifecycle & Ordering"
 * @module
 */
import type { CniOutcome, Sandbox } from "../../test/kernel/sandbox.ts";

/** A network list, as in /etc/cni/net.d. */
export interface NetworkList {
  cniVersion: string;
  name: string;
  plugins: { type: string; capabilities?: Record<string, boolean>; [key: string]: unknown }[];
}

/** One container's place in the network. */
export interface AttachmentCall {
  containerId: string;
  ifName: string;
  netns: string;
  /** Capability arguments, as `portMappings`; each program gets those it declares. */
  capabilities: Record<string, unknown>;
}

/** One executed program. */
export interface Execution {
  command: string;
  type: string;
  outcome: CniOutcome;
}

/** Runs network lists in a sandbox with the programs of one folder. */
export class Libcni {
  readonly executions: Execution[] = [];
  readonly #sandbox: Sandbox;
  readonly #bin: string;

  constructor(sandbox: Sandbox, bin: string) {
    this.#sandbox = sandbox;
    this.#bin = bin;
  }

  #config(list: NetworkList, index: number, call: AttachmentCall, prevResult: unknown): unknown {
    const { capabilities = {}, ...plugin } = list.plugins[index] ?? { type: "" };
    const offered = Object.entries(call.capabilities).filter(([name]) => capabilities[name]);
    return {
      cniVersion: list.cniVersion,
      name: list.name,
      ...plugin,
      ...(offered.length > 0 && { runtimeConfig: Object.fromEntries(offered) }),
      ...(prevResult !== undefined && { prevResult }),
    };
  }

  #execute(command: string, config: unknown, call: AttachmentCall): CniOutcome {
    const { containerId, ifName, netns } = call;
    const env = { PATH: process.env["PATH"] };
    const bin = this.#bin;
    const outcome = this.#sandbox.cni({ command, config, containerId, ifName, netns, env, bin });
    const { type } = config as { type: string };
    this.executions.push({ command, type, outcome });
    if (outcome.status === 0) return outcome;
    throw new Error(`${command} of ${type} failed: ${outcome.stdout}${outcome.stderr}`);
  }

  /** Attaches the container. @returns the last program's result. @throws {Error} a program failed. */
  add(list: NetworkList, call: AttachmentCall): unknown {
    let result: unknown;
    for (const index of list.plugins.keys()) {
      result = this.#execute("ADD", this.#config(list, index, call, result), call).json;
    }
    return result;
  }

  /** Asks every program whether its part is still as it should be. */
  check(list: NetworkList, call: AttachmentCall, result: unknown): void {
    for (const index of list.plugins.keys()) {
      this.#execute("CHECK", this.#config(list, index, call, result), call);
    }
  }

  /** Detaches the container, last program first. */
  del(list: NetworkList, call: AttachmentCall, result: unknown): void {
    for (const index of [...list.plugins.keys()].reverse()) {
      this.#execute("DEL", this.#config(list, index, call, result), call);
    }
  }
}

/**
 * cnitool, libcni's own client, with its networks inside a sandbox.
 * @module
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { peers } from "../../scripts/place.ts";
import type { Outcome } from "../../test/kernel/enter.ts";
import type { Sandbox } from "../../test/kernel/sandbox.ts";

/** The program, when Go was there to build it. */
export const cnitoolProgram: string = join(peers, "cnitool");

/** What cnitool takes from its environment besides its folders. */
export interface CnitoolOptions {
  /** CAP_ARGS: what plugins get as `runtimeConfig`, each by its capabilities. */
  capabilityArgs?: Record<string, unknown>;
  /** CNI_ARGS, text like `IgnoreUnknown=1;IP=10.1.0.5`. */
  args?: string;
  /** CNI_IFNAME. Default `eth0`. */
  ifName?: string;
  /** CNI_PATH. Default: the folder of the programs. */
  path?: string;
}

/** cnitool in a sandbox. */
export class Cnitool {
  readonly sandbox: Sandbox;
  readonly #programs: string;
  readonly #networks: string;

  /** @param programs its folder of CNI programs */
  constructor(sandbox: Sandbox, programs: string) {
    this.sandbox = sandbox;
    this.#programs = programs;
    this.#networks = join(sandbox.scratch, "net.d");
    this.forgetNetworks();
  }

  /** Takes every network's file away. */
  forgetNetworks(): void {
    rmSync(this.#networks, { recursive: true, force: true });
    mkdirSync(this.#networks);
  }

  /** Writes a file into the folder of networks: text as it is, anything else as JSON. */
  write(name: string, content: unknown): void {
    const path = join(this.#networks, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  }

  /** `cnitool VERB NETWORK NETNS`. Any exit status is an answer. */
  run(verb: string, network: string, netns: string, options: CnitoolOptions = {}): Outcome {
    const { capabilityArgs, args, ifName, path = this.#programs } = options;
    const env = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      NETCONFPATH: this.#networks,
      CNI_PATH: path,
      ...(capabilityArgs && { CAP_ARGS: JSON.stringify(capabilityArgs) }),
      ...(args !== undefined && { CNI_ARGS: args }),
      ...(ifName !== undefined && { CNI_IFNAME: ifName }),
    };
    return this.sandbox.run([cnitoolProgram, verb, network, netns], { env });
  }

  /** Same as {@link Cnitool.run}, which has to succeed. @returns its stdout */
  ok(verb: string, network: string, netns: string, options: CnitoolOptions = {}): string {
    const { status, stdout, stderr } = this.run(verb, network, netns, options);
    if (status === 0) return stdout;
    throw new Error(`cnitool ${verb} ${network}: status ${status}: ${stderr}${stdout}`);
  }

  /** The result of an ADD, which has to succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: results of every version
  add(network: string, netns: string, options: CnitoolOptions = {}): any {
    return JSON.parse(this.ok("add", network, netns, options));
  }
}

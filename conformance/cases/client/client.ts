/**
 * A client's command line, `cnitool`, with configurations on disk and programs that write down how it calls them.
 * @module
 */
import { equal, match } from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FakeIpam } from "../../../test/core/cni/fake-ipam.ts";
import type { Outcome } from "../../../test/kernel/enter.ts";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { prints } from "../delegators.ts";

/** One execution of a program by the client. */
export interface ClientCall {
  type: string;
  command: string;
  env: Record<string, string>;
  stdin: string;
  /** stdin as JSON. */
  config: Reply;
}

/** What differs from `cnitool VERB net1 /run/netns/a`. */
export interface ClientOptions {
  net?: string;
  netns?: string;
  /** `undefined` removes a variable. */
  env?: Record<string, string | undefined>;
  /** Default `cnitool` of the directory under judgement. */
  argv?: readonly string[];
  /** A shell's commands before it is executed. */
  before?: string;
}

/** The namespace of most calls; nothing has to be there. */
export const netns = "/run/netns/a";

/** `cnitool-` and 20 digits of the path's SHA-512. */
export function containerIdOf(path: string): string {
  return `cnitool-${createHash("sha512").update(path).digest("hex").slice(0, 20)}`;
}

/** A result with one interface, as program `type` returns it. */
export function resultOf(type: string, cniVersion = "1.1.0"): Reply {
  const version = cniVersion < "1.0.0" ? { version: "4", address: "10.0.0.2/24" } : undefined;
  const ips = [version ?? { address: "10.0.0.2/24" }];
  return { cniVersion, interfaces: [{ name: type }], ips };
}

/** The client in a case's host. */
export class Client {
  readonly trial: Trial;
  /** Executed under the names `a`, `b` and `c`. */
  readonly plugins: FakeIpam;
  /** NETCONFPATH */
  readonly folder: string;

  constructor(trial: Trial) {
    this.trial = trial;
    this.plugins = new FakeIpam(join(trial.host.scratch, "plugins"));
    this.folder = join(trial.host.scratch, "net.d");
    mkdirSync(this.folder);
    for (const type of ["a", "b", "c"]) {
      symlinkSync(join(this.plugins.folder, "fake"), join(this.plugins.folder, type));
    }
    this.answersIn("1.1.0");
  }

  /** Every program's ADD answers with a result of that version. */
  answersIn(cniVersion: string): void {
    const scripts = ["a", "b", "c"].map((type) => [type, prints(resultOf(type, cniVersion))]);
    this.answers("ADD", Object.fromEntries(scripts));
  }

  /** What each program does for a command, in bash. */
  answers(command: string, scripts: Record<string, string>): void {
    const cases = Object.entries(scripts).map(([type, script]) => `*/${type}) ${script};;`);
    this.plugins.answers(command, `case $0 in ${cases.join("\n")}\nesac`);
  }

  /** Writes a file into NETCONFPATH. */
  file(name: string, content: unknown): void {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  }

  /** Writes the list `net1` of these programs, with these keys. */
  list(plugins: readonly (string | object)[], change: object = {}): void {
    const objects = plugins.map((each) => (typeof each === "string" ? { type: each } : each));
    const list = { cniVersion: "1.1.0", name: "net1", plugins: objects, ...change };
    this.file("10-net1.conflist", list);
  }

  /** Executes it. Any exit status is an answer. */
  run(
    verb: string,
    { net = "net1", netns: path = netns, ...options }: ClientOptions = {},
  ): Outcome {
    const program = join(this.trial.build.folder, this.trial.program);
    const argv = options.argv ?? [program, verb, net, path];
    const env = {
      PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
      NETCONFPATH: this.folder,
      CNI_PATH: this.plugins.folder,
      ...options.env,
    };
    const set = Object.entries(env).filter((entry) => entry[1] !== undefined);
    const before = options.before ?? ":";
    const through = ["bash", "-c", `${before}; exec "$@"`, "bash"];
    const whole = options.before === undefined ? argv : [...through, ...argv];
    return this.trial.host.run(whole, { env: Object.fromEntries(set) as Record<string, string> });
  }

  /** It succeeds. @returns stdout as JSON, `undefined` when there is none */
  ok(verb: string, options?: ClientOptions): Reply {
    const { status, stdout, stderr } = this.run(verb, options);
    equal(status, 0, `${verb}: ${stdout}${stderr}`);
    return stdout === "" ? undefined : JSON.parse(stdout);
  }

  /** It exits with 1, nothing on stdout, and this text on stderr. */
  fails(verb: string, says: RegExp = /./, options?: ClientOptions): void {
    const { status, stdout, stderr } = this.run(verb, options);
    equal(status, 1, `${verb}: ${stdout}${stderr}`);
    equal(stdout, "");
    match(stderr, says);
  }

  /** How the programs were called until now. */
  calls(command?: string): ClientCall[] {
    const all = this.plugins.calls().map(({ command: verb, env, stdin }): ClientCall => {
      const config = JSON.parse(stdin);
      const pairs = env.map((entry) => [entry.split("=", 1)[0], entry.replace(/^[^=]*=/, "")]);
      return { type: config.type, command: verb, env: Object.fromEntries(pairs), stdin, config };
    });
    return all.filter((call) => command === undefined || call.command === command);
  }

  /** `ADD a` and so on, in their order. */
  log(): string[] {
    return this.calls().map(({ command, type }) => `${command} ${type}`);
  }

  /** Path of the cache's file of an attachment. */
  cachePath(name = `net1-${containerIdOf(netns)}-eth0`): string {
    return this.trial.host.path(join("/var/lib/cni/results", name));
  }

  /** What the cache holds of the attachment; `undefined` when it holds nothing. */
  cached(): Reply {
    const path = this.cachePath();
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
  }

  /** Puts a file into the cache. */
  putInCache(content: unknown, path: string = this.cachePath()): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  }
}

/** A case about the client. */
export function clientCase(
  lines: Case["lines"],
  fact: string,
  run: (client: Client) => void | Promise<void>,
  more: Partial<Case> = {},
): Case {
  return { lines, program: "cnitool", fact, run: (trial) => run(new Client(trial)), ...more };
}

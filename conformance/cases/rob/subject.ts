/**
 * The programs whose robustness is asked, each with one attachment that leaves something in kernel or on disk.
 * @module
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Outcome } from "../../../test/kernel/enter.ts";
import { type CniCall, Sandbox } from "../../../test/kernel/sandbox.ts";
import type { Case } from "../../runner/case.ts";
import { promise } from "../../runner/invariants.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { bridgeConfig, hostLocalConfig, portmapConfig, resultOf } from "../../runner/vehicles.ts";

/** One attachment of a program. */
export class Attachment {
  readonly trial: Trial;
  readonly netns: string;
  readonly containerId: string;
  readonly config: object;
  /** What ADD answered. */
  result: Reply;

  constructor(trial: Trial, containerId = "c1", change: object = {}) {
    this.trial = trial;
    this.containerId = containerId;
    this.netns = trial.pod();
    this.config = { ...configOf(trial, this.netns, containerId), ...change };
  }

  /** A call as a runtime makes it: CHECK and DEL are given the result, if there is one. */
  call(command: string, change: object = {}, more: Partial<CniCall> = {}): CniCall {
    const known = command === "ADD" || !this.result ? {} : { prevResult: this.result };
    const config = { ...this.config, ...known, ...change };
    return { command, config, containerId: this.containerId, netns: this.netns, ...more };
  }

  /** GC with these containers as the valid ones. */
  gc(...valid: string[]): CniCall {
    const list = valid.map((containerID) => ({ containerID, ifname: "eth0" }));
    const change = { "cni.dev/valid-attachments": list, prevResult: undefined };
    return { ...this.call("GC", change), containerId: null, ifName: null, netns: null };
  }

  add(): Reply {
    this.result = this.trial.ok(this.call("ADD"));
    return this.result;
  }

  del(): void {
    this.trial.ok(this.call("DEL"));
  }

  /** Takes the namespace away, as a runtime may before DEL. */
  deleteNamespace(): void {
    this.trial.host.deletePod(this.netns.replace("/run/netns/", ""));
  }

  /**
   * Runs the call under strace(1), with these options.
   * @returns how it ended, a signal included
   */
  traced(command: string, ...options: string[]): Outcome {
    const { trial } = this;
    const call = { type: trial.program, bin: trial.build.folder, ...this.call(command) };
    const { program, options: given } = Sandbox.invocation({
      ...call,
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    });
    return trial.host.run([...strace, this.#trace, ...options, program], given);
  }

  get #trace(): string {
    return join(this.trial.host.scratch, "trace");
  }

  /** How often the call makes each of these system calls. Undone afterwards by DEL. */
  count(command: string, names: readonly string[]): Map<string, number> {
    this.traced(command, "-e", `trace=${names.join(",")}`);
    const text = existsSync(this.#trace) ? this.trial.run(`cat ${this.#trace}`) : "";
    const counts = names.map((name): [string, number] => [
      name,
      text.match(new RegExp(`\\b${name}\\(`, "g"))?.length ?? 0,
    ]);
    return new Map(counts.filter(([, count]) => count > 0));
  }
}

const strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-o"];

/** Two containers of portmap publish ports of their own. */
function configOf(trial: Trial, netns: string, containerId: string): object {
  const version = trial.newest;
  if (trial.program === "host-local") return hostLocalConfig(version);
  if (trial.program === "bridge") return bridgeConfig(version, { ipMasq: true });
  const last = Number(/\d+$/.exec(containerId)?.[0] ?? 1);
  const ports = [{ hostPort: 8000 + last, containerPort: 80, protocol: "tcp" }];
  const ipv6 = { address: `fd00::${1 + last}/64`, interface: 2 };
  const made = resultOf(version, netns, `10.1.2.${1 + last}/24`) as { ips: object[] };
  const prevResult = { ...made, ips: [...made.ips, ipv6] };
  return portmapConfig(version, ports, { prevResult });
}

/** The same question to each of the programs. */
export function ofEach(
  lines: Case["lines"],
  fact: string,
  run: (trial: Trial) => void | Promise<void>,
  more: Partial<Case> = {},
  programs: readonly string[] = ["host-local", "bridge", "portmap"],
): Case[] {
  return programs.map((program) => ({
    lines,
    program,
    ...(program === "bridge" && { beside: ["host-local"] }),
    ...(program !== "host-local" && { needs: ["iptables-nft", "nftables"] as const }),
    fact,
    run,
    ...more,
  }));
}

/** An outcome that may also be death by a signal, but no hang and no half of a document. */
export function endedSomehow({ status, signal, stdout }: Outcome): void {
  promise(status !== null || signal !== null, "it did not end");
  if (stdout.trim() !== "") JSON.parse(stdout);
}

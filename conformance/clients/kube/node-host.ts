/**
 * A machine for a Kubernetes node: a sandbox's network and files, and within it processes, mounts and cgroups that
 * nothing outside sees. It can be rebooted.
 * @module
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Background } from "../../../test/kernel/enter.ts";
import { Sandbox } from "../../../test/kernel/sandbox.ts";
import { Cgroups } from "./cgroups.ts";
import { kubePrograms } from "./requirements.ts";

/** The environment of every program of the node; CNI programs inherit it. */
const environment = { PATH: `${kubePrograms}:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: "/root" };

/** What kubelet wants to find; it would write these values, and the kernel has one of each for all namespaces. */
const wantedSysctls: Readonly<Record<string, string>> = {
  "vm/overcommit_memory": "1",
  "vm/panic_on_oom": "0",
  "kernel/panic": "10",
  "kernel/panic_on_oops": "1",
  "kernel/keys/root_maxkeys": "1000000",
  "kernel/keys/root_maxbytes": "25000000",
};

/** What process 1 waits for, and who lists processes. */
const idle = /^(sleep 1000000|ps -e -o .*)$/;

/** A program of the node that runs until it is stopped. */
export interface Service {
  /** What it wrote so far, stdout and stderr. */
  log(): string;
  /** Whether it has not ended yet. */
  isRunning(): boolean;
  /** Sends the signal (default TERM) and waits until it has ended. */
  stop(signal?: string): Promise<void>;
}

/** A machine that is up from its making to {@link NodeHost.dispose}. */
export class NodeHost {
  /** Its network, /run and /var/lib, and the world outside: the node is 192.0.2.1 and 2001:db8::1 there. */
  readonly sandbox = Sandbox.create();
  readonly #cgroups = new Cgroups();
  #boot: Background | undefined;
  #init = 0;

  private constructor() {
    mkdirSync(this.#scratch("sysctl"));
    for (const [index, value] of Object.values(wantedSysctls).entries()) {
      writeFileSync(this.#scratch(`sysctl/${index}`), `${value}\n`);
    }
    this.sandbox.outside();
  }

  /** @throws {Error} without root, or on a machine whose cgroups cannot be written */
  static async boot(): Promise<NodeHost> {
    const host = new NodeHost();
    await host.#start();
    return host;
  }

  #scratch(name: string): string {
    return join(this.sandbox.scratch, name);
  }

  /** What process 1 does: its own mounts, and then reaping orphans. */
  get #script(): string {
    const sysctls = Object.keys(wantedSysctls).map(
      (name, index) => `mount --bind ${this.#scratch(`sysctl/${index}`)} /proc/sys/${name}`,
    );
    return [
      "set -e",
      this.#cgroups.show,
      "mount --make-rshared /",
      "mount -t tmpfs -o mode=755 tmpfs /var/log",
      "mkdir /var/log/pods /var/log/containers",
      ...sysctls,
      "echo booted",
      "set +e; while :; do sleep 1000000 & wait; done",
    ].join("\n");
  }

  async #start(): Promise<void> {
    const unshare = "exec unshare --mount --pid --cgroup --fork --kill-child --mount-proc";
    const argv = [
      "sh",
      "-c",
      `${this.#cgroups.enter}\n${unshare} bash -c "$1"`,
      "sh",
      this.#script,
    ];
    const boot = this.sandbox.start(argv, { env: environment });
    this.#boot = boot;
    for (let waited = 0; !boot.output().includes("booted"); waited++) {
      if (waited > 1000) throw new Error(`node: process 1 is not ready: ${boot.output()}`);
      await sleep(10);
    }
    this.#init = onlyChild(onlyChild(boot.pid));
  }

  /** Arguments that run a program inside; with a name its pid there is written down. */
  #inside(argv: readonly string[], name?: string): string[] {
    const note = name === undefined ? "" : `echo $$ > ${this.#scratch(`${name}.pid`)}\n`;
    const script = `${this.#cgroups.join}\n${note}exec "$@"`;
    const target = ["--target", String(this.#init), "--mount", "--net", "--pid", "--cgroup"];
    return [...target, "--", "sh", "-c", script, "sh", ...argv];
  }

  /** Runs a program on the node that has to succeed. @returns its stdout */
  ok(argv: readonly string[], timeoutMs = 60_000): string {
    const options = { encoding: "utf8", env: environment, timeout: timeoutMs } as const;
    const { status, stdout, stderr } = spawnSync("nsenter", this.#inside(argv), options);
    if (status !== 0) throw new Error(`${argv.join(" ")}: status ${status}: ${stderr}${stdout}`);
    return stdout;
  }

  /** Starts a program on the node. Its name is that of its log, which goes on where an earlier one ended. */
  start(name: string, argv: readonly string[]): Service {
    const log = this.#scratch(`${name}.log`);
    const to = openSync(log, "a");
    const stdio: ["ignore", number, number] = ["ignore", to, to];
    const child = spawn("nsenter", this.#inside(argv, name), { stdio, env: environment });
    closeSync(to);
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    return {
      log: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
      isRunning: () => isRunning(child),
      stop: async (signal = "TERM") => {
        if (!isRunning(child)) return;
        this.ok(["kill", "-s", signal, readFileSync(this.#scratch(`${name}.pid`), "utf8").trim()]);
        await ended;
      },
    };
  }

  /** A server of this machine, not listening yet, whose connections go on to an address in the node's network. */
  tunnel(address: string, port: number): Server {
    return createServer((outer) => {
      const argv = [
        "--target",
        String(this.#init),
        "--net",
        "busybox",
        "nc",
        address,
        String(port),
      ];
      const child = spawn("nsenter", argv, { stdio: ["pipe", "pipe", "ignore"] });
      outer.pipe(child.stdin).on("error", () => outer.destroy());
      child.stdout.pipe(outer).on("error", () => child.kill());
      outer.on("close", () => child.kill());
    });
  }

  /** The processes that run on the node, without process 1 and who asks. */
  processes(): { pid: string; command: string }[] {
    const rows = this.ok(["ps", "-e", "-o", "pid=,args="]).trimEnd().split("\n");
    const all = rows.map((row) => /^\s*(\d+) (.*)$/.exec(row) ?? []);
    const found = all.map(([, pid = "", command = ""]) => ({ pid, command }));
    return found.filter(({ pid, command }) => pid !== "1" && !idle.test(command));
  }

  /** Kills the processes whose command matches. @throws {Error} there are none */
  kill(command: RegExp): void {
    const found = this.processes().filter((process) => command.test(process.command));
    if (found.length === 0) throw new Error(`no process on the node matches ${command}`);
    this.ok(["kill", "-s", "KILL", ...found.map(({ pid }) => pid)]);
  }

  /** Runs a program in one of {@link NodeHost.namespaces} that has to succeed. @returns its stdout */
  inNamespace(name: string, argv: readonly string[]): string {
    return this.ok(["nsenter", `--net=/run/netns/${name}`, ...argv]);
  }

  /** `type place` of what is mounted on the node, sorted. */
  mounts(): string[] {
    const rows = this.ok(["cat", "/proc/self/mountinfo"]).trimEnd().split("\n");
    const shown = rows.map((row) => {
      const [before = "", after = ""] = row.split(" - ");
      return `${after.split(" ")[0]} ${before.split(" ")[4]}`;
    });
    return shown.sort();
  }

  /** Cgroups of the node, `memory kubepods/…`, sorted. */
  cgroups(): string[] {
    return this.#cgroups.rows();
  }

  /** Files in /run/netns, sorted, without the world outside. */
  namespaces(): string[] {
    const names = this.ok(["ls", "/run/netns"]).split("\n").filter(Boolean);
    return names.filter((name) => name !== "outside").sort();
  }

  /**
   * The power goes: every process, mount, namespace and cgroup, /run, every link but the one to the outside, and the
   * rules of nf_tables. What is on disk stays. Then the machine is up again, with nothing started.
   */
  async reboot(): Promise<void> {
    await this.#boot?.stop();
    await this.#cgroups.clear();
    const keep = ["-not", "-path", "/run/netns", "-not", "-path", "/run/netns/outside"];
    this.sandbox.ok(["find", "/run", "-mindepth", "1", ...keep, "-delete"]);
    this.sandbox.ok(["nft", "flush", "ruleset"]);
    for (const { ifname } of this.sandbox.ipJson("link")) {
      if (ifname !== "lo" && ifname !== "uplink")
        this.sandbox.run(["ip", "link", "delete", ifname]);
    }
    await this.#start();
  }

  /** Ends everything. @throws {Error} a process or cgroup cannot be got rid of */
  async dispose(): Promise<void> {
    await this.#boot?.stop();
    await this.#cgroups.remove();
    this.sandbox.dispose();
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function onlyChild(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
  if (children.length !== 1 || children[0] === "") throw new Error(`process ${pid}: ${children}`);
  return Number(children[0]);
}

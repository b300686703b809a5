/**
 * A host with the daemon, on a network whose other machine, 192.0.2.2, serves DHCP: real programs in namespaces.
 * @module
 */
import { deepEqual, doesNotMatch, equal } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Background, type Input, slowness } from "../kernel/enter.ts";
import { builtPrograms, type CniCall, type CniOutcome, Sandbox } from "../kernel/sandbox.ts";

/** What every test of the daemon needs beside {@link usual}. */
export const dhcpCommands = ["ip", "nft", "musl-gcc", "dnsmasq", "busybox"] as const;

/** Longer than anything here takes, on a busy machine too. */
const PATIENCE_MS = 20_000;

/** Asks until the answer is neither undefined nor false. @throws {Error} that says what was waited for, and `about` */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false,
  about: () => string = () => "",
): Promise<T> {
  for (const limit = Date.now() + PATIENCE_MS * slowness; ; ) {
    const answer = ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > limit) throw new Error(`waited for ${what} in vain\n${about()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Options of {@link Lan.serve}. */
export interface ServerOptions {
  /** Last bytes of the first and the last address. */
  first?: number;
  last?: number;
  /** Seconds; dnsmasq gives no less than 120, and udhcpd serves what is shorter. */
  leaseSeconds?: number;
  /** Seconds until a renewal, 3 at least; dnsmasq alone. */
  renewAfter?: number;
  /** More of dnsmasq's. */
  more?: string[];
}

/** The world of one test. */
export class Lan implements Disposable {
  readonly sandbox = Sandbox.create();
  /** Where the server is. */
  readonly outside = this.sandbox.outside();
  #daemon: Background | undefined;
  #logs: Background[] = [];
  #servers = 0;

  /** Starts dnsmasq, or for leases under two minutes busybox's udhcpd, and waits until it serves. */
  async serve(options: ServerOptions = {}): Promise<Background> {
    const { leaseSeconds = 120 } = options;
    const argv = leaseSeconds < 120 ? this.#udhcpd(options) : this.#dnsmasq(options);
    const started = this.sandbox.start(argv, { netns: this.outside });
    const logFile = this.#logFile();
    const server = { ...started, output: () => started.output() + textOf(logFile) };
    await until(
      "the DHCP server",
      () => /sockets bound|started/.test(server.output()),
      () => server.output(),
    );
    return server;
  }

  #dnsmasq({ first = 100, last = 199, renewAfter, more = [] }: ServerOptions): string[] {
    this.#servers += 1;
    return [
      // a pipe that nobody reads while a program runs would stop it
      ...["sh", "-c", 'exec "$@" 2>"$0"', this.#logFile(), "dnsmasq"],
      ...["--no-daemon", "--conf-file=/dev/null", "--port=0"], // a daemon would outlive the test
      ...["--interface=eth0", "--bind-interfaces", "--no-resolv", "--no-ping", "--log-dhcp"],
      ...["--dhcp-authoritative", "--dhcp-option=3,192.0.2.2"],
      `--dhcp-range=192.0.2.${first},192.0.2.${last},255.255.255.0,120`,
      `--dhcp-leasefile=${join(this.sandbox.scratch, `leases.${this.#servers}`)}`,
      ...(renewAfter === undefined ? [] : [`--dhcp-option=option:T1,${renewAfter}s`]),
      ...more,
    ];
  }

  #logFile(): string {
    return join(this.sandbox.scratch, `dnsmasq.${this.#servers}.log`);
  }

  #udhcpd({ first = 100, last = 199, leaseSeconds = 4 }: ServerOptions): string[] {
    this.#servers += 1;
    const [conf, leases, pid] = ["conf", "leases", "pid"].map((ending) =>
      join(this.sandbox.scratch, `udhcpd.${this.#servers}.${ending}`),
    ) as [string, string, string];
    writeFileSync(leases, "");
    const lines = [
      ...[`start 192.0.2.${first}`, `end 192.0.2.${last}`, "interface eth0", "min_lease 1"],
      ...[`lease_file ${leases}`, `pidfile ${pid}`],
      ...[`option lease ${leaseSeconds}`, "option subnet 255.255.255.0", "option router 192.0.2.2"],
    ];
    writeFileSync(conf, `${lines.join("\n")}\n`);
    return ["busybox", "udhcpd", "-f", "-a", "1", conf];
  }

  /** Starts the daemon and waits until it serves. */
  async daemon(flags: string[] = [], options: Input = {}): Promise<Background> {
    const words = ["-pidfile", "/run/dhcp.pid", "-timeout", "1s", ...flags];
    const daemon = this.sandbox.start([join(builtPrograms, "dhcp-daemon"), ...words], options);
    this.#daemon = daemon;
    this.#logs.push(daemon);
    await until(
      "the daemon",
      () => / serves /.test(daemon.output()),
      () => daemon.output(),
    );
    return daemon;
  }

  /** The daemon's own pid. */
  get pid(): number {
    return Number(readFileSync(this.sandbox.path("/run/dhcp.pid"), "utf8"));
  }

  /** Sends the daemon a signal and waits for its end, if it ends by that. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    process.kill(this.pid, signal);
    if (signal !== "SIGHUP") await this.#daemon?.ended;
  }

  /** What all daemons of this world have said. */
  get log(): string {
    return this.#logs.map((each) => each.output()).join("");
  }

  /** Waits until the daemon says that. */
  says(pattern: RegExp): Promise<RegExpExecArray> {
    return until(
      String(pattern),
      () => pattern.exec(this.log) ?? undefined,
      () => this.log,
    );
  }

  /** A call of macvlan on this network with addresses of the daemon. */
  call(command: CniCall["command"], pod: string, more: Partial<CniCall> = {}): CniOutcome {
    return this.sandbox.cni(this.callOf(command, pod, more));
  }

  /** The same, for `cniAtOnce`. */
  callOf(command: CniCall["command"], pod: string, more: Partial<CniCall> = {}): CniCall {
    const { config, ...rest } = more;
    return {
      command,
      containerId: pod,
      netns: `/run/netns/${pod}`,
      config: { ...lanConfig, ...(config as object) },
      ...rest,
    };
  }

  /** Adds a pod that has to succeed. @returns its address, without the prefix length */
  add(pod: string, more: Partial<CniCall> = {}): string {
    if (!existsSync(this.sandbox.path(`/run/netns/${pod}`))) this.sandbox.pod(pod);
    const { status, stdout, stderr, json } = this.call("ADD", pod, more);
    if (status !== 0) throw new Error(`ADD ${pod}: ${stdout}${stderr}\n${this.log}`);
    return String(json.ips[0].address).replace(/\/.*/, "");
  }

  /** IPv4 addresses of a pod's link, with their prefix lengths. */
  addresses(pod: string, ifname = "eth0"): string[] {
    const [link] = this.sandbox.ipJson(`-4 address show dev ${ifname}`, `/run/netns/${pod}`);
    const infos = (link?.addr_info ?? []) as { local: string; prefixlen: number }[];
    return infos.map(({ local, prefixlen }) => `${local}/${prefixlen}`);
  }

  /** Starts a ping from the pod that goes on until {@link Background.stop}; `loss()` reads what was lost so far. */
  ping(pod: string, address = "192.0.2.2"): { stop(): Promise<string> } {
    return this.pinging(pod, ["ping", "-i", "0.05", "-W", "1", address]);
  }

  /** The same of a ping with other arguments. */
  pinging(pod: string, argv: string[]): { stop(): Promise<string> } {
    const running = this.sandbox.start(argv, { netns: `/run/netns/${pod}` });
    return {
      stop: async () => {
        // its end by SIGINT prints the statistics
        for (const pid of childrenOf(running.pid)) process.kill(pid, "SIGINT");
        await running.ended;
        return running.output(); // or why there was none
      },
    };
  }

  /** Names of the lease files. */
  files(): string[] {
    const folder = this.sandbox.path("/run/netloom/.dhcp");
    return existsSync(folder) ? readdirSync(folder).sort() : [];
  }

  /** What lies in the file of a pod. */
  // biome-ignore lint/suspicious/noExplicitAny: the file's schema is the daemon's own
  file(pod: string, network = "lan", ifname = "eth0"): any {
    const name = `/run/netloom/.dhcp/${network}:${pod}:${ifname}.json`;
    return JSON.parse(readFileSync(this.sandbox.path(name), "utf8"));
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }
}

/** A pod gets a lease, and DEL, twice, gives it back: {@link gaveBack}. */
export async function givesBackByDel(lan: Lan, config: Record<string, unknown>): Promise<void> {
  const server = await lan.serve();
  await lan.daemon();
  const address = lan.add("p1", { config });
  deepEqual(lan.addresses("p1"), [`${address}/24`]);
  for (const _ of [1, 2]) equal(lan.call("DEL", "p1", { config }).status, 0);
  await gaveBack(lan, server, address);
}

/** Waits until the server has heard that a pod has no use for that address, from the pod itself and not from the host. */
export async function gaveBack(
  lan: Lan,
  server: { output(): string },
  address: string,
): Promise<void> {
  await lan.says(/lease released/);
  await until(
    "the release",
    () => server.output().includes(`DHCPRELEASE(eth0) ${address}`),
    () => lan.log + server.output(),
  );
  doesNotMatch(lan.log, /released from the host|the server keeps/);
  deepEqual(lan.files(), []);
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => readParent(pid) === parent);
}

function readParent(pid: number): number | undefined {
  try {
    return Number(/^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  } catch {
    return undefined; // it has ended meanwhile
  }
}

/** macvlan on the link to that network. */
export const lanConfig = {
  cniVersion: "1.1.0",
  name: "lan",
  type: "macvlan",
  master: "uplink",
  ipam: { type: "dhcp" },
};

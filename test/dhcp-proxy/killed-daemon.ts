/**
 * A pod's life with a daemon that is killed in the midst of it.
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { quietly } from "../faults/system-calls.ts";
import type { Background } from "../kernel/enter.ts";
import { builtPrograms, type CniCall } from "../kernel/sandbox.ts";
import { Lan, until } from "./lan.ts";

const both = { config: { ipam: { type: "dhcp", ipv6: "dhcp" } } };
const netns = "/run/netns/p1";
const leaseFiles = "/run/netloom/.dhcp";
/** Nobody else is on the LAN, and nothing is to wait for. */
const quickly = ["-probetime", "0"];

/** A daemon under strace(1), which kills it. */
export class Victim {
  readonly #running: Background;
  #isOver = false;

  /** @param strace its options */
  constructor(lan: Lan, strace: readonly string[]) {
    const daemon = [join(builtPrograms, "dhcp-daemon"), "-pidfile", "/run/dhcp.pid", ...quickly];
    this.#running = lan.sandbox.start(["strace", ...quietly, ...strace, ...daemon]);
    void this.#running.ended.finally(() => {
      this.#isOver = true;
    });
  }

  /** Waits until it has said all of that, or has ended. @returns whether it runs */
  async said(...patterns: RegExp[]): Promise<boolean> {
    const log = () => this.#running.output();
    const isSaid = () => patterns.every((pattern) => pattern.test(log()));
    await until(`${patterns}`, () => this.#isOver || isSaid(), log);
    return !this.#isOver;
  }

  /** Sees that it has ended. @returns whether it had by itself */
  async end(lan: Lan): Promise<boolean> {
    // what it says last may come before the call that it dies of
    await Promise.race([this.#running.ended, new Promise((resolve) => setTimeout(resolve, 30))]);
    const wasOver = this.#isOver || !killed(lan.pid);
    await this.#running.ended;
    return wasOver;
  }
}

/** Kills a process. @returns whether it was there */
function killed(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** A host with one pod. Methods whose calls have to succeed throw with what the program said. */
export class KilledWorld implements Disposable {
  readonly lan = new Lan();
  // biome-ignore lint/suspicious/noExplicitAny: a result
  #result: any;
  #idle: string[] = [];

  /** A LAN with both families, a pod whose addresses can be used at once, and a daemon. */
  async begin(): Promise<void> {
    const { lan } = this;
    await lan.serve({ more: ["--dhcp-range=2001:db8::100,2001:db8::1ff,64,120"] });
    lan.sandbox.pod("p1");
    const conf = "/proc/sys/net/ipv6/conf";
    const script = `for each in all default; do echo 0 >${conf}/$each/accept_dad; done`;
    lan.sandbox.ok(["sh", "-c", script], { netns });
    await this.daemon();
    this.#idle = this.#held();
  }

  /** A daemon that nothing happens to, after one that was killed. */
  async daemon(): Promise<void> {
    this.lan.sandbox.ok(["rm", "-f", "/run/cni/dhcp.sock"]);
    await this.lan.daemon(quickly);
  }

  /** Ends it, and makes room for the next. */
  async stop(): Promise<void> {
    await this.lan.signal("SIGTERM");
    this.lan.sandbox.ok(["rm", "-f", "/run/cni/dhcp.sock"]);
  }

  /** The execution of a verb. */
  callOf(command: string): CniCall {
    return this.lan.callOf(command, "p1", both);
  }

  /** As on a host that never had a lease. */
  forgetFolders(): void {
    this.lan.sandbox.ok(["rm", "-rf", "/run/netloom"]);
  }

  /** @returns whether it succeeded */
  add(): boolean {
    const { status, json } = this.lan.call("ADD", "p1", both);
    this.#result = status === 0 ? json : undefined;
    return status === 0;
  }

  /** @returns whether it succeeded */
  del(): boolean {
    const isDone = this.lan.call("DEL", "p1", both).status === 0;
    if (isDone) this.#result = undefined;
    return isDone;
  }

  /** True after an ADD that succeeded, until a DEL that does. */
  get isAttached(): boolean {
    return this.#result !== undefined;
  }

  /** The pod has what its ADD was told, and the daemon knows of it. */
  isWhole(): void {
    const told = this.#result.ips.map(({ address }: { address: string }) => address);
    deepEqual(this.#addresses(), told);
    const config = { ...both.config, prevResult: this.#result };
    const { status, stdout } = this.lan.call("CHECK", "p1", { config });
    equal(status, 0, stdout);
    const { ipv4, ipv6 } = this.lan.file("p1");
    deepEqual([ipv4.lease.address, `${ipv6.lease.addresses[0].address}/128`], told);
  }

  /** The time of both leases' renewal has come. */
  makeDue(): void {
    const path = this.lan.sandbox.path(`${leaseFiles}/lan:p1:eth0.json`);
    const file = JSON.parse(readFileSync(path, "utf8"));
    for (const { lease } of [file.ipv4, file.ipv6]) lease.renewAtMs = lease.acquiredAtMs;
    writeFileSync(path, JSON.stringify(file));
  }

  /** Both leases are renewed later than they were given. */
  isRenewed(): boolean {
    const { ipv4, ipv6 } = this.lan.file("p1");
    return [ipv4.lease, ipv6.lease].every(
      ({ renewAtMs, acquiredAtMs }) => renewAtMs > acquiredAtMs,
    );
  }

  /** Nothing is there any more: no file, no link, and nothing that the daemon holds. */
  async isClean(): Promise<void> {
    const folder = this.lan.sandbox.path(leaseFiles);
    deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
    const links = this.lan.sandbox.ipJson("link show", netns);
    deepEqual(
      links.map(({ ifname }) => ifname),
      ["lo"],
    );
    // it hears a little later that a plugin has hung up
    const isIdle = () => this.#held().join() === this.#idle.join();
    await until("the daemon to hold nothing", isIdle, () => String(this.#held()));
    deepEqual(this.lan.sandbox.processes(), []);
  }

  #addresses(): string[] {
    const [link] = this.lan.sandbox.ipJson("address show dev eth0 scope global", netns);
    const infos = (link?.addr_info ?? []) as { local?: string; prefixlen: number }[];
    return infos.flatMap(({ local, prefixlen }) => (local ? [`${local}/${prefixlen}`] : []));
  }

  /** What the daemon's descriptors are of. */
  #held(): string[] {
    const listed = this.lan.sandbox.ok(["sh", "-c", `ls -l /proc/${this.lan.pid}/fd`]);
    return listed.match(/(?<=-> )\D+/g) ?? [];
  }

  [Symbol.dispose](): void {
    this.lan[Symbol.dispose]();
  }
}

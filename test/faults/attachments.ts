/**
 * A host on which the attachments of a {@link Scenario} come and go, as fault tests need it.
 * @module
 */
import { existsSync } from "node:fs";
import { waitFor } from "../kernel/dhcp-lan.ts";
import { holdsAlways } from "../kernel/invariants.ts";
import { pause } from "../kernel/pause.ts";
import { type CniCall, Sandbox } from "../kernel/sandbox.ts";
import { difference, observe } from "./observe.ts";
import {
  callOf,
  containerOf,
  netnsOf,
  podOf,
  type Scenario,
  validAttachments,
} from "./scenarios.ts";

const wipeScript = `
for link in $LINKS; do [ ! -e "/sys/class/net/$link" ] || ip link delete "$link"; done
nft flush ruleset
rm -rf /run/netloom /run/cni /var/lib/cni
for name in $SYSCTLS; do [ ! -e "/proc/sys/$name" ] || echo 0 > "/proc/sys/$name"; done`;

/** A sandbox with one scenario in it. Methods that are said to succeed throw with what the program said. */
export class Attachments {
  readonly sandbox: Sandbox;
  readonly scenario: Scenario;
  readonly #results = new Map<number, unknown>();
  readonly #pods = new Set<number>();

  constructor(scenario: Scenario) {
    this.scenario = scenario;
    this.sandbox = Sandbox.create();
    try {
      this.#surround(scenario);
      this.wipe();
    } catch (error) {
      this.sandbox.dispose(); // nobody else can, and its holder would keep the test run from ending
      throw error;
    }
  }

  #surround({ surround, daemon }: Scenario): void {
    if (surround !== undefined) this.sandbox.ok(["ip", "-batch", "-"], { input: surround });
    if (daemon === undefined) return;
    this.sandbox.start(daemon.argv(this.sandbox.scratch));
    waitFor(daemon.socket, () => existsSync(this.sandbox.path(daemon.socket)));
  }

  /** Makes the host as if no CNI program had ever run on it; nothing may be attached. */
  wipe(): void {
    const { keptLinks = [], sysctls = [] } = this.scenario;
    const env = {
      PATH: process.env["PATH"],
      LINKS: keptLinks.join(" "),
      SYSCTLS: sysctls.join(" "),
    };
    this.sandbox.ok(["sh", "-e", "-c", wipeScript], { env });
  }

  /** Deletes the links that the program leaves on purpose. */
  deleteKeptLinks(): void {
    for (const link of this.scenario.keptLinks ?? [])
      this.sandbox.run(["ip", "link", "delete", link]);
  }

  /** Sees that the namespace of an attachment is there. */
  pod(n: number): void {
    if (this.#pods.has(n)) return;
    const netns = this.sandbox.pod(podOf(n));
    const { surroundInPod: input, surroundForPod } = this.scenario;
    if (input !== undefined) this.sandbox.ok(["ip", "-batch", "-"], { input, netns });
    const outside = surroundForPod?.(n);
    if (outside !== undefined) {
      this.sandbox.run(["ip", "-force", "-batch", "-"], { input: outside });
    }
    this.#pods.add(n);
  }

  /** Sees that it is not. */
  deletePod(n: number): void {
    if (!this.#pods.delete(n)) return;
    this.sandbox.ok(["sh", "-c", `umount ${netnsOf(n)} && rm ${netnsOf(n)}`]);
  }

  /** The execution of a verb; CHECK and DEL are given the result of an ADD that succeeded. */
  call(command: CniCall["command"], n: number, more: object = {}): CniCall {
    const prevResult = command === "ADD" ? undefined : this.#results.get(n);
    return callOf(this.scenario, command, n, { ...(prevResult ? { prevResult } : {}), ...more });
  }

  /** GC with these attachments valid. */
  gcCall(valid: readonly number[]): CniCall {
    return callOf(this.scenario, "GC", 1, validAttachments(valid));
  }

  /** ADD that succeeds, in a namespace that is made when it is missing. @returns the result */
  // biome-ignore lint/suspicious/noExplicitAny: results are of every kind
  add(n: number): any {
    this.pod(n);
    const result = this.#succeed(this.call("ADD", n));
    this.#results.set(n, result);
    return result;
  }

  /** Whether the last of its calls that succeeded was an ADD. */
  isAttached(n: number): boolean {
    return this.#results.has(n);
  }

  /** CHECK that succeeds. */
  check(n: number): void {
    this.#succeed(this.call("CHECK", n));
  }

  /** DEL that succeeds. */
  del(n: number): void {
    this.#succeed(this.call("DEL", n));
    this.#results.delete(n);
  }

  /** GC that succeeds. */
  gc(valid: readonly number[]): void {
    this.#succeed(this.gcCall(valid));
  }

  #succeed(call: CniCall): unknown {
    const done = this.sandbox.cni(call);
    const json = holdsAlways(done);
    if (done.status === 0) return json;
    throw new Error(`${call.command} ${call.containerId}: ${done.stdout}${done.stderr}`);
  }

  /** {@link observe} with the namespace of one attachment if it is there. */
  observe(n: number): string[] {
    return observe(this.sandbox, this.#pods.has(n) ? [podOf(n)] : []);
  }

  /**
   * What is wrong after all but the attachments of `before` were deleted: rows that are new and no residue, or speak of
   * attachment `n`, and rows that are missing.
   * @param kinds rows that the residue may have
   */
  leaks(before: readonly string[], n: number, kinds = /^/): string[] {
    const allowed = (row: string) =>
      kinds.test(row) && this.scenario.residue.some((form) => form.test(row));
    return difference(before, this.observe(n)).filter((line) => {
      const row = line.slice(2);
      return line.startsWith("-") || row.includes(containerOf(n)) || !allowed(row);
    });
  }

  /** What still runs in the sandbox, after a moment for those that were killed just now. */
  processes(): string[] {
    for (let tries = 0; ; tries++) {
      const found = this.sandbox.processes();
      if (found.length === 0 || tries === 500) return found;
      pause(10);
    }
  }

  /** Ends what still runs, so that it is not found again. */
  killLeftovers(): void {
    for (const row of this.sandbox.processes()) {
      this.sandbox.run(["kill", "-KILL", String(Number.parseInt(row, 10))]);
    }
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }
}

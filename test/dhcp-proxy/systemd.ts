/**
 * systemd in a sandbox: the real one, as the first process of a process namespace, with the daemon's units and hardly any other.
 * @module
 */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import type { Background, Outcome } from "../kernel/enter.ts";
import { builtPrograms, type Sandbox } from "../kernel/sandbox.ts";
import { until } from "./lan.ts";

/** The shipped units. */
export const unitFolder = join(root, "dhcp-proxy", "systemd");
const units = "/run/units";
const log = "/run/dhcp-daemon.log";
const program = "/lib/systemd/systemd";

/** Where the units want the programs. */
const install = `mount -t tmpfs tmpfs /opt
mkdir -p /opt/cni/bin
cp ${join(builtPrograms, "dhcp")} ${join(builtPrograms, "dhcp-daemon")} /opt/cni/bin`;

/** It is given control groups of its own. What runtimes mount below /run later reaches it, and nothing of it comes back. */
const outer = `mount --make-shared /run
mkdir /run/cgroup
mount -t cgroup2 cgroup2 /run/cgroup
mkdir /run/cgroup/netloom-$$
echo $$ >/run/cgroup/netloom-$$/cgroup.procs
exec unshare --cgroup --mount --propagation slave --pid --uts --ipc --fork --kill-child sh -e -c "$0"`;

/** It may write where services do, and nothing of the machine: neither its files nor its kernel's parameters. */
const inner = `${install}
for each in /tmp /var/tmp; do mount -t tmpfs tmpfs $each; done
mount -t proc proc /proc
mount --bind /proc/sys /proc/sys
mount --bind /proc/sys/net /proc/sys/net
mount -o remount,bind,ro /proc/sys
mount -o remount,bind,ro /
mount -t cgroup2 cgroup2 /sys/fs/cgroup
export container=netloom SYSTEMD_UNIT_PATH=${units} SYSTEMD_GENERATOR_PATH=/run/none
exec ${program} --system --unit=default.target --log-target=console --show-status=no`;

/** It answers to who is in its process namespace alone. */
const control = `pid=$(cat /run/cgroup/netloom-*/init.scope/cgroup.procs)
exec nsenter --target "$pid" --mount --pid systemctl "$@"`;

const cleanup = "find /run/cgroup/netloom-* -depth -type d -exec rmdir {} +";

/** What units are ordered by; ours alone do something. */
const targets = ["sysinit", "basic", "sockets", "shutdown", "network", "multi-user", "default"];

/** Programs that it needs beside those of every sandbox. */
export const systemdCommands = [program, "systemctl", "systemd-analyze", "unshare", "nsenter"];

/** Runs in a sandbox until it is disposed of. */
export class Systemd implements AsyncDisposable {
  readonly #sandbox: Sandbox;
  readonly #running: Background;

  private constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    const folder = sandbox.path(units);
    mkdirSync(join(folder, "cni-dhcp.service.d"), { recursive: true });
    cpSync(unitFolder, folder, { recursive: true });
    const words = ["[Service]", `StandardOutput=append:${log}`, `StandardError=append:${log}`];
    writeFileSync(join(folder, "cni-dhcp.service.d", "log.conf"), `${words.join("\n")}\n`);
    for (const target of targets) {
      const text = "[Unit]\nDefaultDependencies=no\n";
      writeFileSync(join(folder, `${target}.target`), text);
    }
    this.#running = sandbox.start(["sh", "-e", "-c", outer, inner]);
  }

  /** Returns when it takes orders. */
  static async start(sandbox: Sandbox): Promise<Systemd> {
    const systemd = new Systemd(sandbox);
    const isUp = () => systemd.#control("is-active", "default.target").status === 0;
    await until("systemd", isUp, () => systemd.#running.output());
    return systemd;
  }

  /** systemctl(1) that has to succeed. @returns what it prints */
  control(...words: string[]): string {
    const { status, stdout, stderr } = this.#control(...words);
    if (status === 0) return stdout.trim();
    throw new Error(`systemctl ${words.join(" ")}: ${stderr}\n${this.log}`);
  }

  #control(...words: string[]): Outcome {
    return this.#sandbox.run(["sh", "-e", "-c", control, "sh", ...words]);
  }

  /** A property of the daemon's service. */
  property(name: string): string {
    return this.control("show", "--value", "-p", name, "cni-dhcp.service");
  }

  /** Waits until the daemon has told it that status, which it does behind its answers. */
  tells(status: string): Promise<boolean> {
    return until(
      `"${status}"`,
      () => this.property("StatusText") === status,
      () => this.property("StatusText"),
    );
  }

  /** What the daemon has said. */
  get log(): string {
    const path = this.#sandbox.path(log);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }

  /** Waits until the daemon says that. */
  says(pattern: RegExp): Promise<boolean> {
    return until(
      `${pattern}`,
      () => pattern.test(this.log),
      () => this.log,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running.stop();
    const isGone = () => this.#sandbox.run(["sh", "-c", cleanup]).status === 0;
    await until("the end of its services", isGone);
  }
}

/** systemd-analyze(1) on the shipped units, installed as they want to be. */
export function analyze(
  sandbox: Sandbox,
  ...words: string[]
): { status: number | null; text: string } {
  const script = `${install}\ncd ${unitFolder}\nexec systemd-analyze "$@"`;
  const argv = ["unshare", "--mount", "sh", "-e", "-c", script, "sh", ...words];
  const { status, stdout, stderr } = sandbox.run(argv);
  return { status, text: stdout + stderr };
}

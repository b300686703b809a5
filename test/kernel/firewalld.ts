/**
 * A system bus in a sandbox, and on it Debian's firewalld or one that we wrote.
 *
 * Debian's is unpacked into .cache/firewalld, not installed: installed it would guard the machine's own network from then on.
 * @module
 */
import { cpSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { unpackedPackage } from "./debian-package.ts";
import type { Background } from "./enter.ts";
import { pause } from "./pause.ts";
import type { Sandbox } from "./sandbox.ts";

/** What both need, for `describeKernel`. */
export const busPrograms: readonly string[] = ["dbus-daemon", "dbus-send", "/usr/bin/python3"];

const folder = join(root, "test", "kernel", "bus");
const python = "/usr/bin/python3";
const socket = "/run/dbus/system_bus_socket";
const name = "org.fedoraproject.FirewallD1";

/** Starts a bus at the usual place of the sandbox. @returns the daemon */
export function startSystemBus(sandbox: Sandbox): Background {
  sandbox.ok(["mkdir", "-p", "/run/dbus"]);
  const config = join(folder, "system.conf");
  const started = sandbox.start([
    "dbus-daemon",
    `--config-file=${config}`,
    "--nofork",
    "--nopidfile",
  ]);
  waitUntil("the bus", () => existsSync(sandbox.path(socket)));
  return started;
}

/** One that we wrote, which tells what it was asked. */
export class FakeFirewalld {
  readonly #file: string;

  constructor(sandbox: Sandbox) {
    this.#file = join(sandbox.scratch, "firewalld-calls");
    sandbox.start([python, join(folder, "fake-firewalld.py"), this.#file]);
    waitUntil("firewalld", () => hasOwner(sandbox));
  }

  /** Calls so far, as `addSource trusted 10.0.0.2/32`. */
  get calls(): string[] {
    if (!existsSync(this.#file)) return [];
    return readFileSync(this.#file, "utf8").trimEnd().split("\n");
  }
}

/** Debian's, with a configuration folder of its own. */
export class Firewalld {
  readonly #sandbox: Sandbox;
  readonly #files = unpackedPackage("firewalld", join(root, ".cache", "firewalld"));
  readonly #config: string;
  #running: Background;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.#config = join(sandbox.scratch, "firewalld");
    cpSync(join(this.#files, "etc", "firewalld"), this.#config, { recursive: true });
    this.#running = this.#start();
  }

  /** Same as `firewall-cmd ${words}`. @returns what it prints */
  cmd(words: string): string {
    const program = join(this.#files, "usr", "bin", "firewall-cmd");
    return this.#sandbox.ok([python, program, ...words.split(" ")]).trim();
  }

  /** Ends it; its rules go with it. */
  async stop(): Promise<void> {
    const { pid } = this.#running; // of the helper, whose child it is
    const child = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
    process.kill(Number(child), "SIGTERM");
    await this.#running.ended;
  }

  /** Starts it again. */
  start(): void {
    this.#running = this.#start();
  }

  #start(): Background {
    const program = join(this.#files, "usr", "sbin", "firewalld");
    const own = [
      "--default-config",
      join(this.#files, "usr", "lib", "firewalld"),
      "--system-config",
      this.#config,
    ];
    const argv = [python, program, "--nofork", "--nopid", "--log-target", "console", ...own];
    const started = this.#sandbox.start(argv);
    waitUntil("firewalld", () => hasOwner(this.#sandbox));
    waitUntil("firewalld", () => this.#isReady());
    return started;
  }

  #isReady(): boolean {
    const call = ["/org/fedoraproject/FirewallD1", `${name}.zone.getActiveZones`];
    return (
      this.#sandbox.run(["dbus-send", "--system", "--print-reply", `--dest=${name}`, ...call])
        .status === 0
    );
  }
}

function hasOwner(sandbox: Sandbox): boolean {
  const call = ["/org/freedesktop/DBus", "org.freedesktop.DBus.NameHasOwner", `string:${name}`];
  const argv = ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", ...call];
  return sandbox.run(argv).stdout.includes("boolean true");
}

/** Waits without giving up the thread, as tests of sandboxes do. */
function waitUntil(what: string, isSo: () => boolean): void {
  for (let waited = 0; waited < 600; waited++) {
    if (isSo()) return;
    pause(50);
  }
  throw new Error(`${what} is not ready`);
}

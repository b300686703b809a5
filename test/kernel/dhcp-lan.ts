/**
 * A LAN with a DHCP server in a sandbox, pods with a link on it, and the daemon that dhcp talks to.
 * @module
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { binFolder, peers } from "../../scripts/place.ts";
import type { Background } from "./enter.ts";
import { pause } from "./pause.ts";
import type { Sandbox } from "./sandbox.ts";

/** What a daemon is started with. */
export interface DaemonOptions {
  /** Folder of `dhcp`. Default: the built programs. */
  bin?: string;
  /** Default `/run/cni/dhcp.sock`. */
  socket?: string;
  flags?: readonly string[];
}

/** Folder of the reference's programs; undefined where they are not built. */
export const reference: string | undefined = existsSync(join(peers, "dhcp")) ? peers : undefined;

const defaultSocket = "/run/cni/dhcp.sock";
const leaseFile = "/run/dnsmasq.leases";
const logFile = "/run/dnsmasq.log";
const daemonLog = "/run/dhcp-daemon.log";

/** Bridge `lan0`, 192.168.1.1/24, on the sandbox's host. */
export class DhcpLan {
  readonly #sandbox: Sandbox;
  #server: Background | undefined;

  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    const lines = [
      "link add lan0 type bridge",
      "address add 192.168.1.1/24 dev lan0",
      "link set lan0 up",
    ];
    sandbox.ok(["ip", "-batch", "-"], { input: `${lines.join("\n")}\n` });
  }

  /** dnsmasq with this range, `192.168.1.5,192.168.1.5` for one lease, and more of its options. */
  serve(range = "192.168.1.5,192.168.1.60,120s", ...options: string[]): void {
    const usual = [
      "--no-daemon",
      "--conf-file=/dev/null",
      "--user=root",
      "--port=0",
      "--interface=lan0",
      "--bind-dynamic",
      "--no-ping",
      `--dhcp-leasefile=${leaseFile}`,
      `--log-facility=${logFile}`,
      `--dhcp-range=${range}`,
    ];
    const quiet = ["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh"]; // it logs to stderr as well
    this.#server = this.#sandbox.start([...quiet, "dnsmasq", ...usual, ...options]);
    waitFor("dnsmasq's socket", () => / 0\.0\.0\.0:67 /.test(this.#listeners()));
  }

  #listeners(): string {
    return this.#sandbox.ok(["ss", "-Hlun"]).replaceAll("%lan0", "");
  }

  /** Ends the server; its leases stay for the next. */
  async stopServing(): Promise<void> {
    await this.#server?.stop();
    this.#server = undefined;
  }

  /** The server's leases: address by client identity, hexadecimal. */
  leases(): Record<string, string> {
    const file = this.#sandbox.path(leaseFile);
    const rows = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
    const fields = rows.map((row) => row.split(" ")).filter((row) => row.length === 5);
    return Object.fromEntries(fields.map(([, , address = "", , id = ""]) => [id, address]));
  }

  /** What the server wrote. */
  log(): string {
    const file = this.#sandbox.path(logFile);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** A pod with a link on the LAN, down and without address. @returns its namespace's path */
  pod(name: string, ifname = "eth0"): string {
    const path = existsSync(this.#sandbox.path(`/run/netns/${name}`))
      ? `/run/netns/${name}`
      : this.#sandbox.pod(name);
    const end = `${name}-${ifname}`;
    const pair = ["link", "add", end, "master", "lan0", "up", "type", "veth"];
    this.#sandbox.ok(["ip", ...pair, "peer", "name", ifname, "netns", path]);
    return path;
  }

  /** Starts `dhcp daemon`, and waits until it listens. */
  daemon({ bin = binFolder, socket = defaultSocket, flags = [] }: DaemonOptions = {}): Background {
    rmSync(this.#sandbox.path(socket), { force: true });
    const argv = [join(bin, "dhcp"), "daemon", "-socketpath", socket, ...flags];
    // a pipe that a test does not read while it waits for a program would stop the daemon
    const quiet = ["sh", "-c", 'exec "$@" >"$0" 2>&1', daemonLog, ...argv];
    const started = this.#sandbox.start(quiet);
    waitFor("the daemon's socket", () => existsSync(this.#sandbox.path(socket)));
    return started;
  }
}

/** Of pairs of flag and value, those that the daemon in `bin` knows: the reference before 1.6 ends at `-resendtimeout`. */
export function knownFlags(
  sandbox: Sandbox,
  bin: string,
  flags: readonly (readonly [name: string, value: string])[],
): string[] {
  const { stderr } = sandbox.run([join(bin, "dhcp"), "daemon", "-h"]);
  return flags.filter(([name]) => stderr.includes(` ${name} `)).flat();
}

/** Looks every few milliseconds, without giving up the thread. @throws {Error} after 10 s */
export function waitFor(what: string, isThere: () => boolean): void {
  for (let waited = 0; waited < 1000; waited++) {
    if (isThere()) return;
    pause(10);
  }
  throw new Error(`${what}: not there after 10 s`);
}

/** The client identity of a pod, as {@link DhcpLan.leases} has it. */
export function identity(containerId: string, network: string, ifname: string): string {
  const bytes = [0, ...Buffer.from(`${containerId}/${network}/${ifname}`)];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

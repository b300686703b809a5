/**
 * A host in memory that runs host-local as a runtime does, call after call, and can be rebooted.
 * @module
 */
import { runOnce } from "../../../core/cni/skeleton.ts";
import { hostLocal } from "../../../ipam/host-local/plugin.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

export const directory = "/var/lib/cni/networks/n";
const bootIdPath = "/proc/sys/kernel/random/boot_id";

/** What a call is made with; what is left out is `c1`, `eth0` and a configuration with one /29. */
export interface NodeCall {
  id?: string;
  ifname?: string;
  config?: object;
  /** The `ipam` part of the configuration. */
  ipam?: object;
  args?: string;
}

/** How a call ended. */
export interface NodeOutcome {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into results of every version
  json: any;
  stderr: string;
}

/** One machine: its files last from call to call. */
export class Node {
  readonly host = new FakeHost();
  #boots = 0;

  constructor() {
    this.reboot();
  }

  /** Another boot: what lies on disk stays. */
  reboot(): void {
    this.#boots += 1;
    this.host.put(bootIdPath, `00000000-0000-0000-0000-00000000000${this.#boots}\n`);
  }

  call(
    command: string,
    { id = "c1", ifname = "eth0", config, ipam, args }: NodeCall = {},
  ): NodeOutcome {
    const document = { cniVersion: "1.1.0", name: "n", ipam: ipam ?? oneRange, ...config };
    const env = {
      CNI_COMMAND: command,
      CNI_CONTAINERID: id,
      CNI_IFNAME: ifname,
      CNI_NETNS: "/none",
    };
    const environ = {
      ...env,
      CNI_PATH: "/opt/cni/bin",
      ...(args === undefined ? {} : { CNI_ARGS: args }),
    };
    const before = this.host.stderr.length;
    const output: Uint8Array[] = [];
    let stdin = new TextEncoder().encode(JSON.stringify(document));
    const { host } = this;
    const once: FakeHost = Object.create(host);
    once.environ = () => Object.entries(environ).map(([name, value]) => `${name}=${value}`);
    once.read = (fd, length) => {
      if (fd !== 0) return host.read(fd, length);
      const part = stdin.slice(0, length);
      stdin = stdin.slice(length);
      return part;
    };
    once.write = (fd, bytes) => {
      if (fd !== 1) return host.write(fd, bytes);
      return output.push(bytes.slice()) && bytes.length;
    };
    useHost(once);
    const status = runOnce(hostLocal);
    const stdout = Buffer.concat(output).toString();
    const json = stdout === "" ? undefined : JSON.parse(stdout);
    return { status, json, stderr: host.stderr.slice(before) };
  }

  /** ADD that has to succeed. @returns its addresses without prefix lengths */
  add(call: NodeCall = {}): string[] {
    const { status, json } = this.call("ADD", call);
    if (status !== 0) throw new Error(`ADD failed: ${JSON.stringify(json)}`);
    return json.ips.map(({ address }: { address: string }) => address.split("/")[0]);
  }

  /** Reservations of network `n` by address. */
  reservations(): Record<string, string> {
    const paths = this.host.list(directory).filter((path) => /\/[0-9a-f.:]+$/.test(path));
    return Object.fromEntries(
      paths.map((path) => [path.slice(directory.length + 1), this.host.text(path) ?? ""]),
    );
  }

  /** Puts a reservation there as another program does. */
  putForeign(ip: string, content: string): void {
    this.host.put(`${directory}/${ip}`, content, 0o600);
  }
}

export const oneRange = { type: "host-local", ranges: [[{ subnet: "10.0.0.0/29" }]] };

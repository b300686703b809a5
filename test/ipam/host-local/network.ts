/**
 * One network of the built host-local in a sandbox, called as a delegating plugin calls it.
 * @module
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { peers } from "../../../scripts/place.ts";
import type { CniCall, CniOutcome, Sandbox } from "../../kernel/sandbox.ts";

/** What differs from call to call; the rest is `c1`, `eth0`, version 1.1.0 and the network's own configuration. */
export interface NetworkCall {
  id?: string;
  ifname?: string;
  cniVersion?: string;
  /** Replaces keys of the `ipam` part. */
  ipam?: object;
  /** Replaces keys of the whole configuration. */
  config?: object;
  args?: string;
  /** Folder of the program; the built ones when left out. */
  bin?: string;
}

/** Where the reference's host-local lies, for tests that let both take turns; undefined when it is not there. */
export const reference = existsSync(join(peers, "host-local")) ? peers : undefined;

/** The network `mynet` below a data directory of its own. */
export class Network {
  readonly sandbox: Sandbox;
  readonly dataDir: string;
  readonly #ipam: object;

  /** @param dataDir path inside the sandbox that is also one of the machine, as below its scratch folder */
  constructor(sandbox: Sandbox, dataDir: string, ipam: object) {
    this.sandbox = sandbox;
    this.dataDir = dataDir;
    this.#ipam = ipam;
  }

  get directory(): string {
    return join(this.dataDir, "mynet");
  }

  request(command: string, call: NetworkCall = {}): CniCall {
    const { id = "c1", ifname = "eth0", cniVersion = "1.1.0", ipam, config, args, bin } = call;
    return {
      command,
      type: "host-local",
      containerId: id,
      ifName: ifname,
      netns: "/run/netns/none",
      config: {
        cniVersion,
        name: "mynet",
        type: "ptp",
        ipam: { type: "host-local", dataDir: this.dataDir, ...this.#ipam, ...ipam },
        ...config,
      },
      ...(args === undefined ? {} : { args }),
      ...(bin === undefined ? {} : { bin }),
    };
  }

  call(command: string, call: NetworkCall = {}): CniOutcome {
    return this.sandbox.cni(this.request(command, call));
  }

  /** A call that has to succeed. */
  ok(command: string, call: NetworkCall = {}): CniOutcome {
    const done = this.call(command, call);
    if (done.status !== 0) throw new Error(`${command}: ${done.stdout}${done.stderr}`);
    return done;
  }

  /** ADD. @returns the addresses without prefix length, in order */
  add(call: NetworkCall = {}): string[] {
    return addressesOf(this.ok("ADD", call));
  }

  /** Message of a call that has to fail. */
  failure(command: string, call: NetworkCall = {}): string {
    const done = this.call(command, call);
    if (done.status === 0) throw new Error(`${command} succeeded: ${done.stdout}`);
    return done.json.msg;
  }

  /** Reservations by address, with their content. */
  reservations(): Record<string, string> {
    if (!existsSync(this.directory)) return {};
    const names = readdirSync(this.directory).filter((name) => /^[0-9a-f:.]+$/.test(name));
    return Object.fromEntries(names.sort().map((name) => [name, this.read(name)]));
  }

  read(name: string): string {
    return readFileSync(join(this.directory, name), "latin1");
  }

  mode(name: string): string {
    return (statSync(join(this.directory, name)).mode & 0o7777).toString(8);
  }

  /** Puts a file there as another program, or a person, does. */
  write(name: string, content: string): void {
    mkdirSync(this.directory, { recursive: true });
    writeFileSync(join(this.directory, name), content, "latin1");
    chmodSync(join(this.directory, name), 0o600);
  }
}

/** Addresses of a result of any version, without prefix length. */
export function addressesOf({ json }: CniOutcome): string[] {
  const old = [json.ip4?.ip, json.ip6?.ip].filter((ip) => ip !== undefined);
  const all: string[] = json.ips?.map(({ address }: { address: string }) => address) ?? old;
  return all.map((address) => address.replace(/\/.*/, ""));
}

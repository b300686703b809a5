/**
 * One network of host-local, called as a delegating plugin calls it, and its state on disk.
 * @module
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CniCall } from "../../test/kernel/sandbox.ts";
import type { Reply, Trial } from "./trial.ts";

/** What differs from call to call; the rest is `c1`, `eth0`, the newest version and the network's own configuration. */
export interface NetworkCall {
  id?: string;
  ifName?: string;
  cniVersion?: string;
  /** Replaces keys of the `ipam` part. */
  ipam?: object;
  /** Replaces keys of the whole configuration. */
  config?: object;
  args?: string;
  /** Folder of the program; the one under judgement when left out. */
  bin?: string;
}

/** The usual data directory; it is empty in a sandbox. */
export const dataDir = "/var/lib/cni/networks";

/** An address pool of one network. */
export class IpamNetwork {
  readonly trial: Trial;
  readonly name: string;
  readonly #ipam: object;

  /** @param ipam - goes over `type` and nothing else; `dataDir` is the usual one */
  constructor(trial: Trial, ipam: object, name = "mynet") {
    this.trial = trial;
    this.name = name;
    this.#ipam = ipam;
  }

  request(command: string, call: NetworkCall = {}): CniCall {
    const { id = "c1", ifName = "eth0", cniVersion = this.trial.newest, args, bin } = call;
    const ipam = { type: "host-local", ...this.#ipam, ...call.ipam };
    return {
      command,
      type: "host-local",
      containerId: id,
      ifName,
      netns: "/run/netns/none",
      config: { cniVersion, name: this.name, type: "ptp", ipam, ...call.config },
      ...(args !== undefined && { args }),
      ...(bin !== undefined && { bin }),
    };
  }

  /** OK of the call. */
  ok(command: string, call: NetworkCall = {}): Reply {
    return this.trial.ok(this.request(command, call));
  }

  /** ADD. @returns the addresses without prefix length, in order */
  add(call: NetworkCall = {}): string[] {
    return addressesOf(this.ok("ADD", call)).map((address) => address.replace(/\/.*/, ""));
  }

  /** ERR of the call with that text. @returns the error object */
  fails(command: string, call: NetworkCall = {}, says?: string | RegExp, codes?: number[]): Reply {
    return this.trial.fails(this.request(command, call), codes, says);
  }

  /** Reservations by address, with their content. */
  reservations(): Record<string, string> {
    if (!existsSync(this.#path())) return {};
    const names = readdirSync(this.#path()).filter((name) => /^[0-9a-f:.]+$/.test(name));
    return Object.fromEntries(names.sort().map((name) => [name, this.read(name)]));
  }

  read(name: string): string {
    return readFileSync(join(this.#path(), name), "latin1");
  }

  /** Puts a file there as another program, or a person, does. */
  write(name: string, content: string): void {
    mkdirSync(this.#path(), { recursive: true });
    writeFileSync(join(this.#path(), name), content, { encoding: "latin1", mode: 0o600 });
  }

  #path(): string {
    return this.trial.host.path(join(dataDir, this.name));
  }
}

/** Addresses of a result of any version, `10.1.2.2/24` each. */
export function addressesOf(result: Reply): string[] {
  const old = [result.ip4?.ip, result.ip6?.ip].filter((ip) => ip !== undefined);
  return result.ips?.map(({ address }: { address: string }) => address) ?? old;
}

/** A range set of these subnets. */
export const set = (...subnets: string[]) => subnets.map((subnet) => ({ subnet }));

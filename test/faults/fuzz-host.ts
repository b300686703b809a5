/**
 * A whole machine in memory for thousands of runs a second: links, nf_tables, files, and programs that really run, IPAM
 * among them.
 * @module
 */
import type { FakeKernel } from "netlink-ts/testing/fake-kernel.ts";
import type { Plugin } from "../../core/cni/plugin.ts";
import { runOnce } from "../../core/cni/skeleton.ts";
import { hostLocal } from "../../ipam/host-local/plugin.ts";
import { type FakeNamespace, FakeNetwork } from "../core/net/fake-network.ts";
import { FakeNfTables } from "../core/nft/fake-nf-tables.ts";
import { hostError, useHost } from "../fake-host.ts";

const AF_NETLINK = 16;
const NETLINK_NETFILTER = 12;
const bin = "/opt/cni/bin";

/** One execution. */
export interface FuzzCall {
  environment: readonly string[];
  stdin: string | Uint8Array;
}

/** How it ended. */
export interface FuzzRun {
  status: number;
  stdout: string;
  stderr: string;
}

interface Streams {
  environment: readonly string[];
  stdin: Uint8Array;
  stdout: Uint8Array[];
  stderr: Uint8Array[];
}

/** Environment of a call with nothing missing. */
export function environmentOf(
  command: string,
  containerId = "c1",
  netns = `/run/netns/${containerId}`,
): string[] {
  const ids = [`CNI_CONTAINERID=${containerId}`, `CNI_NETNS=${netns}`, "CNI_IFNAME=eth0"];
  return [`CNI_COMMAND=${command}`, ...ids, `CNI_PATH=${bin}`];
}

/** The machine. What is not faked throws and says so. */
export class FuzzHost extends FakeNetwork {
  readonly nf = new FakeNfTables();
  /** Changes what the kernel answers. */
  garble: ((reply: Uint8Array) => Uint8Array) | undefined;
  readonly #nfSockets = new Map<number, FakeKernel>();
  #streams: Streams | undefined;
  #fd = 100_000;

  /** @param containers ids; each has a namespace at `/run/netns/<id>` */
  constructor(...containers: string[]) {
    super();
    this.put("/proc/sys/kernel/random/boot_id", "00000000-0000-0000-0000-000000000001\n");
    this.put(`${bin}/host-local`, "", 0o755);
    for (const id of containers) this.container(`/run/netns/${id}`);
  }

  /** Runs a program to its end. */
  execute(plugin: Plugin, { environment, stdin }: FuzzCall): FuzzRun {
    const outer = this.#streams;
    const bytes = typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin;
    const streams: Streams = { environment, stdin: bytes, stdout: [], stderr: [] };
    this.#streams = streams;
    try {
      useHost(this);
      const status = runOnce(plugin);
      return { status, stdout: textOf(streams.stdout), stderr: textOf(streams.stderr) };
    } finally {
      this.#streams = outer;
    }
  }

  /** Descriptors that are open, of all kinds. */
  get leftOpen(): number {
    return this.openDescriptors + this.#nfSockets.size + this.descriptors.size;
  }

  /** All that is there, but for what host-local keeps of a network without containers. */
  snapshot(): string[] {
    const namespaces = [["host", this.home] as const, ...this.containers];
    const kept = /^\/(proc|opt)\/|\/(lock|last_reserved_ip\.\d+|\.netloom-ledger)$/;
    const files = this.list().filter((path) => !kept.test(path));
    return [
      ...namespaces.flatMap(([name, namespace]) => rowsOf(name, namespace)),
      ...this.nf.owners(),
      ...files.map((path) => `${path}: ${this.text(path)}`),
    ];
  }

  override linkSysctls(ifname: string): void {
    super.linkSysctls(ifname);
    if (ifname.includes("/")) return;
    this.put(`/proc/sys/net/ipv4/conf/${ifname}/route_localnet`, "0\n");
  }

  // ---- what a program is given

  override environ(): string[] {
    return [...(this.#streams?.environment ?? [])];
  }

  override read(fd: number, length: number): Uint8Array {
    const streams = this.#streams;
    if (fd !== 0 || streams === undefined) return super.read(fd, length);
    const part = streams.stdin.slice(0, length);
    streams.stdin = streams.stdin.slice(length);
    return part;
  }

  override write(fd: number, bytes: Uint8Array): number {
    const streams = this.#streams;
    if (fd > 2 || streams === undefined) return super.write(fd, bytes);
    (fd === 1 ? streams.stdout : streams.stderr).push(bytes.slice());
    return bytes.length;
  }

  readonly #ended = new Map<number, HostSpawned>();

  /** The one program that others execute is host-local. */
  override start({ env, stdin = new Uint8Array() }: HostSpawn): number {
    const { status, stdout, stderr } = this.execute(hostLocal, { environment: env ?? [], stdin });
    const bytes = (text: string) => new TextEncoder().encode(text);
    const output = { stdout: bytes(stdout), stderr: bytes(stderr) };
    this.#ended.set(++this.#fd, { status, ...output, timedOut: false, outputExceeded: false });
    return this.#fd;
  }

  override finish(pid: number): HostSpawned {
    const ended = this.#ended.get(pid);
    if (ended === undefined) throw hostError("finish", "ECHILD");
    this.#ended.delete(pid);
    return ended;
  }

  /** Programs that were started and not waited for. */
  get running(): number {
    return this.#ended.size;
  }

  // ---- sockets

  override socket(domain: number, type: number, protocol: number): number {
    if (domain !== AF_NETLINK || protocol !== NETLINK_NETFILTER) {
      return super.socket(domain, type, protocol);
    }
    this.#nfSockets.set(++this.#fd, this.nf.transport());
    return this.#fd;
  }

  override close(fd: number): void {
    if (!this.#nfSockets.delete(fd)) super.close(fd);
  }

  override send(fd: number, bytes: Uint8Array): number {
    const kernel = this.#nfSockets.get(fd);
    if (kernel === undefined) return super.send(fd, bytes);
    kernel.send(bytes);
    return bytes.length;
  }

  override recvmsg(fd: number, length: number, flags = 0): HostMessage {
    const kernel = this.#nfSockets.get(fd);
    const message = kernel ? received(kernel, flags) : super.recvmsg(fd, length, flags);
    return this.garble ? { ...message, data: this.garble(message.data) } : message;
  }
}

function received(kernel: FakeKernel, flags: number): HostMessage {
  const data = flags === 0 ? kernel.receive() : kernel.receiveIfAny();
  if (data === undefined) throw hostError("recvmsg", "EAGAIN");
  return { data, address: new Uint8Array(), flags: 0, fds: [] };
}

function rowsOf(name: string, { links, addresses, routes }: FakeNamespace): string[] {
  return [
    ...[...links.values()].map(
      ({ ifname, ifalias, master }) => `${name}: ${ifname} ${ifalias} ${master}`,
    ),
    ...addresses.map(({ ifindex, address }) => `${name}: ${ifindex} ${address}`),
    ...routes.map(({ dst, gateway, oif }) => `${name}: route ${dst} ${gateway} ${oif}`),
  ];
}

function textOf(parts: Uint8Array[]): string {
  return new TextDecoder().decode(Buffer.concat(parts));
}

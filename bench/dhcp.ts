/**
 * Leases: many pods that ask at once, and what the daemon takes for them. Ours and the reference's, plugin and daemon each.
 * @module
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binFolder, peers } from "../scripts/place.ts";
import { Sandbox } from "../test/kernel/sandbox.ts";
import { Table } from "./figures.ts";

/** How much is measured. */
export interface DhcpSize {
  pods: number;
  rounds: number;
}

/** A plugin with its daemon. */
interface DhcpContender {
  name: string;
  bin: string;
  flags: string[];
}

/** With and without the ARP probe, which the reference does not do. */
const dhcpContenders: readonly DhcpContender[] = [
  { name: "netloom", bin: binFolder, flags: [] },
  { name: "netloom, no ARP probe", bin: binFolder, flags: ["-probetime", "0"] },
  { name: "reference", bin: peers, flags: [] },
];

/** Names of the columns. */
export const dhcpColumns: readonly string[] = dhcpContenders.map(({ name }) => name);

const config = JSON.stringify({
  cniVersion: "1.0.0",
  name: "lan",
  type: "dhcp",
  ipam: { type: "dhcp" },
});

/** Starts a call of each pod and waits for all; prints milliseconds and how many failed. */
const atOnce = `
command=$1; bin=$2; count=$3; out=$4
export CNI_COMMAND=$command CNI_IFNAME=eth0 CNI_PATH=$bin
begin=$(date +%s%N)
for id in $(seq "$count"); do
  CNI_CONTAINERID=p$id CNI_NETNS=/run/netns/p$id "$bin/dhcp" <"$out/config" >"$out/$id" 2>&1 || echo "$id" >>"$out/failed" &
done
wait
echo $((($(date +%s%N) - begin) / 1000)) $(cat "$out/failed" 2>/dev/null | wc -l)
rm -f "$out/failed"`;

class DhcpHost implements Disposable {
  /** The contender's. */
  readonly name: string;
  readonly #contender: DhcpContender;
  readonly #sandbox = Sandbox.create();
  readonly #pidfile = join(this.#sandbox.scratch, "pid");

  constructor(contender: DhcpContender, pods: number) {
    this.#contender = contender;
    this.name = contender.name;
    this.#serve();
    this.#makePods(pods);
    writeFileSync(join(this.#sandbox.scratch, "config"), config);
    const words = contender.bin === peers ? ["daemon"] : [];
    const program = join(contender.bin, contender.bin === peers ? "dhcp" : "dhcp-daemon");
    this.#start([program, ...words, "-pidfile", this.#pidfile, ...contender.flags]);
    this.#sandbox.ok(["sh", "-c", "until test -S /run/cni/dhcp.sock; do sleep 0.05; done"]);
  }

  #serve(): void {
    const netns = this.#sandbox.outside();
    this.#sandbox.ok(["ip", "address", "add", "10.66.0.1/16", "dev", "eth0"], { netns });
    const options = ["--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=eth0"];
    const leases = join(this.#sandbox.scratch, "leases");
    this.#start(
      [
        ...["dnsmasq", ...options, "--bind-interfaces", "--no-resolv", "--no-ping"],
        ...["--dhcp-range=10.66.1.0,10.66.9.250,255.255.0.0,3600", `--dhcp-leasefile=${leases}`],
      ],
      netns,
    );
  }

  /** Without a pipe that nobody empties while a round is waited for. */
  #start(argv: string[], netns?: string): void {
    const quiet = ["sh", "-c", 'exec "$@" >/dev/null 2>&1', "sh", ...argv];
    this.#sandbox.start(quiet, netns === undefined ? {} : { netns });
  }

  /** Each with a macvlan link, as the main plugin would have made it. */
  #makePods(pods: number): void {
    const names = Array.from({ length: pods }, (_, index) => `p${index + 1}`);
    for (const name of names) this.#sandbox.pod(name);
    const lines = names.map(
      (name) => `link add eth0 netns ${name} link uplink type macvlan mode bridge`,
    );
    this.#sandbox.ok(["ip", "-batch", "-"], { input: lines.join("\n") });
  }

  /** @returns milliseconds for all, and how many failed */
  all(command: string, pods: number): [ms: number, failed: number] {
    const { scratch } = this.#sandbox;
    const words = [command, this.#contender.bin, String(pods), scratch];
    const said = this.#sandbox.ok(["sh", "-c", atOnce, "sh", ...words], { timeoutMs: 120_000 });
    const [us = 0, failed = 0] = said.trim().split(" ").map(Number);
    return [us / 1000, failed];
  }

  /** MiB of the daemon: `VmRSS` now, `VmHWM` at most. */
  memory(what: "VmRSS" | "VmHWM"): number {
    const status = readFileSync(`/proc/${readFileSync(this.#pidfile, "utf8")}/status`, "utf8");
    return Number(new RegExp(`${what}:\\s*(\\d+)`).exec(status)?.[1]) / 1024;
  }

  /** Milliseconds of processor time that the daemon has used, in steps of 10. */
  processor(): number {
    const stat = readFileSync(`/proc/${readFileSync(this.#pidfile, "utf8")}/stat`, "utf8");
    const [user = 0, system = 0] = stat.split(") ")[1]?.split(" ").slice(11, 13).map(Number) ?? [];
    return (user + system) * 10;
  }

  [Symbol.dispose](): void {
    this.#sandbox.dispose();
  }
}

/**
 * Rows: `one` (ADD alone), `ADD`, `DEL` (all at once), in ms; `processor`, the daemon's ms for an ADD with its DEL; `failed`; `idle`,
 * `holding`, `peak`, in MiB of the daemon. Columns: {@link dhcpColumns}.
 */
export function measureDhcp({ pods, rounds }: DhcpSize): Table {
  const figures = new Table();
  const there = dhcpContenders.filter(({ bin }) => existsSync(join(bin, "dhcp")));
  const hosts = there.map((contender) => new DhcpHost(contender, pods));
  try {
    for (const host of hosts) figures.at("idle", host.name).add(host.memory("VmRSS"));
    for (let round = 0; round < rounds; round++) {
      for (const host of hosts) oneRound(host, pods, figures);
    }
    for (const host of hosts) figures.at("peak", host.name).add(host.memory("VmHWM"));
  } finally {
    for (const host of hosts) host[Symbol.dispose]();
  }
  process.stderr.write("leases measured\n");
  return figures;
}

function oneRound(host: DhcpHost, pods: number, figures: Table): void {
  const note = (row: string, value: number) => figures.at(row, host.name).add(value);
  note("one", host.all("ADD", 1)[0]);
  host.all("DEL", 1);
  const before = host.processor();
  const [added, lost] = host.all("ADD", pods);
  note("ADD", added);
  note("holding", host.memory("VmRSS"));
  const [deleted, kept] = host.all("DEL", pods);
  note("DEL", deleted);
  note("processor", (host.processor() - before) / pods);
  note("failed", lost + kept);
}

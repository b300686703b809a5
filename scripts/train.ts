/**
 * Training: a program is run in namespaces of its own before it is finished, so that the parts of its image that runs
 * write to can lie together. A start copies each page it writes to.
 * @module
 */
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { compilerProgram } from "./host.ts";

const run = promisify(execFile);

/** The runs, in this order; the first needs no configuration. */
const commands = ["VERSION", "STATUS", "ADD", "CHECK", "DEL"];

const container = "/run/container";
const ips = [{ address: "10.1.0.5/24", gateway: "10.1.0.1" }];
const routes = [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }];
/** An IPAM plugin that has one answer. */
const ipam = `#!/bin/sh\necho '${JSON.stringify({ cniVersion: "1.1.0", ips, routes })}'\n`;
/** What an interface plugin may have answered. */
const result = {
  cniVersion: "1.1.0",
  interfaces: [{ name: "eth0", mac: "02:00:00:00:00:01", sandbox: container }],
  ips: ips.map((ip) => ({ ...ip, interface: 0 })),
  routes,
};

/** What a plugin that makes pairs may have answered. */
const pairResult = {
  ...result,
  interfaces: [{ name: "pair" }, { name: "paired", sandbox: container }],
};

/** The same of a pair whose other end has the addresses. */
const podResult = { ...pairResult, ips: ips.map((ip) => ({ ...ip, interface: 1 })) };

/** What is told to a program beside name and version; a type that is not here has no keys of its own. */
const configurations: Record<string, { prevResult?: object; [key: string]: unknown }> = {
  bandwidth: { ingressRate: "10Mbit", egressRate: "10Mbit", prevResult: pairResult },
  bridge: { isGateway: true, isDefaultGateway: true, ipMasq: true, ipam: { type: "ipam" } },
  dhcp: { ipam: { type: "dhcp" } },
  "host-local": { ipam: { type: "host-local", subnet: "10.1.0.0/16" } },
  dummy: { ipam: { type: "ipam" } },
  firewall: { prevResult: podResult },
  "host-device": { device: "uplink", ipam: { type: "ipam" } },
  ipvlan: { master: "uplink", ipam: { type: "ipam" } },
  macvlan: { master: "uplink", ipam: { type: "ipam" } },
  sbr: { prevResult: { ...pairResult, ips } },
  ptp: { ipMasq: true, ipam: { type: "ipam" } },
  static: { ipam: { type: "static", addresses: ips } },
  tap: { ipam: { type: "ipam" } },
  vrf: { vrfname: "vrf0", prevResult: pairResult },
  vlan: { master: "uplink", vlanId: 5, ipam: { type: "ipam" } },
  portmap: {
    capabilities: { portMappings: true },
    runtimeConfig: { portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }] },
    prevResult: podResult,
  },
  tuning: { sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1" }, mtu: 1400, prevResult: result },
};

/** The link that a program works on where it does not make one. */
const links: Record<string, string> = {
  bandwidth: "paired",
  firewall: "paired",
  loopback: "lo",
  portmap: "paired",
  sbr: "paired",
  tuning: "lo",
  vrf: "paired",
};

/**
 * Arguments: interface, commands; begins in the folder of the training. That folder gets a name that does not depend on
 * where it lies, since texts are part of what a run writes; it may lie in one that is covered here.
 */
const script = `set -e
mount -t tmpfs tmpfs /mnt
mkdir /mnt/training
mount --bind . /mnt/training
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib
touch ${container}
unshare --net=${container} true
ip link add uplink type veth peer name below || true # what some make their links on
ip link add pair type veth peer name paired netns ${container} || true # what some work on
ip link set pair up || true
[ $1 != paired ] || ip address add 10.1.0.1/24 dev pair || true # its other end is reached
nsenter --net=${container} sh -c 'ip address add 10.1.0.5/24 dev paired; ip link set paired up' || true
cd /mnt/training
export CNI_IFNAME=$1
shift
for command; do
  case $command in CHECK | DEL) # with what ADD answered, unless that was an error
    grep -q '"msg"' ADD.out || cp ADD.out result.json
    { cat prefix.json result.json && echo '}'; } >$command.json
  esac
  CNI_COMMAND=$command ./compiler train ./program $command.hot <$command.json >$command.out 2>$command.err || {
    cat $command.err >&2
    exit 1
  }
done
`;

/** Everything that the outcome depends on beside the program. */
export const trainingPlan = JSON.stringify([commands, ipam, configurations, script]);

/** Root has namespaces for the asking; others become root of a user namespace first. */
function namespaces(): string[] {
  const own = process.geteuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  return [...own, "--mount", "--net", "--propagation", "private"];
}

function environment(): Record<string, string> {
  return {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    CNI_CONTAINERID: "training",
    CNI_NETNS: container,
    CNI_PATH: "/mnt/training",
  };
}

function prepare(type: string, folder: string): void {
  mkdirSync(folder, { recursive: true });
  copyFileSync(compilerProgram(), join(folder, "compiler"));
  writeFileSync(join(folder, "ipam"), ipam, { mode: 0o755 });
  const configuration = { cniVersion: "1.1.0", name: "training", type, ...configurations[type] };
  const { prevResult = result, ...own } = configuration;
  writeFileSync(join(folder, "result.json"), JSON.stringify(prevResult));
  writeFileSync(join(folder, "prefix.json"), JSON.stringify(own).replace(/}$/, ',"prevResult":'));
  for (const command of commands) {
    writeFileSync(join(folder, `${command}.json`), JSON.stringify(configuration));
  }
}

/** What at least so many lists of 4-byte numbers have, as such a list, ascending. No list has a number twice. */
export function inAtLeast(least: number, lists: readonly Uint8Array[]): Uint8Array {
  const counts = new Map<number, number>();
  for (const { buffer, byteOffset, byteLength } of lists) {
    const view = new DataView(buffer, byteOffset, byteLength);
    for (let at = 0; at < byteLength; at += 4) {
      const number = view.getUint32(at, true);
      counts.set(number, (counts.get(number) ?? 0) + 1);
    }
  }
  const numbers = [...counts.keys()].filter((number) => (counts.get(number) ?? 0) >= least);
  const bytes = new DataView(new ArrayBuffer(4 * numbers.length));
  for (const [index, number] of numbers.sort((a, b) => a - b).entries())
    bytes.setUint32(4 * index, number, true);
  return new Uint8Array(bytes.buffer);
}

/** All commands once, in new namespaces. @returns what any of them wrote to. */
async function round(type: string, folder: string): Promise<Uint8Array> {
  const link = links[type] ?? "eth0";
  const inside = ["sh", "-c", script, "train", link, ...commands];
  const options = { cwd: folder, env: environment(), timeout: 60_000 };
  await run("unshare", [...namespaces(), ...inside], options);
  return inAtLeast(
    1,
    commands.map((command) => readFileSync(join(folder, `${command}.hot`))),
  );
}

/**
 * Runs a program in the folder, where `makeSpread` puts it; the folder is new, and gone afterwards. A run may fail, since what
 * it wrote to until then counts. Two of three rounds have to agree on a block, or chance would get into the file: what a
 * run does depends a little on which of two events comes first.
 * @returns the numbers of the blocks that were written to, as `netloom-host image` takes them.
 * @throws {Error} this machine gives no namespaces, or programs may not be traced.
 */
export async function train(
  type: string,
  folder: string,
  makeSpread: (out: string) => Promise<void>,
): Promise<Uint8Array> {
  try {
    prepare(type, folder);
    await makeSpread(join(folder, "program"));
    const rounds: Uint8Array[] = [];
    for (let left = 3; left > 0; left--) rounds.push(await round(type, folder));
    return inAtLeast(2, rounds);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Every shipped program in the surroundings it is made for, as data: what fault tests run it with. A new plugin joins them
 * with one entry in {@link scenarios}.
 * @module
 */
import type { CniCall } from "../kernel/sandbox.ts";
import { fixedLeases } from "./fixed-leases.ts";

/** One program, or a program with its delegate, as a runtime would use it. */
export interface Scenario {
  /** For test titles: `bridge with host-local`. */
  title: string;
  /** File name of the program. */
  type: string;
  /** A second way to use a program that has an entry already. */
  isVariant?: true;
  /** File name of the program it executes, if it does. */
  delegate?: string;
  /** The configuration of attachment number `n`, from 1 to 99, without what a runtime adds for a verb. */
  config(n: number): Record<string, unknown>;
  /** Lines of `ip -batch` that a new host needs. */
  surround?: string;
  /** Lines of `ip -batch` that a new pod needs. */
  surroundInPod?: string;
  /** Likewise, on the host: of attachment number `n`. They may be there already, and they may have ended with the pod before. */
  surroundForPod?(n: number): string;
  /** Links that the program leaves on purpose: they are deleted to get a virgin host again. */
  keptLinks?: readonly string[];
  /**
   * What may stay after the last DEL (checklist 5.9), as rows of `observe`: everything else is a leak. That what stays is
   * nobody's is asserted besides: it has to be the same whoever was attached.
   */
  residue: readonly RegExp[];
  /** A program that runs beside all calls, which may use a folder, and the socket by which it is seen to be ready. */
  daemon?: { argv(scratch: string): string[]; socket: string };
  /** Kernel parameters that a virgin host has at 0 and the program sets to 1. */
  sysctls?: readonly string[];
  /** Kernel parameters of the pod that only the record tells the earlier values of: a DEL that cannot read it leaves them. */
  lostWithRecord?: readonly string[];
}

const version = "1.1.0";
/** Rows of the tables that all attachments share. An element that belongs to an attachment names it in its comment. */
const staticTables = /^nft (?!.*faulty-).*"(name|table)":"netloom"/;
const ownFolder = /^file \/run\/netloom\/ 700$/;
const networkFiles = [
  /^file \/var\/lib\/cni\/(networks\/([^/ ]+\/)?)? 755$/,
  /^file \/var\/lib\/cni\/networks\/[^/ ]+\/(lock 750|(last_reserved_ip\.\d+|\.netloom-ledger) 600)$/,
];
const forwarding = ["net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"];

/** Dual stack: each family takes system calls of its own. */
const ranges = [[{ subnet: "10.70.0.0/24" }], [{ subnet: "fd70::/64" }]];
const defaultRoutes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];

/** Outside of what makes a host virgin again. */
const leaseFolder = "/run/fixed-leases";

const leaseGiver: NonNullable<Scenario["daemon"]> = {
  argv: (scratch) => fixedLeases(leaseFolder, scratch),
  socket: `${leaseFolder}/socket`,
};

const bridged = {
  cniVersion: version,
  name: "faults",
  type: "bridge",
  bridge: "br-faults",
  isGateway: true,
  isDefaultGateway: true,
  ipMasq: true,
  macspoofchk: true,
  hairpinMode: true,
};
const bridgeResidue = [
  /^link br-faults /,
  /^address br-faults (10\.70\.0\.1\/24|fd70::1\/64)$/,
  /^route .* dev br-faults\b/,
  /^route local (10\.70\.0\.1|fd70::1) dev (br-faults|lo)\b/,
  staticTables,
  ownFolder,
];

const onUplink = {
  cniVersion: version,
  name: "faults",
  type: "macvlan",
  master: "uplink",
  ipam: { type: "host-local", ranges, routes: defaultRoutes },
};

/** All of them but {@link guestScenarios}; a program of dist/bin that is missing in both fails the test that reads these tables. */
export const scenarios: readonly Scenario[] = [
  {
    title: "bridge with host-local",
    type: "bridge",
    delegate: "host-local",
    config: () => ({ ...bridged, ipam: { type: "host-local", ranges, routes: defaultRoutes } }),
    keptLinks: ["br-faults"],
    residue: [...bridgeResidue, ...networkFiles],
    sysctls: forwarding,
  },
  {
    title: "bridge of an internal and isolated network",
    isVariant: true,
    type: "bridge",
    delegate: "host-local",
    config: () => ({
      ...bridged,
      internal: true,
      isolate: "strict",
      ipam: { type: "host-local", ranges, routes: defaultRoutes },
    }),
    keptLinks: ["br-faults"],
    residue: [...bridgeResidue, ...networkFiles],
  },
  {
    title: "portmap",
    type: "portmap",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "portmap",
      snat: true,
      runtimeConfig: {
        portMappings: [
          { hostPort: 8000 + n, containerPort: 80, protocol: "tcp" },
          { hostPort: 8000 + n, containerPort: 80, protocol: "udp", hostIP: "127.0.0.1" },
        ],
      },
      prevResult: {
        cniVersion: version,
        interfaces: [{ name: "eth0", sandbox: netnsOf(n) }],
        ips: [
          { interface: 0, address: `10.71.0.${n + 1}/24`, gateway: "10.71.0.1" },
          { interface: 0, address: `fd71::${n + 1}/64`, gateway: "fd71::1" },
        ],
      },
    }),
    surround: `link add br-ports type bridge
address add 10.71.0.1/24 dev br-ports
address add fd71::1/64 dev br-ports nodad
link set br-ports up`,
    residue: [staticTables, ownFolder],
    sysctls: ["net/ipv4/conf/br-ports/route_localnet"],
  },
  {
    title: "firewall",
    type: "firewall",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "firewall",
      ingressPolicy: "isolated",
      prevResult: {
        cniVersion: version,
        interfaces: [
          { name: "br-walled" },
          { name: `walled${n}` },
          { name: "eth0", sandbox: netnsOf(n) },
        ],
        ips: [
          { interface: 2, address: `10.73.0.${n + 1}/24`, gateway: "10.73.0.1" },
          { interface: 2, address: `fd73::${n + 1}/64`, gateway: "fd73::1" },
        ],
      },
    }),
    residue: [staticTables, ownFolder],
  },
  {
    title: "macvlan with host-local",
    type: "macvlan",
    delegate: "host-local",
    config: () => onUplink,
    surround: `link add uplink type veth peer name beyond
link set uplink up
link set beyond up`,
    residue: [ownFolder, ...networkFiles],
  },
  {
    title: "tap with host-local",
    type: "tap",
    delegate: "host-local",
    config: () => ({
      cniVersion: version,
      name: "faults",
      type: "tap",
      owner: 107,
      group: 108,
      mtu: 1400,
      ipam: { type: "host-local", ranges, routes: defaultRoutes },
    }),
    residue: [ownFolder, ...networkFiles],
  },
  {
    title: "host-device with host-local",
    type: "host-device",
    delegate: "host-local",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "host-device",
      device: `nic${n}`,
      ipam: { type: "host-local", ranges, routes: defaultRoutes },
    }),
    // a kind that is one link, and ends with its namespace
    surroundForPod: (n) => `link add nic${n} type ifb`,
    residue: [ownFolder, ...networkFiles],
  },
  {
    title: "host-device with dhcp, which is asked when the device is there",
    isVariant: true,
    type: "host-device",
    delegate: "dhcp",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "host-device",
      device: `nic${n}`,
      ipam: { type: "dhcp", daemonSocketPath: leaseGiver.socket },
    }),
    surroundForPod: (n) => `link add nic${n} type ifb`,
    daemon: leaseGiver,
    residue: [ownFolder],
  },
  {
    title: "macvlan that its host reaches",
    isVariant: true,
    type: "macvlan",
    delegate: "host-local",
    config: () => ({ ...onUplink, hostAccess: true }),
    surround: `link add uplink type veth peer name beyond
address add 10.70.0.200/24 dev uplink
address add fd70::200/64 dev uplink nodad
link set uplink up
link set beyond up`,
    // the kernel adds the route of the host's own address when the link is ready, which may be later
    residue: [/^route local fd70::200 dev uplink /, ownFolder, ...networkFiles],
  },
  {
    title: "ptp with host-local",
    type: "ptp",
    delegate: "host-local",
    config: () => ({
      cniVersion: version,
      name: "faults",
      type: "ptp",
      ipMasq: true,
      ipam: { type: "host-local", ranges, routes: defaultRoutes },
    }),
    residue: [staticTables, ownFolder, ...networkFiles],
    sysctls: forwarding,
  },
  {
    title: "tuning",
    type: "tuning",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "tuning",
      sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1", "net.core.somaxconn": "1234" },
      mac: "02:00:00:00:00:99",
      mtu: 1400,
      promisc: true,
      allmulti: true,
      txQLen: 77,
      prevResult: {
        cniVersion: version,
        interfaces: [{ name: "eth0", sandbox: netnsOf(n) }],
        ips: [{ interface: 0, address: `10.73.0.${n + 1}/24` }],
      },
    }),
    surroundInPod: "link add eth0 type veth peer name peer0",
    residue: [ownFolder, /^file \/run\/cni\/(tuning\/)? 755$/],
    lostWithRecord: ["net.ipv4.conf.eth0.arp_filter", "net.core.somaxconn"],
  },
  {
    title: "bandwidth",
    type: "bandwidth",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "bandwidth",
      ingressRate: "10Mbit",
      egressRate: "10Mbit",
      unshapedSubnets: ["10.0.0.0/8", "fd00::/8"],
      prevResult: {
        cniVersion: version,
        interfaces: [{ name: `shaped${n}` }, { name: "eth0", sandbox: netnsOf(n) }],
        ips: [{ interface: 1, address: `10.74.0.${n + 1}/24` }],
      },
    }),
    // one of a namespace that has just gone may still be there
    surroundForPod: (n) => `link delete shaped${n}
link add shaped${n} type veth peer name eth0 netns ${podOf(n)}
link set shaped${n} up`,
    residue: [ownFolder],
  },
  {
    title: "sbr",
    type: "sbr",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "sbr",
      prevResult: {
        cniVersion: version,
        interfaces: [{ name: "eth0", sandbox: netnsOf(n) }],
        ips: [
          { interface: 0, address: "10.74.0.2/24", gateway: "10.74.0.1" },
          { interface: 0, address: "fd74::2/64", gateway: "fd74::1" },
        ],
      },
    }),
    surroundInPod: `link add eth0 type veth peer name peer0
link set peer0 up
link set eth0 up
address add 10.74.0.2/24 dev eth0
address add fd74::2/64 dev eth0 nodad
route add 10.75.0.0/24 via 10.74.0.9 dev eth0
route add fd75::/64 via fd74::9 dev eth0`,
    residue: [ownFolder],
  },
  {
    title: "loopback",
    type: "loopback",
    config: () => ({ cniVersion: version, name: "faults", type: "loopback" }),
    // the kernel gives lo its address when it comes up, and leaves it there when it goes down
    residue: [/^pod (address|route local) .*\b127\.0\.0\.\d\/?/],
  },
  {
    title: "host-local",
    type: "host-local",
    config: () => ({
      cniVersion: version,
      name: "faults",
      type: "ptp",
      ipam: { type: "host-local", ranges, routes: defaultRoutes },
    }),
    residue: networkFiles,
  },
  {
    title: "dhcp with a daemon that has addresses of its own",
    type: "dhcp",
    config: () => ({
      cniVersion: version,
      name: "faults",
      type: "ptp",
      ipam: { type: "dhcp", daemonSocketPath: `${leaseFolder}/socket` },
    }),
    daemon: leaseGiver,
    residue: [],
  },
  {
    title: "static",
    type: "static",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "ptp",
      ipam: {
        type: "static",
        addresses: [{ address: `10.72.0.${n + 1}/24`, gateway: "10.72.0.1" }],
        routes: defaultRoutes,
      },
    }),
    residue: [],
  },
];

/** A link on `uplink`, or on none. */
function inGuest(
  type: string,
  keys: (n: number) => object,
  more: Partial<Scenario> = {},
): Scenario {
  return {
    title: `${type} with host-local`,
    type,
    delegate: "host-local",
    config: (n) => ({ ...onUplink, type, ...keys(n) }),
    surround: `link add uplink type veth peer name beyond
link set uplink up
link set beyond up`,
    residue: [ownFolder, ...networkFiles],
    ...more,
  };
}

/**
 * Programs whose links the machine's kernel may lack, for tests in the guest. An emulated machine is too slow for thousands of runs, so
 * they are not killed or failed: all that three of them do is `core/link/add.ts` and its neighbours, which macvlan's entry tries;
 * vrf does what sbr's does, moves routes from table to table, and its own tests let each of its requests fail.
 */
export const guestScenarios: readonly Scenario[] = [
  inGuest("dummy", () => ({ master: undefined })),
  inGuest("ipvlan", () => ({})),
  inGuest("vlan", (n) => ({ vlanId: n })),
  {
    title: "vrf",
    type: "vrf",
    config: (n) => ({
      cniVersion: version,
      name: "faults",
      type: "vrf",
      vrfname: "blue",
      prevResult: {
        cniVersion: version,
        interfaces: [{ name: "eth0", sandbox: netnsOf(n) }],
        ips: [{ interface: 0, address: "10.74.0.2/24", gateway: "10.74.0.1" }],
      },
    }),
    surroundInPod: `link add eth0 type veth peer name peer0
link set peer0 up
link set eth0 up
address add 10.74.0.2/24 dev eth0
address add fd74::2/64 dev eth0 nodad
route add default via 10.74.0.1 dev eth0
route add 10.75.0.0/24 via 10.74.0.9 dev eth0
route add fd75::/64 via fd74::9 dev eth0`,
    // the kernel's, from a namespace's first VRF on
    residue: [ownFolder, /^pod rule 1000:\s+from all lookup \[l3mdev-table\]$/],
  },
];

/** CNI_CONTAINERID of attachment number `n`. */
export function containerOf(n: number): string {
  return `faulty-${n}`;
}

/** Name of the network namespace of attachment number `n`, for `Sandbox.pod`. */
export function podOf(n: number): string {
  return containerOf(n);
}

/** CNI_NETNS of attachment number `n`. */
export function netnsOf(n: number): string {
  return `/run/netns/${podOf(n)}`;
}

/** The execution that a runtime makes for a verb; `more` goes into the configuration: prevResult, the list of GC. */
export function callOf(
  { type, config }: Scenario,
  command: CniCall["command"],
  n: number,
  more: object = {},
): CniCall {
  return {
    command,
    type,
    containerId: containerOf(n),
    netns: netnsOf(n),
    config: { ...config(n), ...more },
  };
}

/** What GC is given as attachments that are valid. */
export function validAttachments(numbers: readonly number[]): object {
  const list = numbers.map((n) => ({ containerID: containerOf(n), ifname: "eth0" }));
  return { "cni.dev/valid-attachments": list };
}

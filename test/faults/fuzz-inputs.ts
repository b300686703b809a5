/**
 * Seeded input for programs: good configurations, and what a careless or hostile caller makes of them.
 * @module
 */
import { mutate } from "netlink-ts/testing/fuzz.ts";

/** 0…2^32-1, as of `randomNumbers`. */
export type Random = () => number;

/** One of them. */
export function oneOf<T>(random: Random, list: readonly T[]): T {
  return list[random() % list.length] as T;
}

type Value = unknown;

const scalars: readonly Value[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  1.5,
  1e308,
  65536,
  4294967296,
  Number.MAX_SAFE_INTEGER,
  "",
  " ",
  "x",
  "0",
  "true",
  "../../etc/passwd",
  "/etc/passwd",
  "a b",
  "eth%d",
  "tcp",
  "10.0.0.1",
  "10.71.0.9/24",
  "10.0.0.0/33",
  "fd00::1",
  "fd00:71::9/64",
  "::ffff:10.71.0.3/120",
  "0.0.0.0/0",
  "02:00:00:00:00:01",
  "1.1.0",
  "0.2.0",
  "9.9.9",
  "\0",
  "\ud800",
  "é",
  "x".repeat(5000),
  "cni0",
  "eth0",
  "host-local",
  "other",
];

/** Anything JSON can say, with the keys of results and configurations among its own. */
export function anyValue(random: Random, depth = 3): Value {
  const kind = random() % (depth > 0 ? 8 : 5);
  if (kind < 5) return oneOf(random, scalars);
  const count = random() % 4;
  if (kind < 6) return Array.from({ length: count }, () => anyValue(random, depth - 1));
  const entries = Array.from({ length: count }, () => [
    oneOf(random, keys),
    anyValue(random, depth - 1),
  ]);
  return Object.fromEntries(entries);
}

const keys = [
  ..."ips interfaces routes dns address gateway interface dst gw ip4 ip6 ip cniVersion ipam type args cni mac".split(
    " ",
  ),
  ..."name sandbox mtu ranges subnet rangeStart rangeEnd dataDir hostPort containerPort protocol hostIP".split(
    " ",
  ),
  ..."portMappings runtimeConfig prevResult nameservers __proto__ constructor toString zz".split(
    " ",
  ),
];

/** Where in a document something was changed: keys and indexes. */
export type Path = readonly (string | number)[];

/** A document with one thing changed. */
export interface Mutated {
  document: Record<string, Value>;
  /** What lies there was replaced, removed, or put there. */
  path: Path;
  how: "replaced" | "removed" | "added" | "respelled";
}

/** Changes one thing somewhere in a document. The one that was given stays as it is. */
export function mutateDocument(good: Record<string, Value>, random: Random): Mutated {
  const document = structuredClone(good);
  const path = oneOf(random, pathsOf(document));
  const holder = valueAt(document, path.slice(0, -1)) as Record<string, Value>;
  const key = String(path.at(-1));
  const kind = random() % 8;
  if (kind === 0) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
    return { document, path, how: "removed" };
  }
  if (kind === 1 && !Array.isArray(holder)) {
    const added = oneOf(random, keys);
    holder[added] = anyValue(random);
    return { document, path: [...path.slice(0, -1), added], how: "added" };
  }
  if (kind === 2 && !Array.isArray(holder)) {
    const { [key]: value, ...rest } = holder;
    const respelled = oneOf(random, [key.toUpperCase(), key.toLowerCase()]);
    for (const each of Object.keys(holder)) delete holder[each];
    Object.assign(holder, rest, { [respelled]: value });
    return { document, path, how: "respelled" };
  }
  holder[key] = anyValue(random);
  return { document, path, how: "replaced" };
}

function pathsOf(value: Value, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inside]) => {
    const path = [...at, Array.isArray(value) ? Number(key) : key];
    return [path, ...pathsOf(inside, path)];
  });
}

function valueAt(value: Value, path: Path): Value {
  return path.reduce<Value>(
    (inside, key) => (inside as Record<string | number, Value>)[key],
    value,
  );
}

/** The document as bytes, some of them changed. */
export function mutateText(good: object, random: Random): Uint8Array {
  return mutate(new TextEncoder().encode(JSON.stringify(good)), random);
}

const variables = [
  "CNI_COMMAND",
  "CNI_CONTAINERID",
  "CNI_NETNS",
  "CNI_IFNAME",
  "CNI_PATH",
  "CNI_ARGS",
  "CNI_NETNS_OVERRIDE",
  "PATH",
];
const texts = [
  "",
  " ",
  "ADD",
  "DEL",
  "VERSION",
  "add",
  "x",
  "other",
  "a b",
  "../x",
  ".",
  "..",
  "a/b",
  "é",
  "x".repeat(20),
  "x".repeat(4000),
  "eth0",
  "lo",
  "eth%d",
  "/run/netns/c1",
  "/run/netns/other",
  "/run/netns/gone",
  "/",
  "/proc/self/ns/net",
  "/etc/passwd",
  ":",
  ":::",
  "/opt/cni/bin:/x",
  "IP=10.71.0.9",
  "IgnoreUnknown=1;K8S_POD_NAME=a;IP=x",
  "MAC=02:00:00:00:00:07",
  "MAC=z",
  "a=b;c",
  ";;;",
  "=",
  "K=V;K=V",
  "1",
  "true",
];

/** An environment with one to three variables changed, missing or there twice. */
export function mutateEnvironment(good: readonly string[], random: Random): string[] {
  const changed = [...good];
  for (let count = 1 + (random() % 3); count > 0; count--) {
    const entry = `${oneOf(random, variables)}=${oneOf(random, texts)}`;
    const at = random() % (changed.length + 1);
    const kind = random() % 4;
    if (kind === 0) changed.splice(at, 1);
    else if (kind === 1) changed.splice(at, 0, entry);
    else changed.splice(at, 1, entry);
  }
  return changed;
}

/** What every configuration here begins with. */
export const common = { cniVersion: "1.1.0", name: "net" };
const ipam = {
  type: "host-local",
  ranges: [
    [{ subnet: "10.71.0.0/24", rangeStart: "10.71.0.2", gateway: "10.71.0.1" }],
    [{ subnet: "fd00:71::/64" }],
  ],
  routes: [{ dst: "0.0.0.0/0" }],
};

/** A configuration for each program that has a bit of everything; a program without one fails a test. */
export const configurations: Record<string, Record<string, Value>> = {
  bridge: {
    ...common,
    type: "bridge",
    bridge: "cni0",
    isDefaultGateway: true,
    forceAddress: false,
    ipMasq: true,
    mtu: 1400,
    macspoofchk: true,
    ipam,
    runtimeConfig: { mac: "02:00:00:00:00:01" },
    args: { cni: { mac: "02:00:00:00:00:02" } },
    dns: { nameservers: ["10.1.1.1"], search: ["x"] },
  },
  portmap: {
    ...common,
    type: "portmap",
    snat: true,
    runtimeConfig: {
      portMappings: [
        { hostPort: 8080, containerPort: 80, protocol: "tcp" },
        { hostPort: 8081, containerPort: 81, protocol: "udp", hostIP: "192.0.2.1" },
      ],
    },
  },
  "host-local": { ...common, type: "bridge", ipam, args: { cni: { ips: ["10.71.0.77"] } } },
  static: {
    ...common,
    type: "bridge",
    ipam: {
      type: "static",
      addresses: [{ address: "10.71.0.9/24", gateway: "10.71.0.1" }],
      routes: [{ dst: "10.9.0.0/16", gw: "10.71.0.1" }],
      dns: { domain: "x" },
    },
  },
  loopback: { ...common, type: "loopback" },
  ptp: { ...common, type: "ptp", ipMasq: true, mtu: 1400, metric: 7, ipam },
  macvlan: {
    ...common,
    type: "macvlan",
    master: "uplink",
    mode: "bridge",
    mtu: 1400,
    bcqueuelen: 100,
    hostAccess: true,
    defaultRoute: true,
    ipam,
    runtimeConfig: { mac: "02:00:00:00:00:01" },
  },
  ipvlan: { ...common, type: "ipvlan", master: "uplink", mode: "l3", linkInContainer: false, ipam },
  vlan: { ...common, type: "vlan", master: "uplink", vlanId: 5, mtu: "auto", ipam },
  dummy: { ...common, type: "dummy", ipam, dns: { domain: "x" } },
  "host-device": { ...common, type: "host-device", device: "spare", ipam },
  tap: { ...common, type: "tap", mac: "02:00:00:00:00:01", mtu: 1400, owner: 0, group: 0, ipam },
  firewall: {
    ...common,
    type: "firewall",
    backend: "nftables",
    ingressPolicy: "same-bridge",
    iptablesAdminChainName: "ADMIN",
  },
  tuning: {
    ...common,
    type: "tuning",
    sysctl: { "net.ipv4.conf.IFNAME.arp_filter": "1", "net.core.somaxconn": "1234" },
    mac: "02:00:00:00:00:99",
    mtu: 1400,
    promisc: true,
    txQLen: 77,
    args: { cni: { allmulti: true } },
  },
  bandwidth: {
    ...common,
    type: "bandwidth",
    ingressRate: 8_000_000,
    ingressBurst: 800_000,
    unshapedSubnets: ["10.9.0.0/16"],
    runtimeConfig: { bandwidth: { egressRate: "10Mbit" } },
  },
  sbr: { ...common, type: "sbr", gateways: ["10.71.0.1", "fd00:71::1"], addSourceHints: true },
  vrf: { ...common, type: "vrf", vrfname: "blue", table: 77 },
  dhcp: {
    ...common,
    type: "macvlan",
    ipam: {
      type: "dhcp",
      daemonSocketPath: "/run/nobody.sock",
      request: [{ option: "router", skipDefault: false }],
      provide: [{ option: "12", value: "name", fromArg: "K8S_POD_NAME" }],
      priority: 9,
    },
  },
};

/** A result as bridge prints it. */
export const prevResult = {
  cniVersion: "1.1.0",
  interfaces: [
    { name: "cni0" },
    { name: "veth1" },
    { name: "eth0", sandbox: "/run/netns/c1", mac: "02:00:00:00:00:01" },
  ],
  ips: [
    { address: "10.71.0.5/24", gateway: "10.71.0.1", interface: 2 },
    { address: "fd00:71::5/64", interface: 2 },
  ],
  routes: [{ dst: "0.0.0.0/0", gw: "10.71.0.1" }],
  dns: {},
};

/** What GC is told: two containers, of which the second is the one that nobody may harm. */
export const valid = [
  { containerID: "c1", ifname: "eth0" },
  { containerID: "other", ifname: "eth0" },
];

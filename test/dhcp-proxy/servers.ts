/**
 * DHCP servers that many LANs have: ISC's Kea and its older dhcpd, from Debian's packages.
 * @module
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sandbox } from "../kernel/sandbox.ts";
import {
  foldersOf,
  keaLoggers,
  launch,
  launchKea,
  programOf,
  type RunningServer,
} from "./server-process.ts";

/** What a server gives, in words that both servers have. */
export interface ServerSettings {
  /** Path of the network namespace that it serves the link `eth0` of. */
  netns: string;
  /** Its own address there. Default 192.0.2.2. */
  address?: string;
  /** Default: its own. */
  router?: string;
  /** First and last address of its pool. Default 192.0.2.100 to .199. */
  pool?: readonly [string, string];
  /** Default 120. */
  leaseSeconds?: number;
  /** T1 and T2; without them the client chooses. */
  renewSeconds?: number;
  rebindSeconds?: number;
  /** Everything that a result can carry, and `domain-name` "seen.test" for the vendor class "netloom" alone. */
  tellsAll?: boolean;
  /** The address of one client identity, in hexadecimal. */
  reserved?: { clientId: string; address: string };
  /** Leases of a server before, which had the same folder. */
  folder?: string;
}

/** One of the servers. */
export interface ServerKind {
  name: string;
  /** Returns when it serves. */
  start(sandbox: Sandbox, settings: ServerSettings): Promise<RunningServer>;
  /** What it says about a message from a client, as a pattern: DHCPDISCOVER, DHCPREQUEST, DHCPNAK. */
  heard(type: string): RegExp;
}

const usualPool = ["192.0.2.100", "192.0.2.199"] as const;
/** Kea's object of that configuration. */
function keaConfig(settings: ServerSettings, folder: string, logFile: string): object {
  const { address = "192.0.2.2", router = address, pool = usualPool, reserved } = settings;
  const { leaseSeconds = 120, renewSeconds, rebindSeconds, tellsAll = false } = settings;
  const all = [
    { name: "domain-name-servers", data: "192.0.2.53, 192.0.2.54" },
    { name: "domain-search", data: "lan.test, deep.lan.test" },
    { name: "interface-mtu", data: "1400" },
    // 198.51.100.0/24 through 192.0.2.9, everything through the router
    { code: 121, "csv-format": false, data: "18C63364C000020900C0000202" },
  ];
  const ours = {
    name: "ours",
    test: "option[60].text == 'netloom'",
    "option-data": [{ name: "domain-name", data: "seen.test" }],
  };
  const subnet = {
    id: 1,
    subnet: "192.0.2.0/24",
    pools: [{ pool: pool.join(" - ") }],
    ...(reserved === undefined
      ? {}
      : { reservations: [{ "client-id": reserved.clientId, "ip-address": reserved.address }] }),
  };
  return {
    "interfaces-config": { interfaces: [`eth0/${address}`] },
    "lease-database": { type: "memfile", name: join(folder, "leases.csv") },
    authoritative: true,
    "valid-lifetime": leaseSeconds,
    ...(renewSeconds === undefined ? {} : { "renew-timer": renewSeconds }),
    ...(rebindSeconds === undefined ? {} : { "rebind-timer": rebindSeconds }),
    "option-data": [{ name: "routers", data: router }, ...(tellsAll ? all : [])],
    "client-classes": [ours],
    subnet4: [subnet],
    loggers: keaLoggers("kea-dhcp4", logFile),
  };
}

/** ISC's Kea. */
export const kea: ServerKind = {
  name: "Kea",
  heard: (type) => new RegExp(`DHCP4_PACKET_(?:RECEIVED|SEND).* ${type} `),
  start(sandbox, settings) {
    const { own, folder } = foldersOf(sandbox, settings.folder);
    const [file, logFile] = [join(own, "kea.conf"), join(own, "kea.log")] as const;
    writeFileSync(file, JSON.stringify({ Dhcp4: keaConfig(settings, folder, logFile) }));
    const program = programOf("kea-dhcp4-server", "usr/sbin/kea-dhcp4");
    const how = { netns: settings.netns, folder, logFile, ready: /DHCP4_STARTED/ };
    return launchKea(sandbox, program, { file, own }, how);
  },
};

/** dhcpd's statements of that configuration. */
function dhcpdConfig(settings: ServerSettings): string[] {
  const { address = "192.0.2.2", router = address, pool = usualPool, reserved } = settings;
  const { leaseSeconds = 120, renewSeconds, rebindSeconds, tellsAll = false } = settings;
  const all = [
    "option domain-name-servers 192.0.2.53, 192.0.2.54;",
    'option domain-search "lan.test", "deep.lan.test";',
    "option interface-mtu 1400;",
    "option classless 24, 198, 51, 100, 192, 0, 2, 9, 0, 192, 0, 2, 2;",
  ];
  return [
    "authoritative;",
    "ddns-update-style none;",
    "ping-check false;",
    "option classless code 121 = array of unsigned integer 8;",
    ...["default", "max", "min"].map((which) => `${which}-lease-time ${leaseSeconds};`),
    ...(renewSeconds === undefined ? [] : [`option dhcp-renewal-time ${renewSeconds};`]),
    ...(rebindSeconds === undefined ? [] : [`option dhcp-rebinding-time ${rebindSeconds};`]),
    ...(tellsAll ? all : []),
    'if option vendor-class-identifier = "netloom" { option domain-name "seen.test"; }',
    "subnet 192.0.2.0 netmask 255.255.255.0 {",
    `option routers ${router};`,
    `range ${pool.join(" ")};`,
    ...(reserved === undefined
      ? []
      : [
          `host one { option dhcp-client-identifier ${reserved.clientId.replaceAll(/..(?=.)/g, "$&:")};`,
          `fixed-address ${reserved.address}; }`,
        ]),
    "}",
  ];
}

/** Path of ISC's dhcpd, brought when first needed: for a guest, which has no network, before it starts. */
export function dhcpdProgram(): string {
  return programOf("isc-dhcp-server", "usr/sbin/dhcpd");
}

/** ISC's dhcpd, which Kea is to replace. */
export const dhcpd: ServerKind = {
  name: "dhcpd",
  heard: (type) => new RegExp(`^${type} `, "m"),
  start(sandbox, settings) {
    const { own, folder } = foldersOf(sandbox, settings.folder);
    const [config, pid, leases] = [
      join(own, "dhcpd.conf"),
      join(own, "dhcpd.pid"),
      join(folder, "dhcpd.leases"),
    ] as const;
    writeFileSync(config, `${dhcpdConfig(settings).join("\n")}\n`);
    if (!existsSync(leases)) writeFileSync(leases, "");
    const argv = [
      dhcpdProgram(),
      "-4",
      "-f",
      "-d",
      "-cf",
      config,
      "-lf",
      leases,
      "-pf",
      pid,
      "eth0",
    ];
    return launch(sandbox, argv, { ...settings, folder, ready: /Server starting service/ });
  },
};

/** A second machine behind the same wire, 192.0.2.3. @returns the path of its network namespace */
export function secondMachine(sandbox: Sandbox): string {
  const netns = sandbox.pod("second");
  const outside = { netns: sandbox.outside() };
  const made = "link add name second link eth0 type macvlan mode bridge";
  sandbox.ok(["ip", ...made.split(" ")], outside);
  sandbox.ok("ip link set second netns second name eth0".split(" "), outside);
  sandbox.ok(["ip", "address", "add", "192.0.2.3/24", "dev", "eth0"], { netns });
  sandbox.ok(["ip", "link", "set", "eth0", "up"], { netns });
  return netns;
}

/**
 * DHCPv6 of the same servers: ISC's Kea and its older dhcpd. They tell no routers, which is the routers' own to do.
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
import { dhcpdProgram } from "./servers.ts";

/** What a server gives, in words that both servers have. The link is 2001:db8::/64. */
export interface ServerSettings6 {
  /** Path of the network namespace that it serves the link `eth0` of. */
  netns: string;
  /** First and last address of its pool. Default 2001:db8::100 to ::1ff. */
  pool?: readonly [string, string];
  /** How long an address is valid, and preferred. Default 120. */
  leaseSeconds?: number;
  /** T1 and T2. Default half and four fifths of that. */
  renewSeconds?: number;
  rebindSeconds?: number;
  /** Default 2001:db8::53. */
  resolver?: string;
  /** The address of one client, whose DUID is in hexadecimal. */
  reserved?: { duid: string; address: string };
  /** Leases of a server before, which had the same folder. */
  folder?: string;
  /** Hexadecimal, of one byte: what its own DUID ends with. Default 01. */
  id?: string;
}

/** One of the servers. */
export interface ServerKind6 {
  name: string;
  /** Returns when it serves. */
  start(sandbox: Sandbox, settings: ServerSettings6): Promise<RunningServer>;
  /** What it says about a message of a client, as a pattern: Renew, Release. */
  heard(type: string): RegExp;
}

interface Times {
  valid: number;
  renew: number;
  rebind: number;
}

function timesOf(settings: ServerSettings6): Times {
  const { leaseSeconds: valid = 120 } = settings;
  const { renewSeconds: renew = valid * 0.5, rebindSeconds: rebind = valid * 0.8 } = settings;
  return { valid, renew, rebind };
}

const usualPool = ["2001:db8::100", "2001:db8::1ff"] as const;
const usualResolver = "2001:db8::53";
const search = "six.test";

/** A DUID of an enterprise's own, so that no file has to remember it. */
const enterprise = 2495;

function keaConfig(settings: ServerSettings6, folder: string, logFile: string): object {
  const { pool = usualPool, resolver = usualResolver, reserved, id = "01" } = settings;
  const { valid, renew, rebind } = timesOf(settings);
  const reservations =
    reserved === undefined ? [] : [{ duid: reserved.duid, "ip-addresses": [reserved.address] }];
  return {
    "interfaces-config": { interfaces: ["eth0"] },
    "server-id": { type: "EN", "enterprise-id": enterprise, identifier: id, persist: false },
    "lease-database": { type: "memfile", name: join(folder, "leases6.csv") },
    "preferred-lifetime": valid,
    "valid-lifetime": valid,
    "renew-timer": renew,
    "rebind-timer": rebind,
    "option-data": [
      { name: "dns-servers", data: resolver },
      { name: "domain-search", data: search },
    ],
    subnet6: [
      {
        id: 1,
        subnet: "2001:db8::/64",
        interface: "eth0",
        pools: [{ pool: pool.join(" - ") }],
        reservations,
      },
    ],
    loggers: keaLoggers("kea-dhcp6", logFile),
  };
}

/** ISC's Kea. */
export const kea6: ServerKind6 = {
  name: "Kea",
  heard: (type) => new RegExp(`DHCP6_PACKET_RECEIVED.* ${type.toUpperCase()} `),
  async start(sandbox, settings) {
    const { own, folder } = foldersOf(sandbox, settings.folder);
    const [file, logFile] = [join(own, "kea.conf"), join(own, "kea.log")] as const;
    writeFileSync(file, JSON.stringify({ Dhcp6: keaConfig(settings, folder, logFile) }));
    const program = programOf("kea-dhcp6-server", "usr/sbin/kea-dhcp6");
    const how = { netns: settings.netns, folder, logFile, ready: /DHCP6_STARTED/ };
    return launchKea(sandbox, program, { file, own }, how);
  },
};

function dhcpdConfig(settings: ServerSettings6): string[] {
  const { pool = usualPool, resolver = usualResolver, reserved, id = "01" } = settings;
  const { valid, renew, rebind } = timesOf(settings);
  return [
    "authoritative;",
    "ddns-update-style none;",
    `server-duid EN ${enterprise} "${id}";`,
    `default-lease-time ${valid};`,
    `preferred-lifetime ${valid};`,
    `option dhcp-renewal-time ${renew};`,
    `option dhcp-rebinding-time ${rebind};`,
    `option dhcp6.name-servers ${resolver};`,
    `option dhcp6.domain-search "${search}";`,
    `subnet6 2001:db8::/64 { range6 ${pool.join(" ")}; }`,
    ...(reserved === undefined
      ? []
      : [
          `host one { host-identifier option dhcp6.client-id ${reserved.duid.replaceAll(/..(?=.)/g, "$&:")};`,
          `fixed-address6 ${reserved.address}; }`,
        ]),
  ];
}

/** ISC's dhcpd. */
export const dhcpd6: ServerKind6 = {
  name: "dhcpd",
  heard: (type) => new RegExp(`^${type} message from `, "m"),
  start(sandbox, settings) {
    const { own, folder } = foldersOf(sandbox, settings.folder);
    const [config, leases] = [join(own, "dhcpd.conf"), join(folder, "dhcpd6.leases")] as const;
    writeFileSync(config, `${dhcpdConfig(settings).join("\n")}\n`);
    if (!existsSync(leases)) writeFileSync(leases, "");
    const files = ["-cf", config, "-lf", leases, "-pf", join(own, "dhcpd.pid")];
    const argv = [dhcpdProgram(), "-6", "-f", "-d", ...files, "eth0"];
    return launch(sandbox, argv, { ...settings, folder, ready: /Server starting service/ });
  },
};

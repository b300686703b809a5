/**
 * What a kernel or machine may lack (checklist 0.5), and how to find out.
 * @module
 */
import { Sandbox } from "../../test/kernel/sandbox.ts";

/** Commands that succeed where the feature is there, run in a sandbox of their own. */
const probes = {
  dummy: ["ip link add probe type dummy"],
  ipvlan: ["ip link add v0 type veth peer name v1", "ip link add probe link v0 type ipvlan"],
  macvlan: ["ip link add v0 type veth peer name v1", "ip link add probe link v0 type macvlan"],
  vlan: ["ip link add v0 type veth peer name v1", "ip link add probe link v0 type vlan id 5"],
  vrf: ["ip link add probe type vrf table 10"],
  tap: ["ip tuntap add probe mode tap"],
  ifb: ["ip link add probe type ifb"],
  tbf: [
    "ip link add v0 type veth peer name v1",
    "tc qdisc add dev v0 root tbf rate 1mbit burst 2000 latency 25ms",
  ],
  "bridge VLAN filtering": [
    "ip link add probe type bridge",
    "ip link set probe type bridge vlan_filtering 1",
  ],
  nftables: ["nft list ruleset"],
  "iptables-nft": ["iptables-nft -S"],
  conntrack: ["conntrack -L"],
  strace: ["strace -V"],
  python3: ["python3 -V"],
  dnsmasq: ["dnsmasq --version"],
  "D-Bus": [
    "dbus-daemon --version",
    "/usr/bin/python3 -m dbus.bus",
    "/usr/bin/python3 -m gi.types",
  ],
} as const;

/** Name of a feature. */
export type Feature = keyof typeof probes;

/** What is the kernel's, so that a guest with another one may have it. */
export const kernelFeatures: readonly Feature[] = [
  "dummy",
  "ipvlan",
  "macvlan",
  "vlan",
  "vrf",
  "tap",
  "ifb",
  "tbf",
  "bridge VLAN filtering",
];

/** Whether it is here. */
export function hasFeature(feature: Feature): boolean {
  using sandbox = Sandbox.create();
  return probes[feature].every((command) => {
    try {
      return sandbox.run(command.split(" ")).status === 0;
    } catch {
      return false; // the command itself is missing
    }
  });
}

/** Every feature that is here. */
export function presentFeatures(): Feature[] {
  return (Object.keys(probes) as Feature[]).filter(hasFeature);
}

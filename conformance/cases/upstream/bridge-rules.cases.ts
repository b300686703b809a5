/**
 * bridge: masquerade and the check of MAC addresses, by what packets meet (checklist 6.1, 6.19).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { PodNetwork } from "../../runner/pod-network.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { type BridgeNetwork, bridgeCase, layer3 } from "./bridge-network.ts";

type Backend = "iptables" | "nftables" | undefined;
const backends: readonly Backend[] = [undefined, "iptables", "nftables"];
const needs = ["python3", "iptables-nft", "nftables"] as const;

/** A case of a network that masquerades, with a server outside that knows no way back to containers. */
function masquerading(
  lines: Case["lines"],
  fact: string,
  backend: Backend,
  run: (net: PodNetwork) => Promise<void>,
): Case {
  return {
    lines,
    program: "bridge",
    beside: ["host-local"],
    needs,
    ...(backend === "nftables" && { version: "1.1.0" }), // whoever has the key speaks 1.1.0
    fact: `${fact} (${backend ?? "no"} back end named)`,
    async run(trial) {
      const named = backend === undefined ? {} : { ipMasqBackend: backend };
      const net = new PodNetwork(trial, { ipMasq: true, ...named });
      await net.serve("outside");
      await run(net);
    },
  };
}

const both = (port: number, ...to: string[]) => to.map((each) => ({ to: each, port }));

/** The container reaches the outside, which sees the host in its place. */
function isHidden(net: PodNetwork, name: string): void {
  const seen = net.askWho(name, both(80, "192.0.2.2", "2001:db8::2"));
  deepEqual(seen, ["outside 192.0.2.1", "outside 2001:db8::1"]);
}

/** Rules, elements and chains that name one of the addresses. */
function rulesOf(trial: Trial, addresses: readonly string[]): string[] {
  const { nft } = trial.host.snapshot();
  return nft.filter((row) => addresses.some((address) => row.includes(`"${address}`)));
}

const masquerade: Case[] = backends.flatMap((backend) => [
  masquerading(
    [backend === "nftables" ? "U-035" : "U-034", "U-224"],
    "hides the container behind the host outside, shows it inside",
    backend,
    async (net) => {
      for (const name of ["A", "B"]) await net.attach(name);
      isHidden(net, "A");
      const [own, other] = [net.addresses("A"), net.addresses("B")];
      deepEqual(net.askWho("A", both(80, ...other)), [`B ${own[0]}`, `B ${own[1]}`]);
      net.trial.ok(net.bridge("DEL", "A"));
      deepEqual(rulesOf(net.trial, own), []);
      isHidden(net, "B");
    },
  ),
  masquerading(
    ["U-225"],
    "DEL leaves the rules alone of who has the address now",
    backend,
    async (net) => {
      await net.attach("A");
      const late = net.bridge("DEL", "A");
      net.trial.host.deletePod("A");
      net.trial.ok({ ...late, type: "host-local" });
      const ips = net.addresses("A");
      await net.attach("B", { config: { runtimeConfig: { ips } } });
      deepEqual(net.addresses("B"), ips);
      net.trial.ok(late);
      isHidden(net, "B");
    },
  ),
  {
    ...masquerading(["U-226"], "GC keeps the rules of what is valid", backend, async (net) => {
      for (const name of ["A", "B"]) await net.attach(name);
      const stale = net.addresses("A");
      const valid = [{ containerID: "B", ifname: "eth0" }];
      const config = { "cni.dev/valid-attachments": valid, prevResult: undefined };
      const call = net.bridge("GC", "A", { config, netns: null });
      net.trial.ok({ ...call, containerId: null, ifName: null });
      deepEqual(rulesOf(net.trial, stale), []);
      isHidden(net, "B");
    }),
    version: "1.1.0",
  },
]);

const literal: Case = {
  ...bridgeCase(
    ["U-227"],
    "calls a chain of masquerade, where it has one, by network and container",
    { ...layer3("10.1.2.0/24"), ipMasq: true, name: "test" },
    (net) => {
      net.add({}, { containerId: "1234" });
      const all = net.trial.host.nftJson().map(({ chain }) => chain?.name ?? "");
      const own = all.filter((name) => /^CNI-[0-9a-f]{24}$/.test(name));
      deepEqual(
        own.filter((name) => name !== "CNI-2bbe0c48b91a7d1b8a6753a8"),
        [],
      );
    },
  ),
  needs,
};

function pingsGateway(net: BridgeNetwork): boolean {
  const ping = ["ping", "-c1", "-W1", "10.1.2.1"];
  return net.trial.host.run(ping, { netns: net.netns }).status === 0;
}

function changeMac(net: BridgeNetwork, mac: string): void {
  for (const what of ["down", `address ${mac}`, "up"]) {
    net.trial.run(`ip link set eth0 ${what}`, { netns: net.netns });
  }
  // asking for the link runs the kernel's link watch now, not within a second
  net.trial.run("ip link show eth0", { netns: net.netns });
  net.trial.run("ip link show bridge0");
}

/** Rows of nf_tables that are the container's: marked with its id, or naming its address. */
function checksOf({ trial }: BridgeNetwork, mac: string): string[] {
  return trial.host.snapshot().nft.filter((row) => row.includes(mac) || row.includes("dummy-0"));
}

const spoofing = { ...layer3("10.1.2.0/24"), macspoofchk: true };
const macCheck: Case[] = [
  bridgeCase(["U-037", "U-235"], "drops what comes from another MAC address", spoofing, (net) => {
    const { mac }: Reply = net.add().interfaces[2];
    equal(pingsGateway(net), true, "with its own address");
    changeMac(net, "02:00:00:00:00:66");
    equal(pingsGateway(net), false, "with another address");
    changeMac(net, mac);
    equal(pingsGateway(net), true, "with its own again");
    net.trial.ok(net.call("DEL"));
    deepEqual(checksOf(net, mac), []);
  }),
  bridgeCase(["U-235"], "DEL succeeds when chains are missing", spoofing, (net) => {
    const { mac }: Reply = net.add().interfaces[2];
    for (const { chain } of net.trial.host.nftJson().filter((row) => "chain" in row)) {
      const where = `${chain.family} ${chain.table} ${chain.name}`;
      net.trial.run(`nft flush chain ${where}`);
    }
    net.trial.host.run(["sh", "-c", "nft delete chain bridge nat cni-br-iface-dummy-0-eth0"]);
    net.trial.ok(net.call("DEL"));
    deepEqual(
      checksOf(net, mac).filter((row) => row.startsWith('{"rule"')),
      [],
    );
  }),
];

export const cases: readonly Case[] = [
  ...masquerade,
  literal,
  ...macCheck.map((each) => ({ ...each, needs })),
];

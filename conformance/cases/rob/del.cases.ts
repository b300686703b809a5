/**
 * DEL when something went wrong before or goes wrong around it (checklist 5.2).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { IpamNetwork } from "../../runner/ipam-network.ts";
import { PodNetwork, tcp } from "../../runner/pod-network.ts";
import type { Trial } from "../../runner/trial.ts";
import { Attachment, ofEach } from "./subject.ts";

/** What has happened to an attachment before its DEL. */
type Mishap = [lines: Case["lines"], what: string, happen: (one: Attachment) => void];

const slow = { timeoutMs: 60_000 };
const inPod = (one: Attachment, command: string) => one.trial.run(command, { netns: one.netns });
const anywhere: Mishap[] = [
  [["ROB-029"], "the namespace is gone", (one) => one.deleteNamespace()],
  [["ROB-033"], "all tables were flushed", ({ trial }) => void trial.run("nft flush ruleset")],
  [
    ["ROB-033"],
    "the rules in all chains are gone",
    ({ trial }) => {
      for (const { chain } of trial.host.nftJson().filter((row) => "chain" in row)) {
        trial.run(`nft flush chain ${chain.family} ${chain.table} ${chain.name}`);
      }
    },
  ],
  [
    ["ROB-034"],
    "its files are gone",
    ({ trial }) => void trial.run("find /var/lib/cni /run/netloom /run/cni -type f -delete", {}),
  ],
];
const ofLinks: Mishap[] = [
  [["ROB-031"], "its link is gone", (one) => void inPod(one, "ip link del eth0")],
  [
    ["ROB-031"],
    "its link was renamed",
    (one) => {
      inPod(one, "ip link set eth0 down");
      inPod(one, "ip link set eth0 name foo");
    },
  ],
  [
    ["ROB-031"],
    "its link was moved away",
    (one) => {
      one.trial.pod();
      one.trial.run("nsenter --net=/run/netns/pod1 ip link set eth0 netns /run/netns/pod2");
    },
  ],
  [["ROB-032"], "the bridge is gone", ({ trial }) => void trial.run("ip link del br-test")],
];

/** Rows that name the attachment, its address, or a link of its own. */
function leftOf(trial: Trial): string[] {
  const { nft, files, links } = trial.host.snapshot();
  return [
    ...nft.filter((row) => /"10\.1\.2\.2|"name":"CNI-(DN-)?[0-9a-f]{20}/.test(row)),
    ...files.filter((row) => /\/10\.1\.2\.2 |c1[:_-]/.test(row)),
    ...links.filter((row) => row.startsWith("veth")),
  ];
}

function after([lines, what, happen]: Mishap, programs?: readonly string[]): Case[] {
  const run = (trial: Trial) => {
    trial.run("mkdir -p /run/netloom /run/cni /var/lib/cni");
    const one = new Attachment(trial);
    one.add();
    happen(one);
    one.del();
    deepEqual(leftOf(trial), []);
  };
  return ofEach(lines, `cleans up when ${what}`, run, {}, programs);
}

const mishaps: Case[] = [
  ...anywhere.flatMap((each) => after(each)),
  ...ofLinks.flatMap((each) => after(each, ["bridge"])),
  ...ofEach(["ROB-040"], "cleans up without prevResult and runtimeConfig", (trial) => {
    const one = new Attachment(trial);
    one.add();
    trial.ok(one.call("DEL", { prevResult: undefined, runtimeConfig: undefined }));
    deepEqual(leftOf(trial), []);
  }),
  ...["", null].flatMap((netns) =>
    ofEach(
      ["ROB-029"],
      `cleans up with CNI_NETNS ${netns === null ? "unset" : "empty"}`,
      (trial) => {
        const one = new Attachment(trial);
        one.add();
        one.deleteNamespace();
        trial.ok(one.call("DEL", {}, { netns }));
        deepEqual(leftOf(trial), []);
      },
    ),
  ),
];

const again: Case[] = [
  ...ofEach(["ROB-023"], "may come thrice", (trial) => {
    const one = new Attachment(trial);
    one.add();
    one.del();
    for (const _ of "23") trial.unchanged(() => one.del());
  }),
  ...ofEach(["ROB-024"], "takes what was never added, without state folders", (trial) => {
    trial.run("rm -rf /var/lib/cni /run/cni");
    const one = new Attachment(trial);
    trial.leavesNothing(() => one.del(), one.netns);
  }),
  ...ofEach(
    ["ROB-025"],
    "completes one that was killed",
    (trial) => {
      const one = new Attachment(trial);
      one.add();
      const counts = one.count("DEL", ["sendto", "sendmsg", "execve", "unlinkat", "unlink"]);
      for (const [name, count] of counts) {
        for (const when of new Set([Math.ceil(count / 2), count])) {
          if (name === "execve" && when === 1) continue;
          one.del();
          one.add();
          one.traced("DEL", "-e", "signal=none", "-e", `inject=${name}:signal=KILL:when=${when}`);
          one.del();
          const address = /c1[:_-]|CNI-(DN-)?[0-9a-f]{20}"|^veth/;
          const { nft, files, links } = trial.host.snapshot();
          const left = [...nft, ...files, ...links].filter((row) => address.test(row));
          deepEqual(left, [], `killed at ${name} ${when}`);
        }
      }
    },
    { needs: ["strace", "iptables-nft", "nftables"] },
  ),
];

const parallel: Case[] = [
  ...ofEach(["ROB-027"], "of 8 containers at once succeeds", async (trial) => {
    const all = Array.from({ length: 8 }, (_, n) => new Attachment(trial, `c${n + 1}`));
    for (const one of all) one.add();
    const answers = await trial.atOnce(all.map((one) => one.call("DEL", {}, slow)));
    for (const answer of answers) trial.succeeded(answer, "DEL");
    deepEqual(leftOf(trial), []);
    all[0]!.add();
  }),
  ...ofEach(["ROB-028"], "of one container five times at once succeeds", async (trial) => {
    const one = new Attachment(trial);
    one.add();
    const answers = await trial.atOnce(Array(5).fill(one.call("DEL", {}, slow)));
    for (const answer of answers) trial.succeeded(answer, "DEL");
    deepEqual(leftOf(trial), []);
  }),
];

const strangers: Case[] = ofEach(
  ["ROB-030"],
  "leaves the interface of a stranger alone who has the path now",
  (trial) => {
    const one = new Attachment(trial);
    one.add();
    one.deleteNamespace();
    const { netns } = new Attachment(trial, "stranger");
    trial.run(`mount --bind ${netns} ${netns}`);
    trial.run(`ln -sfn ${netns} ${one.netns}`);
    trial.run("ip link add eth0 type veth peer name other", { netns });
    one.del();
    ok(trial.host.ipJson("link show eth0", netns).length === 1);
  },
  {},
  ["bridge"],
);

const small = { ranges: [[{ subnet: "10.0.0.0/24" }]] };
const disks: Case[] = [
  {
    lines: ["ROB-038", "ROB-057"],
    program: "host-local",
    fact: "DEL says so when it cannot remove, on a read-only disk",
    run(trial) {
      const net = readOnly(trial);
      net.fails("DEL");
    },
  },
  {
    lines: ["ROB-057"],
    program: "host-local",
    version: "1.1.0",
    fact: "GC says so when it cannot remove, on a read-only disk",
    run(trial) {
      const net = readOnly(trial);
      net.fails("GC", { config: { "cni.dev/valid-attachments": [] } });
    },
  },
  {
    lines: ["ROB-039"],
    program: "host-local",
    fact: "DEL gives up with code 11 when the lock is held for ever",
    async run(trial) {
      const net = new IpamNetwork(trial, small);
      net.add();
      const folder = "/var/lib/cni/networks/mynet";
      const hold = `exec 8<${folder} 9<${folder}/lock; flock 8; flock 9; echo held; exec sleep 100`;
      const holder = trial.host.start(["sh", "-c", hold]);
      while (!holder.output().includes("held")) await new Promise((go) => setTimeout(go, 5));
      net.trial.fails({ ...net.request("DEL"), timeoutMs: 45_000 }, 11);
    },
  },
];

/** A network with a reservation, on a disk that was then made read-only. */
function readOnly(trial: Trial): IpamNetwork {
  trial.run("mkdir -p /var/lib/cni");
  trial.run("mount -t tmpfs tmpfs /var/lib/cni");
  const net = new IpamNetwork(trial, small);
  net.add();
  trial.run("mount -o remount,ro /var/lib/cni");
  return net;
}

const chains: Case[] = [
  {
    lines: ["ROB-042"],
    program: "portmap",
    beside: ["bridge", "host-local"],
    needs: ["python3", "iptables-nft", "nftables"],
    fact: "portmap and bridge clean up in either order, and alone",
    async run(trial) {
      const net = new PodNetwork(trial);
      for (const name of ["A", "B", "C"]) await net.attach(name);
      for (const name of ["A", "B"]) trial.ok(net.portmap("ADD", name, ports[name]!));
      trial.ok(net.bridge("DEL", "A"));
      trial.ok(net.portmap("DEL", "A", ports["A"]!));
      trial.ok(net.portmap("DEL", "B", ports["B"]!));
      trial.ok(net.bridge("DEL", "B"));
      trial.ok(net.portmap("DEL", "C", ports["C"]!)); // its ADD never came that far
      trial.ok(net.bridge("DEL", "C"));
      deepEqual(leftOf(trial), []);
    },
  },
  {
    lines: ["ROB-041"],
    program: "portmap",
    needs: ["iptables-nft", "nftables"],
    fact: "cleans up without tools on PATH, or names the tool",
    run(trial) {
      const one = new Attachment(trial);
      one.add();
      const answer = trial.call(one.call("DEL", {}, { env: { PATH: "/none" } }));
      if (answer.status === 0) deepEqual(leftOf(trial), []);
      else trial.failed(answer, undefined, /iptables|nft/);
      one.del();
      equal(leftOf(trial).length, 0);
    },
  },
];
const ports: Record<string, ReturnType<typeof tcp>[]> = {
  A: [tcp(8081)],
  B: [tcp(8082)],
  C: [tcp(8083)],
};

export const cases: readonly Case[] = [
  ...mishaps,
  ...again,
  ...parallel,
  ...strangers,
  ...disks,
  ...chains,
];

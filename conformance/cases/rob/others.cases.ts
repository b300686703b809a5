/**
 * CHECK, GC, STATUS and VERSION when something is wrong (checklist 5.3 to 5.5).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { IpamNetwork } from "../../runner/ipam-network.ts";
import type { Trial } from "../../runner/trial.ts";
import { Attachment, endedSomehow, ofEach } from "./subject.ts";

const slow = { timeoutMs: 60_000 };
const strace = { needs: ["strace", "iptables-nft", "nftables"] } as const;
const spec11 = { version: "1.1.0" } as const;

const check: Case[] = [
  ...ofEach(["ROB-043"], "CHECK says the same every time, and changes nothing", (trial) => {
    const one = new Attachment(trial);
    one.add();
    for (const _ of "123") trial.unchanged(() => trial.ok(one.call("CHECK")), one.netns);
  }),
  ...ofEach(
    ["ROB-044"],
    "a killed CHECK changes nothing and holds no lock",
    (trial) => {
      const one = new Attachment(trial);
      one.add();
      trial.unchanged(() => {
        endedSomehow(one.traced("CHECK", "-e", "inject=openat:signal=KILL:when=3"));
        trial.ok(one.call("CHECK"));
      });
      one.del();
    },
    strace,
  ),
  ...ofEach(["ROB-045"], "CHECK is not misled by others that come and go", async (trial) => {
    const [one, other] = [new Attachment(trial), new Attachment(trial, "c2")];
    one.add();
    for (let round = 0; round < 4; round++) {
      const command = round % 2 === 0 ? "ADD" : "DEL";
      const calls = [one.call("CHECK", {}, slow), other.call(command, {}, slow)];
      const [checked, done] = await trial.atOnce(calls);
      trial.succeeded(checked!, "CHECK");
      trial.succeeded(done!, command);
    }
  }),
  ...ofEach(
    ["ROB-046"],
    "CHECK fails at once when the namespace is gone",
    (trial) => {
      const one = new Attachment(trial);
      one.add();
      one.deleteNamespace();
      trial.fails(one.call("CHECK"));
    },
    {},
    ["bridge"],
  ),
  ...[
    ["missing", "rm /var/lib/cni/networks/net1/10.1.2.2"],
    ["empty", "truncate -s0 /var/lib/cni/networks/net1/10.1.2.2"],
  ].flatMap(([what, command]) =>
    ofEach(
      ["ROB-047"],
      `CHECK fails when the reservation is ${what}`,
      (trial) => {
        const one = new Attachment(trial);
        one.add();
        trial.run(command!);
        trial.fails(one.call("CHECK"));
      },
      {},
      ["host-local", "bridge"],
    ),
  ),
  ...ofEach(["ROB-048"], "CHECK copes with a read-only disk", (trial) => {
    const one = new Attachment(trial);
    one.add();
    for (const folder of ["/var/lib", "/run"]) {
      trial.run(`mount --bind ${folder} ${folder}`);
      trial.run(`mount -o remount,ro,bind ${folder}`);
    }
    trial.call(one.call("CHECK")); // it may need its lock
  }),
  ...ofEach(["ROB-049"], "CHECK fails after DEL", (trial) => {
    const one = new Attachment(trial);
    one.add();
    one.del();
    trial.fails(one.call("CHECK"));
  }),
].map((each) => ({ ...each, version: "0.4.0" }));

/** Rows that name an address that one of these containers has, or, of the first one, are its chains. */
function rowsOf(trial: Trial, last: number): string[] {
  const { nft, files } = trial.host.snapshot();
  const chain = last === 2 ? '|"name":"CNI-(DN-)?c2d892b58e87e28a' : "";
  const name = new RegExp(`"10\\.1\\.2\\.${last}"|/10\\.1\\.2\\.${last} ${chain}`);
  return [...nft, ...files].filter((row) => name.test(row));
}

function stale(how: "there" | "gone"): Case[] {
  return ofEach(
    ["ROB-050", "ROB-053"],
    `GC removes what is stale, keeps what is valid, and may come again (namespace ${how})`,
    (trial) => {
      const [old, valid] = [new Attachment(trial, "c1"), new Attachment(trial, "c2")];
      for (const one of [old, valid]) one.add();
      if (how === "gone") old.deleteNamespace();
      trial.ok(old.gc("c2"));
      deepEqual(rowsOf(trial, 2), []);
      trial.ok(valid.call("CHECK"));
      trial.unchanged(() => trial.ok(old.gc("c2")));
    },
    spec11,
  );
}

const foreignRules = `
table inet docker {
  chain c { type filter hook forward priority 0; ip saddr 10.1.2.2 accept comment "docker"; }
}
table ip kube-proxy {
  chain s { ip daddr 10.96.0.10 tcp dport 80 dnat to 10.1.2.2:80; }
}
`;
const gc: Case[] = [
  ...stale("gone"),
  ...stale("there"),
  ...ofEach(
    ["ROB-051"],
    "a killed GC harms nothing that is valid, and the next one completes it",
    (trial) => {
      const [old, valid] = [new Attachment(trial, "c1"), new Attachment(trial, "c2")];
      for (const one of [old, valid]) one.add();
      for (const name of ["sendto", "unlinkat", "unlink", "openat"]) {
        const gc = old.gc("c2");
        const traced = new Attachment(trial, "c3");
        const list = (gc.config as Record<string, unknown>)["cni.dev/valid-attachments"];
        Object.assign(traced.config, { "cni.dev/valid-attachments": list });
        traced.traced("GC", "-e", "signal=none", "-e", `inject=${name}:signal=KILL:when=2`);
        trial.ok(valid.call("CHECK"));
      }
      trial.ok(old.gc("c2"));
      deepEqual(rowsOf(trial, 2), []);
      trial.ok(valid.call("CHECK"));
    },
    { ...spec11, ...strace },
  ),
  ...ofEach(
    ["ROB-052"],
    "two GCs and an ADD at once do not hurt each other",
    async (trial) => {
      const [old, valid, young] = ["c1", "c2", "c3"].map((id) => new Attachment(trial, id));
      for (const one of [old!, valid!]) one.add();
      const collect = { ...old!.gc("c2", "c3"), ...slow };
      const calls = [collect, young!.call("ADD", {}, slow), collect];
      const answers = await trial.atOnce(calls);
      for (const [n, answer] of answers.entries()) trial.succeeded(answer, calls[n]!.command);
      young!.result = answers[1]!.json;
      for (const one of [valid!, young!]) trial.ok(one.call("CHECK"));
    },
    spec11,
  ),
  ...ofEach(
    ["ROB-054"],
    "GC takes missing state folders",
    (trial) => {
      const one = new Attachment(trial);
      trial.run("rm -rf /var/lib/cni /run/cni /run/netloom");
      trial.ok(one.gc());
    },
    spec11,
  ),
  {
    lines: ["ROB-055"],
    program: "host-local",
    version: "1.1.0",
    fact: "GC frees the good ones around a corrupt reservation",
    run(trial) {
      const net = new IpamNetwork(trial, small);
      for (const id of ["a", "b", "c"]) net.add({ id });
      net.write("10.0.0.3", "\0\xff garbage");
      net.ok("GC", { config: { "cni.dev/valid-attachments": [] } });
      const left = Object.keys(net.reservations()).filter((ip) => ip !== "10.0.0.3");
      deepEqual(left, []);
    },
  },
  {
    lines: ["ROB-056"],
    program: "host-local",
    version: "1.1.0",
    fact: "GC works on a full disk",
    run(trial) {
      trial.run("mkdir -p /var/lib/cni");
      trial.run("mount -t tmpfs -o size=256k tmpfs /var/lib/cni");
      const net = new IpamNetwork(trial, small);
      net.add();
      trial.host.run(["dd", "if=/dev/zero", "of=/var/lib/cni/fill", "bs=4k"]);
      net.ok("GC", { config: { "cni.dev/valid-attachments": [] } });
      deepEqual(net.reservations(), {});
    },
  },
  {
    lines: ["ROB-058"],
    program: "host-local",
    version: "1.1.0",
    fact: "GC frees 10,000 reservations",
    timeoutMs: 120_000,
    run(trial) {
      const net = new IpamNetwork(trial, { ranges: [[{ subnet: "10.0.0.0/16" }]] });
      net.add();
      const write = `for a in $(seq 40 79); do for b in $(seq 250); do printf 'x\\r\\neth0' > 10.0.$a.$b; done; done`;
      trial.host.ok(["sh", "-c", `cd /var/lib/cni/networks/mynet; ${write}`]);
      const call = net.request("GC", { config: { "cni.dev/valid-attachments": [] } });
      const { peakKib } = trial.call({ ...call, timeoutMs: 60_000 });
      ok(peakKib < 256 * 1024, `${peakKib} KiB`);
      deepEqual(net.reservations(), {});
    },
  },
  ...ofEach(
    ["ROB-059"],
    "GC and DEL leave the rules of others as they are",
    (trial) => {
      trial.run("nft -f -", { input: foreignRules });
      const foreign = () =>
        ["inet docker", "ip kube-proxy"].map((table) => trial.run(`nft list table ${table}`));
      const before = foreign();
      const one = new Attachment(trial);
      one.add();
      trial.call(one.gc());
      one.del();
      deepEqual(foreign(), before);
    },
    spec11,
    ["bridge", "portmap"],
  ),
];
const small = { ranges: [[{ subnet: "10.0.0.0/24" }]] };

/** STATUS as runtimes send it. */
function statusOf(one: Attachment) {
  const none = { containerId: null, ifName: null, netns: null };
  return one.call("STATUS", { prevResult: undefined, runtimeConfig: undefined }, none);
}

const status: Case[] = [
  ...ofEach(
    ["ROB-060"],
    "STATUS says the same 40 times at once, beside ADD, and changes nothing",
    async (trial) => {
      const one = new Attachment(trial);
      trial.unchanged(() => trial.ok(statusOf(one)));
      const calls = [...Array(40).fill({ ...statusOf(one), ...slow }), one.call("ADD", {}, slow)];
      const answers = await trial.atOnce(calls);
      for (const [n, answer] of answers.entries()) trial.succeeded(answer, calls[n]!.command);
    },
    spec11,
  ),
  ...ofEach(
    ["ROB-061"],
    "a killed STATUS changes nothing",
    (trial) => {
      const one = new Attachment(trial);
      trial.unchanged(() => {
        for (const when of [2, 4]) {
          one.traced("STATUS", "-e", `inject=openat:signal=KILL:when=${when}`);
        }
        trial.ok(statusOf(one));
      });
    },
    { ...spec11, ...strace },
  ),
  ...ofEach(
    ["ROB-062"],
    "STATUS succeeds without state folders",
    (trial) => {
      const one = new Attachment(trial);
      trial.run("rm -rf /var/lib/cni /run/cni /run/netloom");
      trial.ok(statusOf(one));
    },
    spec11,
  ),
  {
    lines: ["ROB-063"],
    program: "host-local",
    version: "1.1.0",
    fact: "STATUS tells with code 50 that the disk is read-only",
    run(trial) {
      trial.run("mkdir -p /var/lib/cni");
      trial.run("mount -t tmpfs tmpfs /var/lib/cni");
      const net = new IpamNetwork(trial, small);
      net.add();
      trial.run("mount -o remount,ro /var/lib/cni");
      net.fails("STATUS", {}, undefined, [50]);
    },
  },
  {
    lines: ["ROB-064"],
    program: "bridge",
    version: "1.1.0",
    fact: "STATUS tells with code 50 that the IPAM program is missing, by name",
    run(trial) {
      const one = new Attachment(trial, "c1", { ipam: { type: "gone-ipam" } });
      trial.fails(statusOf(one), 50, "gone-ipam");
    },
  },
];

const version: Case[] = ["host-local", "bridge", "portmap", "static", "loopback"].map(
  (program): Case => ({
    lines: ["ROB-066"],
    program,
    fact: "VERSION needs no rights, no environment and no room on disk",
    run(trial) {
      for (const folder of ["/run", "/var/lib"]) trial.run(`mount -t tmpfs -o ro tmpfs ${folder}`);
      const nobody = ["setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all"];
      const path = `${trial.build.folder}/${program}`;
      const bare = ["env", "-i", "CNI_COMMAND=VERSION", path];
      const answer = trial.host.ok([...nobody, ...bare], { input: '{"cniVersion":"1.0.0"}' });
      equal(JSON.parse(answer).supportedVersions.length, trial.versions.length);
    },
  }),
);

export const cases: readonly Case[] = [...check, ...gc, ...status, ...version];

/**
 * ADD when something goes wrong around it (checklist 5.1).
 * @module
 */
import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { FakeIpam } from "../../../test/core/cni/fake-ipam.ts";
import type { Case } from "../../runner/case.ts";
import { promise } from "../../runner/invariants.ts";
import { addressesOf, IpamNetwork } from "../../runner/ipam-network.ts";
import type { Trial } from "../../runner/trial.ts";
import { bridgeConfig } from "../../runner/vehicles.ts";
import { Attachment, endedSomehow, ofEach } from "./subject.ts";

const twice: Case[] = ofEach(["ROB-001"], "a second ADD harms nothing", (trial) => {
  const one = new Attachment(trial);
  trial.leavesNothing(() => {
    one.add();
    const before = trial.host.snapshot();
    const again = trial.call(one.call("ADD"));
    const after = trial.host.snapshot();
    deepEqual([after.nft.length, after.links], [before.nft.length, before.links]);
    if (trial.program !== "portmap") notEqual(again.status, 0, "the second one succeeded");
    if (trial.program === "host-local" || trial.versions.includes("0.4.0")) {
      trial.ok(one.call("CHECK"));
    }
    one.del();
  }, one.netns);
});

/** System calls at which a kill is tried: those that change something, and whose order does not depend on chance. */
const points = ["sendto", "sendmsg", "execve", "write", "linkat", "unlinkat"];

/** Kills ADD half way through each of the calls, and at the last; `then` says what has to hold. */
function killedInAdd(trial: Trial, then: (one: Attachment, point: string) => void): void {
  const one = new Attachment(trial);
  one.add(); // what is made once for all is there
  one.del();
  const counts = one.count("ADD", points);
  one.del();
  for (const [name, count] of counts) {
    for (const when of new Set([Math.ceil(count / 2), count])) {
      if (name === "execve" && when === 1) continue; // strace's own
      one.traced("ADD", "-e", "signal=none", "-e", `inject=${name}:signal=KILL:when=${when}`);
      then(one, `${name} ${when}`);
    }
  }
}

const strace = ["strace", "iptables-nft", "nftables"] as const;
const killed: Case[] = [
  ...ofEach(
    ["ROB-002", "ROB-003"],
    "DEL clears what a killed ADD left, and what another ADD makes of it",
    (trial) => {
      const empty = stateOf(trial);
      let turns = 0;
      killedInAdd(trial, (one, point) => {
        turns += 1;
        if (turns % 2 === 0) trial.call(one.call("ADD"));
        one.del();
        deepEqual(stateOf(trial), empty, `killed at ${point}`);
      });
      new Attachment(trial, "c2").add();
    },
    { needs: strace },
  ),
  ...ofEach(
    ["ROB-004"],
    "GC clears what a killed ADD left",
    (trial) => {
      const empty = stateOf(trial);
      killedInAdd(trial, (one, point) => {
        trial.ok(one.gc());
        const { files, nft } = stateOf(trial);
        deepEqual({ files, nft }, { files: empty.files, nft: empty.nft }, `killed at ${point}`);
        one.del();
      });
    },
    { version: "1.1.0", needs: strace },
  ),
];

/** What may not stay: rows of an attachment, links but the bridge. */
function stateOf(trial: Trial) {
  const { links, nft, files } = trial.host.snapshot();
  return {
    links: links.filter((row) => !row.startsWith("br-test ")),
    nft: nft.filter((row) => /"10\.1\.2\.2|CNI-(DN-)?[0-9a-f]{20}|c1\b/.test(row)),
    files: files.filter((row) => /\/10\.1\.2\.\d+ |c1[:_-]|tmp/.test(row)),
  };
}

/** bridge with an IPAM program that plays host-local and does something besides. */
class Stalled {
  readonly fake: FakeIpam;
  readonly one: Attachment;
  readonly path: string;

  constructor(trial: Trial, onAdd: string) {
    this.fake = new FakeIpam(join(trial.host.scratch, "ipam"));
    const real = `${trial.build.folder}/host-local < $C/stdin`;
    this.fake.answers("ADD", onAdd.replace("REAL", real));
    this.fake.answers("DEL", real);
    const ipam = { type: "fake", ranges: [[{ subnet: "10.1.2.0/24" }]] };
    this.one = new Attachment(trial, "c1", bridgeConfig(trial.newest, { ipam, ipMasq: true }));
    this.path = trial.path(this.fake.folder);
  }

  call(command: string) {
    return this.one.call(command, {}, { env: { CNI_PATH: this.path } });
  }

  /** Runs ADD, however it ends. */
  run(): ReturnType<Trial["host"]["run"]> {
    const { trial } = this.one;
    const whole = { type: "bridge", bin: trial.build.folder, ...this.call("ADD") };
    const env = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c1",
      CNI_IFNAME: "eth0",
      CNI_NETNS: this.one.netns,
    };
    const input = JSON.stringify(whole.config);
    const given = { input, env: { ...env, CNI_PATH: this.path, PATH: "/usr/sbin:/usr/bin" } };
    return trial.host.run([join(trial.build.folder, "bridge")], given);
  }
}

type Stall = [lines: Case["lines"], fact: string, script: string];
const stalls: Stall[] = [
  [["ROB-002"], "DEL clears what is left of a kill before the reservation", "kill -KILL $PPID"],
  [
    ["ROB-002"],
    "DEL clears what is left of a kill after the reservation",
    "REAL; kill -KILL $PPID",
  ],
  [
    ["ROB-019"],
    "SIGTERM while IPAM works leaves nothing that DEL does not clear",
    "kill -TERM $PPID; REAL",
  ],
  [
    ["ROB-019"],
    "SIGINT while IPAM works leaves nothing that DEL does not clear",
    "kill -INT $PPID; REAL",
  ],
];

const stalled: Case[] = [
  ...stalls.flatMap(([lines, fact, script]) =>
    ["there", "gone"].map(
      (how): Case => ({
        lines,
        program: "bridge",
        beside: ["host-local"],
        needs: ["iptables-nft", "nftables"],
        fact: `${fact}, the namespace ${how}`,
        run(trial) {
          const stall = new Stalled(trial, script);
          trial.leavesNothing(() => {
            endedSomehow(stall.run());
            waitForNobody(trial);
            if (how === "gone") stall.one.deleteNamespace();
            trial.ok(stall.call("DEL"));
          });
        },
      }),
    ),
  ),
  {
    lines: ["ROB-002"],
    program: "bridge",
    beside: ["host-local"],
    needs: ["iptables-nft", "nftables"],
    fact: "attaches another container after the first one's ADD was killed",
    run(trial) {
      const stall = new Stalled(trial, "kill -KILL $PPID");
      endedSomehow(stall.run());
      trial.ok(stall.call("DEL"));
      new Attachment(trial, "c2").add();
    },
  },
  {
    lines: ["ROB-011"],
    program: "bridge",
    beside: ["host-local"],
    needs: ["iptables-nft", "nftables"],
    fact: "leaves nothing when the namespace vanishes while IPAM works",
    run(trial) {
      const vanish = "/bin/umount /run/netns/pod1 && /bin/rm /run/netns/pod1; REAL";
      const stall = new Stalled(trial, vanish);
      trial.leavesNothing(() => {
        // the program may hold the namespace open until its end: then nothing is wrong yet
        trial.call(stall.call("ADD"));
        trial.ok(stall.call("DEL"));
      });
    },
  },
];

/** An orphan ends by itself; what it reserves later would be a leak. */
function waitForNobody(trial: Trial): void {
  const until = Date.now() + 5000;
  while (trial.host.processes().length > 0 && Date.now() < until);
}

function manyAtOnce(program: string, count: number): Case {
  return {
    ...ofEach(
      ["ROB-005", "ROB-006"],
      `${count} at once, the very first users, are all served`,
      async (trial) => {
        const all = Array.from({ length: count }, (_, n) => new Attachment(trial, `c${n + 1}`));
        const before = trial.host.snapshot();
        const answers = await trial.atOnce(all.map((one) => one.call("ADD", {}, slow)));
        for (const [n, answer] of answers.entries()) {
          all[n]!.result = trial.succeeded(answer, "ADD");
        }
        if (program !== "portmap") {
          const given = new Set(all.flatMap(({ result }) => addressesOf(result)));
          equal(given.size, count, "an address was given twice");
        }
        const dels = await trial.atOnce(all.map((one) => one.call("DEL", {}, slow)));
        for (const answer of dels) trial.succeeded(answer, "DEL");
        leftNothing(trial, before);
      },
      { timeoutMs: 120_000 },
      [program],
    )[0]!,
  };
}
const slow = { timeoutMs: 60_000 };

function leftNothing(trial: Trial, before: ReturnType<Trial["host"]["snapshot"]>): void {
  trial.leavesNothing(() => {});
  const { files, links } = trial.host.snapshot();
  const isOwn = (row: string) => /\/10\.1\.2\.\d+ /.test(row);
  deepEqual(files.filter(isOwn), before.files.filter(isOwn));
  deepEqual(
    links.filter((row) => row.startsWith("veth")),
    [],
  );
}

const parallel: Case[] = [
  manyAtOnce("host-local", 64),
  manyAtOnce("bridge", 16),
  manyAtOnce("portmap", 16),
  ...ofEach(["ROB-007"], "of many of one attachment at most one is served", async (trial) => {
    const one = new Attachment(trial);
    const answers = await trial.atOnce(Array(6).fill(one.call("ADD", {}, slow)));
    const good = answers.filter(({ status }) => status === 0);
    if (trial.program !== "portmap") ok(good.length <= 1, `${good.length} succeeded`);
    one.result = good[0]?.json;
    one.del();
    const { links, nft, files } = stateOf(trial);
    deepEqual([links.filter((row) => row.startsWith("veth")), nft, files], [[], [], []]);
  }),
  ...ofEach(["ROB-008"], "ADD beside DEL of another container is complete", async (trial) => {
    const [old, young] = [new Attachment(trial, "c7"), new Attachment(trial, "c8")];
    for (let round = 0; round < 4; round++) {
      old.add();
      const answers = await trial.atOnce([old.call("DEL", {}, slow), young.call("ADD", {}, slow)]);
      trial.succeeded(answers[0]!, "DEL");
      young.result = trial.succeeded(answers[1]!, "ADD");
      if (trial.program !== "portmap") {
        notEqual(addressesOf(young.result)[0], addressesOf(old.result)[0]);
      }
      trial.ok(young.call("CHECK"));
      young.del();
    }
  }),
  {
    ...ofEach(["ROB-009"], "is whole while a third party edits the tables", async (trial) => {
      const edits =
        "for i in $(seq 15); do nft add table inet foreign; iptables -t nat -N F$i; nft delete table inet foreign; done";
      const third = trial.host.start(["sh", "-c", `${edits} 2>/dev/null; true`]);
      const all = Array.from({ length: 8 }, (_, n) => new Attachment(trial, `c${n + 1}`));
      const answers = await trial.atOnce(all.map((one) => one.call("ADD", {}, slow)));
      await third.ended;
      for (const [n, answer] of answers.entries()) {
        if (answer.status !== 0) trial.failed(answer, 11);
        else trial.ok(all[n]!.call("CHECK"));
        all[n]!.del();
      }
    })[2]!,
  },
];

const surroundings: Case[] = [
  ...ofEach(
    ["ROB-010"],
    "fails before it changes anything when the namespace is gone",
    (trial) => {
      const one = new Attachment(trial);
      one.deleteNamespace();
      trial.leavesNothing(() => trial.fails(one.call("ADD")));
    },
    {},
    ["bridge"],
  ),
  ...ofEach(
    ["ROB-012"],
    "leaves an interface of that name alone",
    (trial) => {
      const one = new Attachment(trial);
      const { netns } = one;
      trial.run("ip link add eth0 address 02:00:00:00:00:77 type veth peer name e1", { netns });
      trial.leavesNothing(() => trial.fails(one.call("ADD")), netns);
    },
    {},
    ["bridge"],
  ),
  ...ofEach(["ROB-013"], "makes the state folders that are missing", (trial) => {
    trial.run("rm -rf /var/lib/cni /run/cni");
    const one = new Attachment(trial);
    one.add();
    const made = trial.host.snapshot().files.filter((row) => row.startsWith("/var/lib/cni"));
    for (const row of made) ok(/\/ 7[05][05]$| (600|644|750) \w+$/.test(row), row);
    one.del();
  }),
  ...ofEach(["ROB-020"], "fails when nobody reads its result, and DEL clears it", (trial) => {
    const one = new Attachment(trial);
    const call = one.call("ADD");
    const env = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c1", CNI_IFNAME: "eth0" };
    const more = { CNI_NETNS: one.netns, CNI_PATH: trial.build.folder, PATH: "/usr/sbin:/usr/bin" };
    trial.leavesNothing(() => {
      const script = `{ sleep 0.2; ${trial.build.folder}/${trial.program}; echo status $? >&2; } | true`;
      const input = JSON.stringify(call.config);
      const { stderr } = trial.host.run(["bash", "-c", script], {
        input,
        env: { ...env, ...more },
      });
      promise(!/status 0/.test(stderr), "it succeeded");
      one.del();
    });
  }),
  ...ofEach(["ROB-021"], "leaves no process behind", (trial) => {
    const one = new Attachment(trial);
    one.add(); // every call is looked at for what it left
    trial.ok(one.call("CHECK"));
    one.del();
    deepEqual(trial.host.processes(), []);
  }),
  ...ofEach(
    ["ROB-022"],
    "waits for a slow disk",
    (trial) => {
      const one = new Attachment(trial);
      const delay =
        "inject=mkdirat,linkat,renameat,renameat2,write,fsync:delay_exit=300000:when=1+4";
      const { status, stdout } = one.traced("ADD", "-e", delay);
      promise(status === 0, `ADD failed: ${stdout}`);
    },
    { needs: strace },
  ),
];

const disks: Case[] = [
  {
    lines: ["ROB-017", "ROB-037", "ROB-056"],
    program: "host-local",
    fact: "fails on a full disk, leaves nothing, frees and goes on",
    run(trial) {
      const net = onTmpfs(trial, "size=256k");
      for (const id of ["e1", "e2"]) net.add({ id });
      trial.host.run(["dd", "if=/dev/zero", "of=/var/lib/cni/fill", "bs=4k"]);
      const before = Object.keys(net.reservations());
      net.fails("ADD");
      deepEqual(Object.keys(net.reservations()), before, "a reservation was left");
      net.ok("DEL", { id: "e1" });
      equal(Object.values(net.reservations()).length, 1);
      trial.run("rm /var/lib/cni/fill");
      net.add();
    },
  },
  {
    lines: ["ROB-017"],
    program: "host-local",
    fact: "fails without free inodes, and leaves no reservation",
    run(trial) {
      const net = onTmpfs(trial, "nr_inodes=12");
      net.add({ id: "e1" });
      trial.host.run(["sh", "-c", "for i in $(seq 20); do : > /var/lib/cni/fill$i; done"]);
      const before = Object.keys(net.reservations());
      net.fails("ADD");
      deepEqual(Object.keys(net.reservations()), before);
      net.ok("DEL", { id: "e1" });
      deepEqual(net.reservations(), {});
    },
  },
  {
    lines: ["ROB-017"],
    program: "host-local",
    fact: "gives a reservation back when its counter cannot be written",
    run(trial) {
      const net = new IpamNetwork(trial, small);
      net.add({ id: "e1" });
      trial.run("rm /var/lib/cni/networks/mynet/last_reserved_ip.0");
      trial.run("mkdir /var/lib/cni/networks/mynet/last_reserved_ip.0");
      const { status } = trial.call(net.request("ADD"));
      const isReserved = Object.values(net.reservations()).includes("c1\r\neth0");
      equal(isReserved, status === 0, "the outcome and the reservation differ");
    },
  },
  {
    lines: ["ROB-015"],
    program: "host-local",
    fact: "takes an address whose file is empty or garbage for taken",
    run(trial) {
      const net = new IpamNetwork(trial, small);
      net.write("10.0.0.2", "");
      net.write("10.0.0.3", "\0\xff\xfe garbage");
      deepEqual(net.add(), ["10.0.0.4"]);
      net.ok("DEL");
    },
  },
  {
    lines: ["ROB-016"],
    program: "host-local",
    fact: "fails when the lock is a directory, and reserves nothing",
    run(trial) {
      trial.run("mkdir -p /var/lib/cni/networks/mynet/lock");
      const net = new IpamNetwork(trial, small);
      const { code } = net.fails("ADD");
      ok(code === 5 || code >= 100, `code ${code}`);
      deepEqual(net.reservations(), {});
    },
  },
  ...["last_reserved_ip.0", "10.0.0.3", "lock"].map(
    (name): Case => ({
      lines: ["ROB-018"],
      program: "host-local",
      fact: `does not write through a symbolic link in the place of ${name}`,
      run(trial) {
        const net = new IpamNetwork(trial, small);
        net.add({ id: "e1" });
        trial.run(`ln -sfn /run/target /var/lib/cni/networks/mynet/${name}`);
        trial.call(net.request("ADD"));
        trial.call(net.request("DEL"));
        notEqual(trial.host.run(["test", "-e", "/run/target"]).status, 0, "it was followed");
      },
    }),
  ),
];
const small = { ranges: [[{ subnet: "10.0.0.0/24" }]] };

/** Its state folders on a tmpfs of their own. */
function onTmpfs(trial: Trial, options: string): IpamNetwork {
  trial.run("mkdir -p /var/lib/cni");
  trial.run(`mount -t tmpfs -o ${options} tmpfs /var/lib/cni`);
  return new IpamNetwork(trial, small);
}

export const cases: readonly Case[] = [
  ...twice,
  ...killed,
  ...stalled,
  ...parallel,
  ...surroundings,
  ...disks,
];

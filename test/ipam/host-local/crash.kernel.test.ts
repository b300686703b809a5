/**
 * The built host-local killed at each of its system calls in the first ADD after a reboot, by limits, and on file systems that refuse.
 * Kills in other calls are tried in test/faults/.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync, mkdtempSync } from "node:fs";
import { join } from "node:path";
import { changesNothing, describeStep, FaultyRuns } from "../../faults/system-calls.ts";
import { describeKernel } from "../../kernel/requirements.ts";
import { builtPrograms, type CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { Network } from "./network.ts";

const program = join(builtPrograms, "host-local");
const range = { ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "2001:db8::/64" }]] };
const noneValid = { config: { "cni.dev/valid-attachments": [] } };

describeKernel(
  "host-local that is killed",
  function () {
    this.timeout(120_000);
    let sandbox: Sandbox;
    let network: Network;

    before(() => {
      sandbox = Sandbox.create();
    });
    after(() => sandbox?.dispose());
    const fresh = () => {
      network = new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), range);
    };

    /** Runs `check` once for each step of the call that `prepare` makes ready, after a kill just before it. */
    function killedAtEachStep(prepare: () => CniCall, check: (step: string) => void): void {
      const runs = new FaultyRuns(sandbox);
      fresh();
      const steps = runs.record(prepare()).filter((step) => !changesNothing(step));
      for (const step of steps) {
        fresh();
        const { signal } = runs.run(prepare(), step, "signal=KILL");
        equal(signal, 9, `${describeStep(step)} was not reached`);
        check(`killed before ${describeStep(step)}`);
      }
    }

    const owners = () =>
      Object.values(network.reservations()).map((content) => content.split("\r\n")[0]);

    it("in the first ADD after a reboot forgets no reservation of the boot before", () => {
      const boot = join(sandbox.scratch, "boot");
      const setBoot = (digit: number) =>
        sandbox.ok(["tee", boot], { input: `00000000-0000-0000-0000-00000000000${digit}\n` });
      setBoot(1);
      sandbox.ok(["mount", "--bind", boot, "/proc/sys/kernel/random/boot_id"]);
      try {
        killedAtEachStep(
          () => {
            setBoot(1);
            for (const id of ["a", "b"]) network.ok("ADD", { id });
            setBoot(2);
            return network.request("ADD", { id: "a" });
          },
          (step) => {
            network.ok("ADD", { id: "z" });
            network.ok("DEL", { id: "a" });
            deepEqual(owners(), ["z", "z"], step);
          },
        );
      } finally {
        sandbox.ok(["umount", "/proc/sys/kernel/random/boot_id"]);
      }
    });

    it("by RLIMIT_FSIZE leaves nothing that DEL cannot free (SPEC-193)", () => {
      fresh();
      network.ok("ADD", { id: "earlier" });
      const env = {
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: "c1",
        CNI_IFNAME: "eth0",
        CNI_NETNS: "/none",
        CNI_PATH: "/x",
      };
      const input = JSON.stringify(network.request("ADD").config);
      const done = sandbox.run(["prlimit", "--fsize=0", program], {
        env: { ...env, PATH: "/usr/bin" },
        input,
      });
      equal(done.status, 1);
      match(JSON.parse(done.stdout).details, /EFBIG/);
      network.ok("DEL");
      deepEqual(owners(), ["earlier", "earlier"]);
    });

    it("works with 16 descriptors (SPEC-193)", () => {
      fresh();
      const env = {
        CNI_COMMAND: "ADD",
        CNI_CONTAINERID: "c1",
        CNI_IFNAME: "eth0",
        CNI_NETNS: "/none",
        CNI_PATH: "/x",
      };
      const input = JSON.stringify(network.request("ADD").config);
      sandbox.ok(["prlimit", "--nofile=16", program], { env: { ...env, PATH: "/usr/bin" }, input });
    });
  },
  ["ip", "nft", "musl-gcc", "strace", "prlimit"],
);

describeKernel("host-local on a file system that refuses", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  let network: Network;

  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox?.dispose());

  /** A network on a tmpfs of its own, seen only inside the sandbox. */
  function onTmpfs(options: string): string {
    const path = mkdtempSync(join(sandbox.scratch, "tmpfs-"));
    sandbox.ok(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]);
    network = new Network(sandbox, path, range);
    return path;
  }
  const list = () => sandbox.ok(["ls", "-A", network.directory]).trim().split("\n");
  const ips = () => list().filter((name) => /^[0-9a-f:.]+$/.test(name));

  it("fails with 5 on a full disk, leaves nothing, frees and goes on (ROB-017, ROB-037, ROB-056)", () => {
    const path = onTmpfs("size=256k");
    network.ok("ADD", { id: "earlier" });
    network.ok("ADD", { id: "earlier2" });
    const before = list();
    sandbox.run(["dd", "if=/dev/zero", `of=${path}/fill`, "bs=4k"]);
    const { json } = network.call("ADD");
    equal(json.code, 5);
    match(json.details, /ENOSPC/);
    deepEqual(list(), before);
    equal(network.call("STATUS").json.code, 50);
    network.ok("CHECK", { id: "earlier" });
    network.ok("DEL", { id: "earlier" });
    network.ok("GC", noneValid);
    deepEqual(ips(), []);
    sandbox.ok(["rm", `${path}/fill`]);
    deepEqual(network.add(), ["10.0.0.4", "2001:db8::4"]);
  });

  it("fails on a disk that is full from the first, and leaves no reservation", () => {
    const path = onTmpfs("size=64k");
    sandbox.run(["dd", "if=/dev/zero", `of=${path}/fill`, "bs=4k"]);
    equal(network.call("ADD").json.code, 5);
    deepEqual(ips(), []);
    network.ok("DEL");
  });

  it("fails without free inodes, and leaves no reservation", () => {
    const path = onTmpfs("nr_inodes=9");
    network.ok("ADD", { id: "earlier", ipam: { ranges: [[{ subnet: "10.0.0.0/24" }]] } });
    sandbox.run(["sh", "-c", `for i in 1 2 3 4 5 6 7 8 9; do : > ${path}/fill$i; done`]);
    const before = list();
    equal(network.call("ADD").json.code, 5);
    deepEqual(list(), before);
    equal(network.call("STATUS").json.code, 50);
    network.ok("DEL", { id: "earlier" });
    deepEqual(ips(), []);
  });

  it("reports a read-only one with 5 from ADD, DEL and GC, and checks (ROB-038, ROB-048, ROB-057, ROB-063)", () => {
    const path = onTmpfs("size=1m");
    network.ok("ADD", { id: "earlier" });
    sandbox.ok(["mount", "-o", "remount,ro", path]);
    for (const [command, call] of [
      ["ADD", {}],
      ["DEL", { id: "earlier" }],
      ["GC", noneValid],
    ] as const) {
      const { json } = network.call(command, call);
      equal(json.code, 5, command);
      match(`${json.msg} ${json.details}`, /EROFS/);
    }
    equal(network.ok("DEL").stderr, "");
    network.ok("CHECK", { id: "earlier" });
    equal(network.call("STATUS").json.code, 50);
    equal(ips().length, 2);
    sandbox.ok(["mount", "-o", "remount,rw", path]);
    network.ok("DEL", { id: "earlier" });
    deepEqual(ips(), []);
  });

  it("says which path is no directory", () => {
    const path = onTmpfs("size=1m");
    sandbox.ok(["touch", `${path}/mynet`]);
    match(network.failure("ADD"), new RegExp(`"${path}/mynet" is no directory`));
  });

  describe("in one file", () => {
    beforeEach(() => {
      network = new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), {
        ranges: [[{ subnet: "10.0.0.0/24" }]],
      });
      network.ok("ADD", { id: "earlier" });
    });
    const at = (name: string) => join(network.directory, name);

    it("the lock a directory: fails by name, reserves nothing (ROB-016)", () => {
      sandbox.ok(["sh", "-c", `rm ${at("lock")} && mkdir ${at("lock")}`]);
      match(network.failure("ADD"), /lock ".*\/mynet\/lock"/);
      deepEqual(Object.keys(network.reservations()), ["10.0.0.2"]);
    });

    for (const name of ["lock", "last_reserved_ip.0", ".netloom-ledger", "10.0.0.3"]) {
      it(`${name} a symbolic link: never written through (ROB-018)`, () => {
        const target = join(sandbox.scratch, `target-${name}`);
        sandbox.ok(["ln", "-sfn", target, at(name)]);
        network.call("ADD");
        network.call("DEL");
        network.call("GC", noneValid);
        equal(existsSync(target), false);
      });
    }

    it("reservations that are links, FIFOs and directories: taken, never followed, never waited for", () => {
      sandbox.ok(["ln", "-s", "/etc/passwd", at("10.0.0.3")]);
      sandbox.ok(["mkfifo", at("10.0.0.4")]);
      sandbox.ok(["mkdir", at("10.0.0.5")]);
      sandbox.ok(["truncate", "-s", "3G", at("10.0.0.6")]);
      deepEqual(network.add(), ["10.0.0.7"]);
      const { stderr } = network.ok("GC", noneValid);
      for (const last of [3, 4, 5, 6]) match(stderr, new RegExp(`10\\.0\\.0\\.${last}" alone`));
    });

    for (const [what, content] of [
      ["empty", ""],
      ["cut", "netloom 2 7fe3a2c4-0f2d-4a53"],
      ["random", "\0\xff\xfe random"],
      ["another's", "netloom 1 00000000-0000-0000-0000-000000000000 0\n= 1:1\n"],
      ["huge", "netloom 1 ? 0\n".padEnd(1_000_000, "x")],
    ] as const) {
      it(`a ledger that is ${what}: nothing is lost, nothing taken twice`, () => {
        network.write(".netloom-ledger", content);
        deepEqual(network.add(), ["10.0.0.3"]);
        match(network.failure("ADD"), /duplicate allocation/);
        network.ok("DEL");
        deepEqual(network.reservations(), { "10.0.0.2": "earlier\r\neth0" });
      });
    }
  });

  describe("with a lock that somebody holds", () => {
    beforeEach(() => {
      network = new Network(sandbox, mkdtempSync(join(sandbox.scratch, "data-")), range);
      network.ok("ADD", { id: "earlier" });
    });

    function hold(): { pid: number; release: () => void } {
      const started = sandbox.start([
        "flock",
        "-F",
        join(network.directory, "lock"),
        "sleep",
        "1000",
      ]);
      const inode = sandbox.ok(["stat", "-c%i", join(network.directory, "lock")]).trim();
      for (let tries = 0; tries < 200; tries++) {
        const line = sandbox
          .ok(["cat", "/proc/locks"])
          .split("\n")
          .find((row) => row.includes(`:${inode} `));
        const pid = Number(line?.trim().split(/\s+/)[4]);
        if (pid > 0) return { pid, release: () => void started.stop() };
      }
      throw new Error("flock(1) does not hold the lock");
    }

    it("gives up after 30 s with 11 and names a holder that is stopped (ROB-039)", () => {
      const { pid, release } = hold();
      process.kill(pid, "SIGSTOP");
      const started = Date.now();
      const { json } = sandbox.cni({ ...network.request("ADD"), timeoutMs: 45_000 });
      const waited = Date.now() - started;
      equal(json.code, 11);
      match(
        json.msg,
        new RegExp(
          `lock ".*/mynet/lock": held by process ${pid} \\("sleep 1000", running for \\d+ s, stopped\\)`,
        ),
      );
      ok(waited >= 29_500 && waited < 40_000, `${waited} ms`);
      deepEqual(Object.values(network.reservations()), ["earlier\r\neth0", "earlier\r\neth0"]);
      process.kill(pid, "SIGCONT");
      release();
    });

    it("goes on when the holder dies (SPEC-097), and CHECK and STATUS do not wait", async () => {
      const { pid, release } = hold();
      const waiting = sandbox.cniAtOnce([network.request("ADD")]);
      network.ok("CHECK", { id: "earlier" });
      network.ok("STATUS");
      process.kill(pid, "SIGKILL");
      const [done] = await waiting;
      equal(done?.status, 0);
      release();
    });
  });
});

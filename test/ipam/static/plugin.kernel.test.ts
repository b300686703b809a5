/**
 * The built static: the protocol of every program, asked of the one that needs nothing of the kernel.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync } from "node:fs";

import { specVersions } from "../../../core/cni/versions.ts";
import { type BadInput, badInputs, oddInputs } from "../../core/cni/bad-input.ts";
import type { Outcome } from "../../kernel/enter.ts";
import { holdsAlways } from "../../kernel/invariants.ts";
import { describeKernel } from "../../kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../kernel/sandbox.ts";
import { completeEnvironment } from "../../run-plugin.ts";

const program = `${builtPrograms}/static`;
const addresses = [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }, { address: "fd00::2/64" }];
const good = {
  cniVersion: "1.1.0",
  name: "net1",
  type: "static",
  ipam: { type: "static", addresses },
};

let sandbox: Sandbox;

function run({ command = "ADD", env = {}, stdin, change = {} }: Partial<BadInput> = {}): Outcome {
  const variables = { ...completeEnvironment(command), ...env };
  const input = stdin ?? JSON.stringify({ ...good, ...change });
  return sandbox.run([program], { input, env: variables });
}

/** Runs through a shell, for odd descriptors and limits: `$P` is the program. */
function shell(script: string, input = JSON.stringify(good), command = "ADD"): Outcome {
  const env = { ...completeEnvironment(command), P: program };
  return sandbox.run(["bash", "-c", script], { input, env });
}

describeKernel("the built static", () => {
  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox.dispose());

  it("refuses all that the negative matrix lists, and changes nothing", () => {
    const before = sandbox.snapshot();
    for (const input of badInputs) {
      const done = run(input);
      const json = holdsAlways(done);
      const about = `${input.id} ${input.what}: ${done.stdout}`;
      equal(json?.code, input.code, about);
      match(`${json.msg}; ${json.details ?? ""}`, input.says ?? /./, about);
    }
    deepEqual(sandbox.snapshot(), before);
  });

  it("takes what is odd but right", () => {
    for (const input of oddInputs) {
      const done = run(input);
      holdsAlways(done);
      equal(done.status, 0, `${input.id} ${input.what}: ${done.stdout}`);
    }
  });

  it("SPEC-149: refuses every truncation", () => {
    const whole = JSON.stringify(good);
    for (let length = 0; length < whole.length; length += 3) {
      equal(holdsAlways(run({ stdin: whole.slice(0, length) })).code, 6);
    }
  });

  for (const cniVersion of specVersions) {
    it(`SPEC-002, SPEC-093: serves ${cniVersion}`, () => {
      const change = { cniVersion };
      const json = holdsAlways(run({ change }));
      equal(json.cniVersion, cniVersion);
      equal(json.ip4?.ip ?? json.ips[0].address, "10.0.0.2/24");
      const del = run({ command: "DEL", change });
      deepEqual([del.status, del.stdout, del.stderr], [0, "", ""]);
    });
  }

  for (const command of ["DEL", "GC", "STATUS"]) {
    it(`0.3: prints nothing when ${command} succeeds`, () => {
      const { status, stdout, stderr } = run({ command });
      deepEqual([status, stdout, stderr], [0, "", ""]);
    });
  }

  it("SPEC-061: CHECK is content with the result of ADD, 20 times", () => {
    const change = { prevResult: holdsAlways(run()) };
    for (let round = 0; round < 20; round++) equal(run({ command: "CHECK", change }).stdout, "");
  });

  it("SPEC-007, key order: gives the same for any order of keys", () => {
    const reversed = Object.fromEntries(Object.entries(good).reverse());
    equal(run({ stdin: JSON.stringify(reversed) }).stdout, run().stdout);
  });

  it("SPEC-020: needs no working directory", () => {
    const script = "mkdir gone && cd gone && rmdir ../gone && exec env -u PWD $P";
    holdsAlways(shell(`cd ${sandbox.scratch} && ${script}`));
  });

  it("SPEC-023: tells about itself without CNI_COMMAND", () => {
    const { status, stdout, stderr } = run({ env: { CNI_COMMAND: "" }, stdin: "" });
    deepEqual([status, stdout], [0, ""]);
    match(stderr, /^CNI static plugin .*\nCNI protocol versions supported: 0\.1\.0, .*1\.1\.0\n$/);
  });

  it("SPEC-034: takes any path for CNI_NETNS", () => {
    equal(run({ env: { CNI_NETNS: "/a path/with blanks" } }).status, 0);
  });

  it("SPEC-144: refuses the caller's own network namespace", () => {
    const env = { CNI_NETNS: "/proc/self/ns/net" };
    equal(holdsAlways(run({ env })).code, 8);
    equal(holdsAlways(run({ env, command: "DEL" })).code, 8);
    equal(run({ env: { ...env, CNI_NETNS_OVERRIDE: "1" } }).status, 0);
  });

  it("SPEC-191: takes a path that is not UTF-8", () => {
    holdsAlways(shell("CNI_NETNS=$(printf '/tmp/\\377\\376') exec $P"));
  });

  it("SPEC-192: lets the first of two entries count", () => {
    const done = shell(`exec python3 -c '
import os, ctypes
libc = ctypes.CDLL(None)
names = [k + "=" + v for k, v in os.environ.items()] + ["CNI_IFNAME=a/b"]
envp = (ctypes.c_char_p * (len(names) + 1))(*[n.encode() for n in names], None)
argv = (ctypes.c_char_p * 2)(os.environ["P"].encode(), None)
libc.execve(os.environ["P"].encode(), argv, envp)'`);
    equal(done.status, 0, done.stdout + done.stderr);
  });
});

describeKernel("the built static and its descriptors", () => {
  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox.dispose());

  it("SPEC-017: works with stderr closed, full, or at /dev/full", () => {
    const noisy = JSON.stringify({ ...good, ipam: { ...good.ipam, adresses: [] } });
    match(shell("exec $P", noisy).stderr, /did you mean "addresses"/);
    for (const script of ["exec $P 2>&-", "exec $P 2>/dev/full"]) {
      equal(holdsAlways(shell(script, noisy)).ips.length, 2);
    }
    const full =
      "mkfifo f; exec 3<>f; dd if=/dev/zero of=f bs=65536 count=1 2>/dev/null; exec $P 2>f";
    equal(holdsAlways(shell(`cd ${sandbox.scratch}; ${full}`, noisy)).ips.length, 2);
  });

  it("SPEC-018: fails when stdout is closed or full, or nobody reads it", () => {
    for (const script of ["exec $P >&-", "exec $P >/dev/full"]) {
      const { status, signal } = shell(script);
      deepEqual([status, signal], [1, null], script);
    }
    const unread = shell("{ sleep 0.2; $P; echo $? >&2; } | true");
    match(unread.stderr, /\n?1\n$/);
  });

  it("SPEC-036, SPEC-185, SPEC-186: says that it cannot read stdin", () => {
    for (const script of ["exec $P <&-", "exec $P </"]) {
      for (const command of ["ADD", "DEL", "GC"]) {
        equal(holdsAlways(shell(script, "", command)).code, 5, script);
      }
    }
  });

  it("SPEC-037: reads to the end of stdin, however slowly it comes", () => {
    const bytes = 'while IFS= read -rN1 c; do printf %s "$c"; done';
    equal(holdsAlways(shell(`${bytes} | $P`)).ips.length, 2);
    equal(holdsAlways(shell(`{ cat; sleep 0.3; } | $P`)).ips.length, 2);
  });

  it("SPEC-039, SPEC-092: answers VERSION whatever stdin is", () => {
    const version = (script: string, input = "") =>
      holdsAlways(shell(script, input, "VERSION")).cniVersion;
    for (const each of ["0.1.0", "0.4.0", "9.9.9"]) {
      equal(version("exec $P", JSON.stringify({ cniVersion: each })), each);
    }
    for (const script of ["exec $P <&-", "exec $P </", "exec $P", "exec $P </dev/zero"]) {
      equal(version(script), "1.1.0", script);
    }
    equal(version("exec $P", "{"), "1.1.0");
    const idle = shell("sleep 2 | { $P; }", "", "VERSION");
    equal(JSON.parse(idle.stdout).cniVersion, "1.1.0");
  });

  it("SPEC-094: needs nothing but CNI_COMMAND for VERSION", () => {
    const done = sandbox.run([program], { env: { CNI_COMMAND: "VERSION" }, input: "" });
    deepEqual(holdsAlways(done).supportedVersions, specVersions);
    const dummy = { CNI_NETNS: "dummy", CNI_IFNAME: "dummy", CNI_PATH: "dummy" };
    const env = { CNI_COMMAND: "VERSION", CNI_CONTAINERID: "", ...dummy };
    holdsAlways(sandbox.run([program], { env, input: "" }));
  });

  it("SPEC-040, SPEC-163: reads 32 MiB, and keeps memory in bounds", () => {
    const done = run({ change: { padding: "x".repeat(32 << 20) } });
    equal(holdsAlways(done).ips.length, 2);
    ok(done.peakKib < 512 * 1024, `${done.peakKib} KiB`);
    const keys = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`key${n}`, n]));
    equal(holdsAlways(run({ change: keys })).ips.length, 2);
    const deep = JSON.stringify(good).replace(
      "{",
      `{"deep":${"[".repeat(5000)}${"]".repeat(5000)},`,
    );
    equal(holdsAlways(run({ stdin: deep })).ips.length, 2);
  });

  it("SPEC-113: prints all of a large result", () => {
    const many = Array.from({ length: 2000 }, (_, n) => ({
      address: `10.0.${n >> 8}.${n & 255}/16`,
    }));
    const done = run({ change: { ipam: { type: "static", addresses: many } } });
    equal(holdsAlways(done).ips.length, 2000);
  });

  it("SPEC-193: ends cleanly under tight limits", () => {
    equal(holdsAlways(shell("ulimit -n 16; ulimit -f 0; exec $P")).ips.length, 2);
    const noDescriptors = shell("ulimit -n 3; exec $P");
    deepEqual([noDescriptors.status, noDescriptors.signal], [1, null]);
    for (const kib of [20_000, 8000]) {
      const { signal } = shell(`ulimit -v ${kib}; exec $P`);
      equal(signal, null, `${kib} KiB`);
    }
    const memory = shell(
      "ulimit -v 60000; exec $P",
      JSON.stringify({ ...good, x: "x".repeat(32 << 20) }),
    );
    equal(memory.signal, null);
    match(JSON.parse(memory.stdout).msg, /memory/);
  });

  it("SPEC-195, ROB-066: needs no rights", () => {
    const asNobody =
      "exec setpriv --reuid 65534 --clear-groups --inh-caps=-all --bounding-set=-all";
    mkdirSync(sandbox.path(`${sandbox.scratch}/x`));
    equal(holdsAlways(shell(`${asNobody} $P`)).ips.length, 2);
    equal(holdsAlways(shell(`${asNobody} $P`, "", "VERSION")).cniVersion, "1.1.0");
  });

  it("starts no process and keeps no descriptor", () => {
    run();
    deepEqual(sandbox.processes(), []);
  });
});

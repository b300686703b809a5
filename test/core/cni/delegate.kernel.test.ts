/**
 * Delegation to an IPAM program, by the built bridge. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { holdsAlways } from "../../kernel/invariants.ts";
import { describeKernel } from "../../kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../kernel/sandbox.ts";
import { FakeIpam } from "./fake-ipam.ts";

const config = {
  cniVersion: "1.1.0",
  name: "net1",
  type: "bridge",
  bridge: "deleg0",
  ipam: { type: "fake", extra: { nested: [1, { x: null }] } },
};
const stdin = JSON.stringify(config).replace("{", '{ "big":12345678901234567890123, "z":"é",');

describeKernel("delegation", () => {
  let sandbox: Sandbox;
  let fake: FakeIpam;
  let netns: string;
  let count = 0;

  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox.dispose());
  beforeEach(() => {
    count += 1;
    fake = new FakeIpam(join(sandbox.scratch, `ipam${count}`));
    netns = sandbox.pod(`d${count}`);
  });
  afterEach(() => rmSync(fake.folder, { recursive: true }));

  const path = () => `/nonexistent:${fake.folder}:${builtPrograms}`;
  function environment(command: string): Record<string, string> {
    return {
      CNI_COMMAND: command,
      CNI_CONTAINERID: `c${count}`,
      CNI_NETNS: netns,
      CNI_IFNAME: "eth0",
      CNI_PATH: path(),
      CNI_X: "y",
      FOO: "bar",
      TRACEPARENT: "00-1-2-00",
    };
  }
  function call(command: string, input: object | string = stdin, env: object = {}) {
    const text = typeof input === "string" ? input : JSON.stringify(input);
    const variables = { ...environment(command), ...env };
    const done = sandbox.run([`${builtPrograms}/bridge`], { input: text, env: variables });
    return { ...done, json: holdsAlways(done) };
  }
  const commands = () => fake.calls().map(({ command }) => command);
  const veths = () => sandbox.ipJson("link show type veth").length;

  it("DELEG-004…007: gives it our stdin, environment and namespace, and no more", () => {
    const { json } = call("ADD");
    equal(json.ips[0].address, "10.9.0.2/24");
    const [seen] = fake.calls();
    equal(seen?.stdin, stdin);
    const given = Object.entries(environment("ADD")).map(([name, value]) => `${name}=${value}`);
    deepEqual(seen?.env, given);
    deepEqual(seen?.fds, ["0", "1", "2"]);
    equal(seen?.netns, sandbox.ok(["readlink", "/proc/self/ns/net"]).trim());
    equal(call("DEL").status, 0);
  });

  for (const command of ["CHECK", "STATUS", "GC", "DEL"]) {
    it(`DELEG-009, DELEG-024…026: executes it once for ${command}`, () => {
      const prevResult = command === "CHECK" ? call("ADD").json : undefined;
      const lists = { "cni.dev/valid-attachments": [] };
      const { status, stdout } = call(command, { ...config, ...lists, prevResult });
      deepEqual([status, stdout], [0, ""]);
      deepEqual(commands().slice(prevResult ? 1 : 0), [command]);
      call("DEL");
    });

    it(`DELEG-015, DELEG-021: passes its error on for ${command}`, () => {
      const prevResult = command === "CHECK" ? call("ADD").json : undefined;
      fake.answers(command, `echo '{"code":123,"msg":"m","details":"d"}'; exit 1`);
      const { json } = call(command, { ...config, prevResult });
      equal(json.code, 123);
      match(json.msg, /m/);
      equal(json.details, "d");
      call("DEL");
    });
  }

  // [what ADD does, code, msg]
  const failures: [string, number, RegExp][] = [
    [`echo '{"code":123,"msg":"m","details":"d"}'; exit 1`, 123, /^m$/],
    ["echo trouble >&2; exit 3", 999, /exit status 3 .*: trouble$/],
    ["exit 3", 999, /exit status 3 and no error object$/],
    ["kill -9 $$", 999, /signal 9/],
    ["", 6, /line 1, column 1/],
    ["echo '[]'", 6, /want an object/],
    ["echo '{}{}'", 6, /want the end of the document/],
    ["echo null", 7, /missing IP config/],
    ["head -c 3000000 /dev/zero", 999, /printed too much/],
    [`echo '{"cniVersion":"2.0.0","ips":[]}'`, 1, /unsupported CNI result version/],
    [`echo '{"ips":[null]}'`, 6, /ips\[0\]/],
    [`echo '{"ips":[{"address":"::ffff:10.0.0.1/120"}]}'`, 7, /IPv4 address in IPv6 form/],
  ];
  for (const [script, code, msg] of failures) {
    it(`DELEG-012…018, OLD-031…041: ADD fails with ${code} and releases after "${script}"`, () => {
      fake.answers("ADD", script);
      const { json } = call("ADD");
      equal(json.code, code);
      match(json.msg, msg);
      deepEqual(commands(), ["ADD", "DEL"]);
      deepEqual([veths(), sandbox.ipJson("link", netns).length], [0, 1]);
    });
  }

  it("DELEG-014: returns the first error when the release fails too", () => {
    for (const command of ["ADD", "DEL"]) {
      fake.answers(command, `echo '{"code":100,"msg":"${command}"}'; exit 1`);
    }
    equal(call("ADD").json.msg, "ADD");
    deepEqual(commands(), ["ADD", "DEL"]);
  });

  it("DELEG-019, DELEG-020: lets its stderr through, its stdout never", () => {
    fake.answers("STATUS", "echo out; echo err >&2");
    const { stdout, stderr } = call("STATUS");
    deepEqual([stdout, stderr.endsWith("err\n")], ["", true]);
    fake.answers("STATUS", `echo err >&2; echo '{"code":50,"msg":"m"}'; exit 1`);
    match(call("STATUS").stderr, /err\n/);
  });

  it("DELEG-022: is called for DEL without a namespace", () => {
    equal(call("DEL", stdin, { CNI_NETNS: "" }).status, 0);
    equal(call("DEL", stdin, { CNI_NETNS: "/run/netns/gone" }).status, 0);
    deepEqual(commands(), ["DEL", "DEL"]);
  });

  it("DELEG-027: need not know GC and STATUS", () => {
    for (const command of ["GC", "STATUS"]) {
      fake.answers(command, `echo '{"code":4,"msg":"unknown CNI_COMMAND: ${command}"}'; exit 1`);
      const { status, stderr } = call(command);
      equal(status, 0);
      match(stderr, RegExp(`does not know ${command}`));
    }
  });

  it("SPEC-009, DELEG-002: takes no path for a name, and finds no directory", () => {
    mkdirSync(join(fake.folder, "folder"));
    for (const type of ["../fake", `${fake.folder}/fake`, "..", ".", "folder", "gone", "a/b"]) {
      const { status } = call("ADD", { ...config, ipam: { type } });
      equal(status, 1, type);
    }
    deepEqual(commands(), []);
    equal(veths(), 0);
  });

  it("SPEC-073: STATUS says 50 when it is not there", () => {
    const { json } = call("STATUS", { ...config, ipam: { type: "gone" } });
    equal(json.code, 50);
  });

  it("DELEG-033: does not execute itself", () => {
    const { json, ms } = call("ADD", { ...config, ipam: { type: "bridge" } });
    match(json.msg, /names the plugin itself/);
    equal(ms < 1000, true);
    sandbox.ok(["cp", `${builtPrograms}/bridge`, join(fake.folder, "copy")]);
    const argv = [join(fake.folder, "copy")];
    const input = JSON.stringify({ ...config, ipam: { type: "copy" } });
    const copy = holdsAlways(sandbox.run(argv, { input, env: environment("ADD") }));
    match(copy.msg, /names the plugin itself/);
  });

  it("DELEG-029: does not outlive its caller", () => {
    fake.answers("ADD", "sleep 1; echo > $D/marker");
    const script = `exec 8<&0; ${builtPrograms}/bridge <&8 & sleep 0.4; kill -9 $!; sleep 1.2`;
    sandbox.run(["bash", "-c", script], {
      input: stdin,
      env: { ...environment("ADD"), PATH: "/bin" },
    });
    deepEqual([commands(), fake.has("marker")], [["ADD"], false]);
    call("DEL");
  });

  it("DELEG-030: is waited for while it is being written", () => {
    sandbox.ok(["cp", `${builtPrograms}/static`, join(fake.folder, "late")]);
    const script = `exec 7>>${join(fake.folder, "late")}; (sleep 0.5) & exec 7>&-; wait; exec ${builtPrograms}/bridge`;
    const ipam = { type: "late", addresses: [{ address: "10.9.0.9/24" }] };
    const done = sandbox.run(["bash", "-c", script], {
      input: JSON.stringify({ ...config, ipam }),
      env: { ...environment("ADD"), PATH: "/bin" },
    });
    equal(holdsAlways(done).ips[0].address, "10.9.0.9/24");
    call("DEL");
  });

  it("DELEG-031: keeps calls at the same time apart", async () => {
    fake.answers(
      "ADD",
      `echo "{\\"ips\\":[{\\"address\\":\\"10.9.1.\${CNI_CONTAINERID#x}/16\\"}]}"`,
    );
    const ids = Array.from({ length: 16 }, (_, n) => `x${n + 1}`);
    const calls = ids.map((containerId) => ({
      command: "ADD",
      type: "bridge",
      config: { ...config, args: { containerId } },
      containerId,
      netns: sandbox.pod(`par-${containerId}`),
      env: { CNI_PATH: path() },
    }));
    const done = await sandbox.cniAtOnce(calls);
    const addresses = done.map((each) => holdsAlways(each).ips[0].address);
    deepEqual(
      addresses,
      ids.map((id) => `10.9.1.${id.slice(1)}/16`),
    );
    for (const { env, stdin: input } of fake.calls()) {
      const { args } = JSON.parse(input);
      equal(env.includes(`CNI_CONTAINERID=${args.containerId}`), true);
    }
    await sandbox.cniAtOnce(calls.map((each) => ({ ...each, command: "DEL" })));
  });
});

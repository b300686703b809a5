/**
 * The built loopback in network namespaces of its own. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match } from "node:assert/strict";

import { specVersions } from "../../../core/cni/versions.ts";
import { holdsAlways } from "../../kernel/invariants.ts";
import { describeKernel } from "../../kernel/requirements.ts";
import { builtPrograms, type CniCall, Sandbox } from "../../kernel/sandbox.ts";

const config = { cniVersion: "1.1.0", name: "cni-loopback", type: "loopback" };
const loopbackIps = [
  { address: "127.0.0.1/8", interface: 0 },
  { address: "::1/128", interface: 0 },
];

describeKernel("the built loopback", () => {
  let sandbox: Sandbox;
  let netns: string;
  let pods = 0;

  before(() => {
    sandbox = Sandbox.create();
  });
  after(() => sandbox.dispose());
  beforeEach(() => {
    pods += 1;
    netns = sandbox.pod(`p${pods}`);
  });

  function call(change: object = {}, more: Partial<CniCall> = {}) {
    const done = sandbox.cni({ command: "ADD", config: { ...config, ...change }, netns, ...more });
    return { ...done, json: holdsAlways(done) };
  }
  const isUp = () => sandbox.ipJson("link show lo", netns)[0].flags.includes("UP");
  const lo = (...words: string[]) => sandbox.ok(["ip", ...words, "dev", "lo"], { netns });

  for (const cniVersion of specVersions) {
    it(`U-053, U-054, OLD-006: brings lo up and down at ${cniVersion}`, () => {
      const { json } = call({ cniVersion }, { args: "none" });
      equal(json.cniVersion, cniVersion);
      equal(isUp(), true);
      if (cniVersion < "0.3.0") {
        const dns = {};
        deepEqual(json, { cniVersion, ip4: { ip: "127.0.0.1/8" }, ip6: { ip: "::1/128" }, dns });
      } else equal(json.ips[0].version, cniVersion < "1.0.0" ? "4" : undefined);
      const del = call({ cniVersion }, { command: "DEL" });
      deepEqual([del.status, del.stdout, del.stderr], [0, "", ""]);
      equal(isUp(), false);
    });
  }

  it("U-055: answers with the interface and its addresses", () => {
    const { json, stderr } = call();
    const mac = "00:00:00:00:00:00";
    const interfaces = [{ name: "lo", mac, mtu: 65536, sandbox: netns }];
    deepEqual(json, { cniVersion: "1.1.0", interfaces, ips: loopbackIps });
    equal(stderr, "");
  });

  it("does not look at CNI_IFNAME, and succeeds twice", () => {
    const first = call({}, { ifName: "whatever" });
    deepEqual(call().json, first.json);
  });

  it("leaves out IPv6 where the namespace has none", () => {
    sandbox.sysctl("net.ipv6.conf.all.disable_ipv6", 1, netns);
    deepEqual(call().json.ips, [loopbackIps[0]]);
  });

  it("SPEC-111: prints prevResult again", () => {
    const prevResult = {
      cniVersion: "1.1.0",
      interfaces: [{ name: "eth0", sandbox: netns }],
      ips: [{ address: "10.0.0.2/24", interface: 0 }],
      routes: [{ dst: "0.0.0.0/0" }],
    };
    deepEqual(call({ prevResult }).json, prevResult);
    equal(isUp(), true);
  });

  it("refuses an address that is no loopback address, and leaves lo as it was", () => {
    lo("address", "add", "10.0.0.1/32");
    const { json } = call();
    equal(json.msg, 'loopback interface found with non-loopback address "10.0.0.1"');
    equal(isUp(), false);
  });

  it("SPEC-061, SPEC-064, SPEC-065, SPEC-068: checks that lo is up and has its addresses", () => {
    const check = (prevResult?: object) => call({ prevResult }, { command: "CHECK" });
    equal(check().json.msg, "loopback interface is down");
    equal(isUp(), false);
    const prevResult = call().json;
    for (let round = 0; round < 5; round++) equal(check(prevResult).stdout, "");
    equal(check().stdout, "");
    lo("address", "del", "127.0.0.1/8");
    match(check(prevResult).json.msg, /has lost address "127\.0\.0\.1\/8"/);
    equal(check().stdout, "");
  });

  it("SPEC-051, SPEC-054: DEL succeeds as often as it is called, without a namespace too", () => {
    call();
    for (const path of [netns, netns, "/run/netns/gone", undefined, ""]) {
      const { status, stdout } = call({}, { command: "DEL", netns: path ?? null });
      deepEqual([status, stdout], [0, ""]);
    }
    sandbox.deletePod(`p${pods}`);
    equal(call({}, { command: "DEL" }).status, 0);
  });

  it("SPEC-053, SPEC-056: DEL succeeds with a broken prevResult or no namespace at the path", () => {
    call();
    const { status, stderr } = call({ prevResult: { interfaces: [null] } }, { command: "DEL" });
    deepEqual([status, isUp()], [0, false]);
    match(stderr, /goes on without prevResult/);
    for (const path of ["/etc/passwd", "/etc", "/proc/self/ns/mnt"]) {
      equal(call({}, { command: "DEL", netns: path }).status, 0);
    }
  });

  it("SPEC-035, SPEC-142, SPEC-143: refuses what is no network namespace, at once", () => {
    sandbox.ok(["mkfifo", `${sandbox.scratch}/fifo${pods}`]);
    const fifo = `${sandbox.scratch}/fifo${pods}`;
    const before = sandbox.snapshot();
    const paths = ["/run/netns/gone", "/etc/passwd", "/etc", "etc", "/proc/self/ns/mnt", fifo];
    for (const path of [...paths, "/dev/zero", `/${"x".repeat(5000)}`]) {
      const { json, ms } = call({}, { netns: path });
      equal(json.code, 4, path);
      match(json.msg, /CNI_NETNS/);
      equal(ms < 1000, true);
    }
    deepEqual(sandbox.snapshot(), before);
  });

  it("SPEC-144: refuses the caller's own namespace before it does anything", () => {
    sandbox.ok(["ip", "link", "set", "lo", "down"]);
    const { json } = call({}, { netns: "/proc/self/ns/net" });
    equal(json.code, 8);
    equal(sandbox.ipJson("link show lo")[0].flags.includes("UP"), false);
  });

  it("SPEC-041: ignores wrong types in keys it does not use", () => {
    const change = { mtu: "1500", dns: [], ipam: "x", isGateway: 5, args: 1, runtimeConfig: [] };
    equal(call(change).json.interfaces[0].name, "lo");
  });

  it("GC and STATUS say nothing and change nothing", () => {
    const before = sandbox.snapshot();
    for (const command of ["GC", "STATUS"]) {
      const change = { "cni.dev/valid-attachments": [] };
      const { status, stdout, stderr } = call(change, { command, netns: null });
      deepEqual([status, stdout, stderr], [0, "", ""]);
    }
    deepEqual(sandbox.snapshot(), before);
  });

  it("U-236, 0.3: stays in nobody's namespace", () => {
    const before = sandbox.snapshot();
    call();
    deepEqual(sandbox.snapshot(), before);
    deepEqual(sandbox.processes(), []);
  });

  it("SPEC-018: takes lo down again when nobody reads the result", () => {
    const input = JSON.stringify(config);
    const env = { CNI_COMMAND: "ADD", CNI_CONTAINERID: "c", CNI_NETNS: netns, CNI_IFNAME: "lo" };
    const argv = ["bash", "-c", `exec ${builtPrograms}/loopback >/dev/full`];
    const { status } = sandbox.run(argv, { input, env: { ...env, CNI_PATH: "/x" } });
    deepEqual([status, isUp()], [1, false]);
  });
});

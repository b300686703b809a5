import { deepEqual, equal, match, notEqual, throws } from "node:assert/strict";
import { chmodSync, existsSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "./requirements.ts";
import { Sandbox } from "./sandbox.ts";

describeKernel("Sandbox", () => {
  it("is a host with nothing but lo, up", () => {
    using sandbox = Sandbox.create();
    deepEqual(sandbox.snapshot().links, ["lo   65536 UP"]);
    deepEqual(sandbox.snapshot().files, []);
    notEqual(
      sandbox.ok(["readlink", "/proc/self/ns/net"]).trim(),
      readlinkSync("/proc/self/ns/net"),
    );
  });

  it("stands beside another one", () => {
    using one = Sandbox.create();
    using two = Sandbox.create();
    one.ok(["ip", "link", "add", "br0", "type", "bridge"]);
    equal(one.ipJson("link").length, 2);
    equal(two.ipJson("link").length, 1);
  });

  it("reaches the outside over IPv4 and IPv6", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    sandbox.ok(["ping", "-c1", "-W2", "192.0.2.2"]);
    sandbox.ok(["ping", "-c1", "-W2", "2001:db8::2"]);
  });

  it("runs programs in a pod's namespace", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("p1");
    const lo = sandbox.ipJson("link show lo", netns)[0];
    equal(lo.operstate, "DOWN");
    sandbox.deletePod("p1");
    equal(existsSync(sandbox.path(netns)), false);
  });

  it("keeps /run and /var/lib of the machine out of sight", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["mkdir", "-p", "/var/lib/cni/networks/x", "/run/netloom-probe"]);
    equal(existsSync("/run/netloom-probe"), false);
    equal(existsSync(sandbox.path("/run/netloom-probe")), true);
  });

  it("executes a CNI program with just the environment a runtime sets", () => {
    using sandbox = Sandbox.create();
    const program = join(sandbox.scratch, "probe");
    writeFileSync(program, '#!/bin/sh\nread -r line\nprintf \'{"env":"%s"}\' "$(env | grep CNI)"');
    chmodSync(program, 0o755);
    const bin = sandbox.scratch;
    const config = { type: "probe" };
    const { status, stdout } = sandbox.run([program], {
      input: "{}\n",
      env: { PATH: process.env["PATH"], CNI_COMMAND: "ADD" },
    });
    equal(status, 0);
    match(stdout, /CNI_COMMAND=ADD/);
    throws(() => sandbox.cni({ command: "ADD", type: "none", config, bin }), /npm run build/);
  });

  it("tells signal, status and time", () => {
    using sandbox = Sandbox.create();
    equal(sandbox.run(["sh", "-c", "exit 3"]).status, 3);
    const killed = sandbox.run(["sh", "-c", "kill -9 $$"]);
    deepEqual([killed.status, killed.signal], [null, 9]);
    equal(sandbox.run(["sleep", "0.02"]).ms >= 20, true);
  });

  it("sees through names chosen by chance", () => {
    using sandbox = Sandbox.create();
    const before = sandbox.snapshot();
    sandbox.ok(["ip", "link", "add", "veth0a1b2c3d", "type", "bridge"]);
    const one = sandbox.snapshot();
    sandbox.ok(["ip", "link", "delete", "veth0a1b2c3d"]);
    sandbox.ok(["ip", "link", "add", "veth99aabbcc", "type", "bridge"]);
    deepEqual(sandbox.snapshot(), one);
    notEqual(JSON.stringify(before), JSON.stringify(one));
  });

  it("names a process that a program left behind, and ends it", () => {
    const sandbox = Sandbox.create();
    sandbox.ok(["sh", "-c", "setsid sleep 60 </dev/null >/dev/null 2>&1 & sleep 0.3"]);
    throws(() => sandbox.dispose(), /left in the sandbox: \d+ sleep 60/);
  });

  it("ends what was started beside the test", async () => {
    const sandbox = Sandbox.create();
    const server = sandbox.start(["sleep", "60"]);
    sandbox.dispose();
    equal(await server.ended, undefined);
  });
});

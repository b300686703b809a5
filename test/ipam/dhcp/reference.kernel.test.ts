/**
 * The built plugin and the reference's daemon, with dnsmasq as the server.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { DhcpLan, identity, reference } from "../../kernel/dhcp-lan.ts";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { type CniCall, type CniOutcome, Sandbox } from "../../kernel/sandbox.ts";

const config = {
  cniVersion: "1.1.0",
  name: "lan",
  type: "bridge",
  ipam: { type: "dhcp", request: [{ option: "host-name" }], priority: 7 },
};

describeKernel("dhcp and the reference's daemon", () => {
  let sandbox: Sandbox;
  let lan: DhcpLan;

  before(function () {
    if (reference === undefined) this.skip();
    sandbox = Sandbox.create();
    lan = new DhcpLan(sandbox);
    lan.serve();
    const flags = ["-timeout", "2s", "-resendmax", "4s", "-resendtimeout", "5s"];
    lan.daemon({ bin: reference, flags });
  });
  after(() => sandbox?.dispose());

  const call = (command: string, more: Partial<CniCall> = {}): CniOutcome =>
    sandbox.cni({ command, config, type: "dhcp", ...more });

  it("give a lease, whose result has everything, and take it back", () => {
    const netns = lan.pod("a");
    const { json, status, stdout } = call("ADD", { netns, containerId: "a" });
    equal(status, 0, stdout);
    const address = lan.leases()[identity("a", "lan", "eth0")];
    deepEqual(json, {
      cniVersion: "1.1.0",
      ips: [{ address: `${address}/24`, gateway: "192.168.1.1" }],
      routes: [{ dst: "0.0.0.0/0", gw: "192.168.1.1", priority: 7 }],
    });
    const chained = { ...config, prevResult: json };
    equal(call("CHECK", { netns, containerId: "a", config: chained }).stdout, "");
    for (const _ of [1, 2]) equal(call("DEL", { netns, containerId: "a" }).status, 0);
  });

  it("say what the daemon says when there is no link", () => {
    const netns = sandbox.pod("empty");
    const { json } = call("ADD", { netns, containerId: "empty" });
    match(json.msg, /^error calling DHCP.Allocate: error looking up "eth0"/);
    equal(json.code, 999);
  });

  it("answer STATUS, and GC with a warning", () => {
    equal(call("STATUS").status, 0);
    const valid = { ...config, "cni.dev/valid-attachments": [] };
    const { status, stderr } = call("GC", { config: valid });
    equal(status, 0);
    match(stderr, /the daemon does not know GC/);
  });

  it("refuse an option that nobody knows", () => {
    const ipam = { type: "dhcp", provide: [{ option: "doNotparseMe", value: "x" }] };
    const { json } = call("ADD", { netns: lan.pod("b"), config: { ...config, ipam } });
    match(json.msg, /^error calling DHCP.Allocate: Can not parse option "doNotparseMe"/);
  });
}, [...usual, "dnsmasq"]);

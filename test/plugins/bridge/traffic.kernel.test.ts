/**
 * What bridge does to packets, and many calls at once. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import {
  add,
  addresses,
  defaultGateways,
  layer2,
  layer3,
  link,
  pings,
  succeed,
} from "./network.ts";

const both = ["10.1.2.0/24", "fd00::/64"];

describeKernel("bridge and packets", () => {
  it("SPEC-008, U-034, U-035: masquerades what leaves the subnet, until DEL", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    const netns = sandbox.pod("a");
    const config = layer3(both, { ipMasq: true, ipMasqBackend: "nftables" });
    add(sandbox, config, { netns });
    ok(pings(sandbox, "192.0.2.2", netns) && pings(sandbox, "2001:db8::2", netns));
    succeed(sandbox, { command: "DEL", config, netns });
    ok(!JSON.stringify(sandbox.nftJson()).includes("net/c1:eth0"));
  });

  it("SPEC-008: makes no rule without ipMasq", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    const netns = sandbox.pod("a");
    add(sandbox, layer3(both), { netns });
    deepEqual(sandbox.nftJson(), []);
    ok(!pings(sandbox, "192.0.2.2", netns));
  });

  it("does not masquerade between containers of the network", () => {
    using sandbox = Sandbox.create();
    const config = layer3(["10.1.2.0/24"], { ipMasq: true });
    add(sandbox, config, { netns: sandbox.pod("a"), containerId: "a" });
    add(sandbox, config, { netns: sandbox.pod("b"), containerId: "b" });
    ok(pings(sandbox, "10.1.2.3", "/run/netns/a"));
    const known = sandbox.ipJson("neigh", "/run/netns/b").map(({ dst }) => dst);
    ok(known.includes("10.1.2.2"), String(known));
  });

  it("U-037: drops frames with another MAC address when it is told to check", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, layer3(["10.1.2.0/24"], { macspoofchk: true }), { netns });
    ok(pings(sandbox, "10.1.2.1", netns));
    sandbox.ok(["ip", "link", "set", "eth0", "address", "02:00:00:00:00:66"], { netns });
    sandbox.ok(["ip", "neigh", "flush", "dev", "bridge0"]);
    ok(!pings(sandbox, "10.1.2.1", netns));
  });

  it("U-040: isolated ports do not reach each other, but their gateway", () => {
    using sandbox = Sandbox.create();
    const config = layer3(["10.1.2.0/24"], { portIsolation: true });
    add(sandbox, config, { netns: sandbox.pod("a"), containerId: "a" });
    add(sandbox, config, { netns: sandbox.pod("b"), containerId: "b" });
    ok(pings(sandbox, "10.1.2.1", "/run/netns/a"));
    ok(!pings(sandbox, "10.1.2.3", "/run/netns/a"));
  });

  it("enabledad waits until the kernel has looked for a duplicate", function () {
    this.timeout(20_000);
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const config = layer3(both, { enabledad: true });
    const done = succeed(sandbox, { command: "ADD", config, netns });
    ok(done.ms > 500 && done.ms < 4000, `${done.ms} ms`);
    const [row] = sandbox.ipJson("-6 address show dev eth0", netns);
    deepEqual(
      row.addr_info.map(({ tentative }: { tentative?: boolean }) => tentative),
      [undefined, undefined],
    );
    equal(sandbox.sysctl("net.ipv6.conf.eth0.enhanced_dad", undefined, netns), "1");
  });

  it("enabledad names the address that a neighbour has, and leaves nothing", function () {
    this.timeout(20_000);
    using sandbox = Sandbox.create();
    const config = layer3(["fd00::/64"], { enabledad: true });
    add(sandbox, layer3(["fd00::/64"]), { netns: sandbox.pod("b"), containerId: "b" });
    sandbox.ok(["ip", "address", "add", "fd00::3/64", "dev", "eth0", "nodad"], {
      netns: "/run/netns/b",
    });
    const done = sandbox.cni({ command: "ADD", config, netns: sandbox.pod("a") });
    match(done.stdout, /link eth0 has address fd00::3 in DADFAILED state/);
    equal(link(sandbox, "eth0", "/run/netns/a"), undefined);
  });

  it("sets what IPv6 needs in a container that has it switched off", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    sandbox.sysctl("net.ipv6.conf.all.disable_ipv6", 1, netns);
    sandbox.sysctl("net.ipv6.conf.default.disable_ipv6", 1, netns);
    add(sandbox, layer3(["fd00::/64"]), { netns });
    deepEqual(addresses(sandbox, "eth0", netns), ["fd00::2/64"]);
    for (const [name, value] of [
      ["keep_addr_on_down", "1"],
      ["accept_dad", "0"],
      ["disable_ipv6", "0"],
    ]) {
      equal(sandbox.sysctl(`net.ipv6.conf.eth0.${name}`, undefined, netns), value);
    }
    sandbox.ok(["ip", "link", "set", "eth0", "down"], { netns });
    deepEqual(addresses(sandbox, "eth0", netns), ["fd00::2/64"]);
  });

  it("makes the host a router and keeps the default route that a router advertisement gave it", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    sandbox.ok(["ip", "-6", "route", "del", "default"]);
    sandbox.ok([
      "ip",
      "-6",
      "route",
      "add",
      "default",
      "via",
      "fe80::1",
      "dev",
      "uplink",
      "proto",
      "ra",
    ]);
    equal(sandbox.sysctl("net.ipv6.conf.uplink.accept_ra"), "1");
    add(sandbox, layer3(both), { netns: sandbox.pod("a") });
    equal(sandbox.sysctl("net.ipv4.ip_forward"), "1");
    equal(sandbox.sysctl("net.ipv6.conf.all.forwarding"), "1");
    equal(sandbox.sysctl("net.ipv6.conf.uplink.accept_ra"), "2");
    equal(sandbox.sysctl("net.ipv6.conf.bridge0.accept_ra"), "0");
  });

  it("a first connection is answered at once: the port forwards when ADD returns", () => {
    using sandbox = Sandbox.create();
    const config = layer3(["10.1.2.0/24"]);
    for (let round = 0; round < 20; round++) {
      const netns = sandbox.pod(`p${round}`);
      add(sandbox, config, { netns, containerId: `p${round}` });
      const out = sandbox.ok(["ping", "-c1", "-W3", "10.1.2.1"], { netns });
      const [, ms = "9999"] = /time=([\d.]+) ms/.exec(out) ?? [];
      ok(Number(ms) < 500, out);
      succeed(sandbox, { command: "DEL", config, netns, containerId: `p${round}` });
    }
  });
});

describeKernel("bridge, many at once", function () {
  this.timeout(60_000);
  const count = 20;
  const config = layer3(both, { ipMasq: true, macspoofchk: true });
  const ids = Array.from({ length: count }, (_, index) => `c${index}`);
  const call = (command: string, id: string) => ({
    command,
    config,
    containerId: id,
    netns: `/run/netns/${id}`,
  });

  it(`SPEC-096, ROB-005, ROB-006: ${count} ADDs on a virgin host, then ${count} DELs`, async () => {
    using sandbox = Sandbox.create();
    for (const id of ids) sandbox.pod(id);
    const added = await sandbox.cniAtOnce(ids.map((id) => call("ADD", id)));
    deepEqual(
      added.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
      [],
    );
    equal(new Set(added.map(({ json }) => json.ips[0].address)).size, count);
    deepEqual(addresses(sandbox, "bridge0").sort(), ["10.1.2.1/24", "fd00::1/64"]);
    for (const id of ids) ok(pings(sandbox, "10.1.2.1", `/run/netns/${id}`), id);
    const gone = await sandbox.cniAtOnce(ids.map((id) => call("DEL", id)));
    deepEqual(
      gone.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
      [],
    );
    ok(!/net\/c\d+:eth0/.test(JSON.stringify([sandbox.nftJson(), sandbox.ipJson("-d link")])));
  });

  it("ADDs and DELs mixed: who stays, works", async () => {
    using sandbox = Sandbox.create();
    for (const id of ids) sandbox.pod(id);
    const [first, second] = [ids.slice(0, count / 2), ids.slice(count / 2)];
    await sandbox.cniAtOnce(first.map((id) => call("ADD", id)));
    const mixed = [...first.map((id) => call("DEL", id)), ...second.map((id) => call("ADD", id))];
    const done = await sandbox.cniAtOnce(mixed);
    deepEqual(
      done.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
      [],
    );
    for (const id of second) {
      const netns = `/run/netns/${id}`;
      ok(pings(sandbox, "10.1.2.1", netns), id);
      deepEqual(defaultGateways(sandbox, netns), ["10.1.2.1", "fd00::1"]);
    }
  });

  it("ROB-007, SPEC-098: the same attachment many times, one wins and one DEL cleans up", async () => {
    using sandbox = Sandbox.create();
    sandbox.pod("c1");
    const done = await sandbox.cniAtOnce(ids.map(() => call("ADD", "c1")));
    equal(done.filter(({ status }) => status === 0).length, 1);
    succeed(sandbox, call("DEL", "c1"));
    ok(!JSON.stringify([sandbox.nftJson(), sandbox.ipJson("-d link")]).includes("net/c1:eth0"));
    succeed(sandbox, call("ADD", "c1"));
  });

  it("containers without addresses on a virgin host", async () => {
    using sandbox = Sandbox.create();
    for (const id of ids) sandbox.pod(id);
    const bare = layer2({ hairpinMode: true });
    const done = await sandbox.cniAtOnce(ids.map((id) => ({ ...call("ADD", id), config: bare })));
    deepEqual(
      done.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
      [],
    );
    equal(sandbox.ipJson("link show master bridge0").length, count);
  });
});

/**
 * The gateway of containers in a VLAN, on a kernel that has them. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { peers } from "../../../scripts/place.ts";
import { builtPrograms, Sandbox } from "../../kernel/sandbox.ts";
import {
  add,
  addresses,
  defaultGateways,
  layer3,
  link,
  pings,
  refused,
  succeed,
} from "./network.ts";
import { isFiltering, native, vlansOf } from "./port-vlans.ts";

const both = ["10.1.2.0/24", "fd00::/64"];

/** The port at the other end of the gateway's link. */
function portOfGateway(sandbox: Sandbox, gateway = "bridge0.100"): string {
  const { link_index: peer, link: name } = link(sandbox, gateway);
  return name ?? sandbox.ipJson("link").find(({ ifindex }) => ifindex === peer).ifname;
}

describe("bridge ADD with a VLAN and a gateway", () => {
  const networks: [string, string[]][] = [
    ["IPv4", ["10.1.2.0/24"]],
    ["IPv6", ["fd00::/64"]],
    ["both families", both],
    ["three ranges", [...both, "fd01::/64"]],
  ];
  for (const [what, subnets] of networks) {
    it(`U-016, U-017: makes the host the gateway in the VLAN, ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const result = add(sandbox, layer3(subnets, { vlan: 100 }), { netns });
      const names = result.interfaces.map(({ name }: { name: string }) => name);
      deepEqual(
        [names[0], names[2], names[3], names.length],
        ["bridge0", "eth0", "bridge0.100", 4],
      );
      equal(sandbox.ipJson("link").length, 5);
      const gateways = subnets.map((subnet) => subnet.replace(/(0?)\/.*/, "1"));
      deepEqual(
        new Set(addresses(sandbox, "bridge0.100")),
        new Set(subnets.map((subnet, i) => `${gateways[i]}/${subnet.split("/")[1]}`)),
      );
      deepEqual(addresses(sandbox, "bridge0"), []);
      const port = portOfGateway(sandbox);
      equal(link(sandbox, port).master, "bridge0");
      deepEqual(
        [vlansOf(sandbox, port), vlansOf(sandbox, names[1])],
        [[`100 ${native}`], [`100 ${native}`]],
      );
      ok(isFiltering(sandbox));
      for (const gateway of gateways) ok(pings(sandbox, gateway, netns), gateway);
      deepEqual(
        new Set(defaultGateways(sandbox, netns)),
        new Set([gateways[0], ...gateways.slice(1, 2)]),
      );
    });
  }

  it("U-016: keeps the default VLAN of both ports when it is told to", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const config = layer3(both, { vlan: 100, preserveDefaultVlan: true });
    const { interfaces } = add(sandbox, config, { netns });
    const wanted = ["1 Egress Untagged", `100 ${native}`];
    deepEqual(vlansOf(sandbox, interfaces[1].name), wanted);
    deepEqual(vlansOf(sandbox, portOfGateway(sandbox)), wanted);
    ok(pings(sandbox, "10.1.2.1", netns) && pings(sandbox, "fd00::1", netns));
  });

  it("tells of the gateway's link: MAC address, MTU, no sandbox", () => {
    using sandbox = Sandbox.create();
    const config = layer3(both, { vlan: 100, mtu: 1400 });
    const { interfaces } = add(sandbox, config, { netns: sandbox.pod("a") });
    const { address: mac, mtu, flags } = link(sandbox, "bridge0.100");
    deepEqual(interfaces[3], { name: "bridge0.100", mac, mtu });
    equal(mtu, 1400);
    ok(flags.includes("UP"));
  });

  it("the IPv6 gateway can be used at once", () => {
    using sandbox = Sandbox.create();
    add(sandbox, layer3(["fd00::/64"], { vlan: 100 }), { netns: sandbox.pod("a") });
    const [row] = sandbox.ipJson("-6 address show dev bridge0.100 scope global");
    equal(row.addr_info[0].tentative, undefined);
  });

  it("two VLANs of a bridge have a gateway each, and no way to each other on the bridge", () => {
    using sandbox = Sandbox.create();
    const of = (vlan: number) => layer3([`10.1.${vlan}.0/24`], { vlan, name: `net${vlan}` });
    add(sandbox, of(100), { netns: sandbox.pod("a"), containerId: "a" });
    add(sandbox, of(100), { netns: sandbox.pod("b"), containerId: "b" });
    add(sandbox, of(200), { netns: sandbox.pod("c"), containerId: "c" });
    ok(pings(sandbox, "10.1.100.3", "/run/netns/a"), "in the VLAN");
    ok(pings(sandbox, "10.1.200.1", "/run/netns/c"), "to its gateway");
    ok(pings(sandbox, "10.1.200.2", "/run/netns/a"), "through the host, which forwards");
    sandbox.ok(["ip", "address", "add", "10.1.100.9/24", "dev", "eth0"], { netns: "/run/netns/c" });
    ok(!pings(sandbox, "10.1.100.2", "/run/netns/c"), "into the other VLAN");
  });

  it("U-034: masquerades what leaves the VLAN", () => {
    using sandbox = Sandbox.create();
    sandbox.outside();
    const netns = sandbox.pod("a");
    add(sandbox, layer3(both, { vlan: 100, ipMasq: true }), { netns });
    ok(pings(sandbox, "192.0.2.2", netns) && pings(sandbox, "2001:db8::2", netns));
  });

  it("U-040: isolated containers reach the gateway, not each other", () => {
    using sandbox = Sandbox.create();
    const config = layer3(["10.1.2.0/24"], { vlan: 100, portIsolation: true });
    add(sandbox, config, { netns: sandbox.pod("a"), containerId: "a" });
    add(sandbox, config, { netns: sandbox.pod("b"), containerId: "b" });
    ok(pings(sandbox, "10.1.2.1", "/run/netns/a"));
    ok(!pings(sandbox, "10.1.2.3", "/run/netns/a"));
  });

  it("DEL leaves the gateway, and the next ADD takes it", () => {
    using sandbox = Sandbox.create();
    const config = layer3(both, { vlan: 100 });
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    const { ifindex, address } = link(sandbox, "bridge0.100");
    for (let time = 0; time < 2; time++) succeed(sandbox, { command: "DEL", config, netns });
    equal(sandbox.ipJson("link").length, 4);
    add(sandbox, config, { netns });
    const again = link(sandbox, "bridge0.100");
    deepEqual([again.ifindex, again.address], [ifindex, address]);
    ok(pings(sandbox, "10.1.2.1", netns));
  });

  it("completes a gateway that somebody was killed at", () => {
    using sandbox = Sandbox.create();
    const config = layer3(both, { vlan: 100 });
    add(sandbox, config, { netns: sandbox.pod("a"), containerId: "a" });
    const port = portOfGateway(sandbox);
    sandbox.ok(["ip", "link", "set", "bridge0.100", "down"]);
    sandbox.ok(["ip", "link", "set", port, "down", "nomaster"]);
    const netns = sandbox.pod("b");
    add(sandbox, config, { netns, containerId: "b" });
    deepEqual(vlansOf(sandbox, port), [`100 ${native}`]);
    ok(pings(sandbox, "10.1.2.1", netns));
  });

  it("SPEC-096: eight at once on a virgin host make one gateway", async () => {
    using sandbox = Sandbox.create();
    const config = layer3(both, { vlan: 100 });
    const ids = ["a", "b", "c", "d", "e", "f", "g", "h"];
    const calls = ids.map((containerId) => {
      const netns = sandbox.pod(containerId);
      return { command: "ADD", config, netns, containerId, timeoutMs: 120_000 };
    });
    for (const { status, stdout } of await sandbox.cniAtOnce(calls)) equal(status, 0, stdout);
    equal(sandbox.ipJson("link").length, 4 + ids.length);
    for (const id of ids) ok(pings(sandbox, "10.1.2.1", `/run/netns/${id}`), id);
  });

  it("ROB-002: whichever message fails, nothing of the container is left", () => {
    using sandbox = Sandbox.create();
    const config = layer3(both, { vlan: 100, ipMasq: true });
    add(sandbox, config, { netns: sandbox.pod("z"), containerId: "z" });
    const before = sandbox.snapshot();
    const env = {
      CNI_COMMAND: "ADD",
      CNI_CONTAINERID: "c1",
      CNI_IFNAME: "eth0",
      CNI_NETNS: sandbox.pod("a"),
      CNI_PATH: builtPrograms,
    };
    let when = 0;
    for (let status: number | null = 1; status !== 0; ) {
      when++;
      const inject = `inject=sendto:error=ENOBUFS:when=${when}`;
      const argv = ["strace", "-o", "/dev/null", "-e", "trace=sendto", "-e", inject];
      const done = sandbox.run([...argv, join(builtPrograms, "bridge")], {
        env,
        input: JSON.stringify(config),
      });
      status = done.status;
      if (status === 0) break;
      deepEqual(sandbox.snapshot().links, before.links, `sendto #${when}: ${done.stdout}`);
      equal(link(sandbox, "eth0", "/run/netns/a"), undefined, `sendto #${when}`);
    }
    ok(when > 5, `failed at ${when - 1} messages`);
  });
});

describe("bridge CHECK with a VLAN and a gateway", () => {
  const config = layer3(both, { vlan: 100 });

  it("U-036: is content after ADD", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
  });

  const damages: [string, string, RegExp][] = [
    ["a gateway that is gone", "ip link del bridge0.100", /bridge0\.100/],
    ["a gateway that is down", "ip link set bridge0.100 down", /bridge0\.100.*down/],
    [
      "another MAC address of the gateway",
      "ip link set bridge0.100 address 02:00:00:00:00:55",
      /bridge0\.100/,
    ],
  ];
  for (const [what, command, wanted] of damages) {
    it(`SPEC-064: notices ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      sandbox.ok(command.split(" "));
      const error = refused(sandbox, {
        command: "CHECK",
        config: { ...config, prevResult },
        netns,
      });
      match(`${error.msg} ${error.details}`, wanted);
    });
  }
});

const hasReference = existsSync(join(peers, "bridge"));

(hasReference ? describe : describe.skip)("bridge with a VLAN, and the reference's", () => {
  const config = layer3(["10.1.2.0/24"], { vlan: 100 });

  it("takes over its gateway, and deletes what it has made", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns, bin: peers });
    // before a port is added: the reference's bridge has no MAC address of its own
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
    const { ifindex } = link(sandbox, "bridge0.100");
    const other = sandbox.pod("b");
    add(sandbox, config, { netns: other, containerId: "b" });
    equal(link(sandbox, "bridge0.100").ifindex, ifindex);
    ok(pings(sandbox, "10.1.2.2", other));
    succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
    equal(link(sandbox, "eth0", netns), undefined);
  });

  it("leaves a gateway that it can take over", () => {
    using sandbox = Sandbox.create();
    add(sandbox, config, { netns: sandbox.pod("a"), containerId: "a" });
    const { ifindex } = link(sandbox, "bridge0.100");
    const other = sandbox.pod("b");
    add(sandbox, config, { netns: other, containerId: "b", bin: peers });
    equal(link(sandbox, "bridge0.100").ifindex, ifindex);
    ok(pings(sandbox, "10.1.2.2", other));
  });
});

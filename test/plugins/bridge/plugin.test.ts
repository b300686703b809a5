import { deepEqual, equal, ok, throws } from "node:assert/strict";
import type { CniResult } from "../../../core/cni/result.ts";
import { explain } from "../../../core/errors.ts";
import { bridge as plugin } from "../../../plugins/bridge/plugin.ts";
import { FakeNetwork } from "../../core/net/fake-network.ts";
import { useHost } from "../../fake-host.ts";
import { callOf, gcCallOf, netnsPath, PlayedIpam } from "./bridge-call.ts";

const keys = { isGateway: true, ipMasq: true, macspoofchk: true, hairpinMode: true, mtu: 1400 };
const answer = {
  ips: [{ address: "10.1.2.5/24" }, { address: "fd00::5/64" }],
  routes: [{ dst: "0.0.0.0/0" }],
  dns: { nameservers: ["10.1.2.1"] },
};

interface World {
  network: FakeNetwork;
  ipam: PlayedIpam;
  add(more?: Record<string, unknown>): CniResult;
}

function world(withIpam = true): World {
  const network = useHost(new FakeNetwork());
  network.container(netnsPath);
  const ipam = new PlayedIpam(withIpam ? answer : undefined);
  return { network, ipam, add: (more = {}) => plugin.add(callOf({ ...keys, ...more }, ipam)) };
}

/** Everything that an attachment may leave. */
function leftovers({ network }: World) {
  const { home, containers } = network;
  return {
    links: [...home.links.values()].map(({ ifname }) => ifname),
    inside: [...(containers.get(netnsPath)?.links.values() ?? [])].map(({ ifname }) => ifname),
    elements: [...home.elements].filter(([, owner]) => owner.includes("/")),
    files: network.list("/run/netloom").filter((path) => path.includes("c1")),
    open: network.openDescriptors,
  };
}
const because = (wanted: RegExp) => (error: unknown) => wanted.test(explain(error));
const nothing = { links: ["lo"], inside: ["lo"], elements: [], files: [], open: 0 };

describe("bridge.add", () => {
  it("makes bridge, pair, addresses, routes, rules and record", () => {
    const here = world();
    const { interfaces = [], ips, routes, dns } = here.add();
    const { home, containers } = here.network;
    const port = home.link(interfaces[1]?.name ?? "");
    const eth0 = containers.get(netnsPath)?.link("eth0");
    deepEqual(
      interfaces.map(({ name }) => name),
      ["br0", port?.ifname, "eth0"],
    );
    deepEqual(
      interfaces.map(({ mtu }) => mtu),
      [1400, 1400, 1400],
    );
    equal(interfaces[2]?.sandbox, netnsPath);
    deepEqual(
      ips?.map(({ interface: index, gateway }) => [index, gateway]),
      [
        [2, "10.1.2.1"],
        [2, "fd00::1"],
      ],
    );
    deepEqual([routes, dns], [answer.routes, answer.dns]);
    equal(port?.ifalias, "net/c1:eth0");
    equal(port?.master, home.link("br0")?.ifindex);
    deepEqual(port?.linkInfo?.slaveData, { mode: 1, isolated: 0 });
    equal((eth0?.flags ?? 0) & 1, 1);
    equal(containers.get(netnsPath)?.addresses.length, 2);
    equal(containers.get(netnsPath)?.routes.length, 1);
    equal(home.addresses.length, 2);
    equal(here.network.text("/proc/sys/net/ipv4/ip_forward")?.trim(), "1");
    equal([...home.elements].filter(([, owner]) => owner === "net/c1:eth0").length, 4);
    ok(here.network.text("/run/netloom/net/c1:eth0/bridge.json"));
    deepEqual(here.ipam.log, ["ADD"]);
    equal(here.network.openDescriptors, 0);
  });

  it("asks IPAM only when the configuration is valid and the name is free", () => {
    const here = world();
    throws(() => here.add({ promiscMode: true }), { code: 7 });
    throws(() => here.add({ runtimeConfig: { mac: "01:00:00:00:00:01" } }), { code: 7 });
    deepEqual(here.ipam.log, []);
    here.network.containers.get(netnsPath)?.addLink({ ifname: "eth0" });
    throws(() => here.add(), because(/already exists/));
    deepEqual(here.ipam.log, [], "the address of the attachment that exists stays");
  });

  it("undoes everything whichever request of the kernel fails", () => {
    const whole = world();
    whole.add();
    const count = whole.network.requests;
    ok(count > 20, String(count));
    for (let nth = 1; nth <= count; nth++) {
      const here = world();
      here.network.refuses = (at) => (at === nth ? 12 : undefined);
      throws(() => here.add(), because(/ENOMEM/), `request ${nth}`);
      deepEqual(leftovers(here), nothing, `request ${nth}`);
      ok(["", "ADD,DEL"].includes(String(here.ipam.log)), `request ${nth}: ${here.ipam.log}`);
    }
  });

  it("does not call IPAM DEL for an IPAM ADD that failed: that is done already", () => {
    const here = world();
    here.ipam.failing = "ADD";
    throws(() => here.add(), because(/IPAM ADD fails/));
    deepEqual([here.ipam.log, leftovers(here)], [["ADD"], nothing]);
  });

  it("DELEG-014: tells the first error when IPAM DEL fails too", () => {
    const here = world();
    here.ipam.failing = "DEL";
    here.network.failOn("linkat", "ENOSPC");
    throws(() => here.add(), because(/ENOSPC/));
    deepEqual([here.ipam.log, leftovers(here)], [["ADD", "DEL"], nothing]);
    ok(here.network.stderr.includes("IPAM DEL fails"));
  });

  it("leaves a bridge that others use", () => {
    const here = world();
    here.network.refuses = (_, type) => {
      if (type !== "20") return undefined;
      const { home } = here.network;
      if (!home.link("other")) home.addLink({ ifname: "other", master: home.link("br0")?.ifindex });
      return 12;
    };
    throws(() => here.add(), because(/ENOMEM/));
    deepEqual(leftovers(here).links, ["lo", "br0", "other"]);
  });

  it("without IPAM sends nothing to nf_tables", () => {
    const here = world(false);
    here.add({ macspoofchk: false });
    equal(here.network.home.elements.size, 0);
  });

  it("puts the port into its VLANs and takes the default one away", () => {
    const here = world(false);
    here.network.home.addLink({
      ifname: "br0",
      address: new Uint8Array([2, 0, 0, 0, 0, 1]),
      flags: 1,
    }).linkInfo = {
      kind: "bridge",
      data: { vlanFiltering: 1, vlanDefaultPvid: 1 },
    };
    const { interfaces = [] } = here.add({ vlan: 100, vlanTrunk: [{ minID: 200, maxID: 202 }] });
    const port = here.network.home.link(interfaces[1]?.name ?? "");
    deepEqual(
      port?.vlans?.map(({ afSpec }) => afSpec),
      [
        {
          flags: 1,
          vlanInfo: [
            { flags: 6, vid: 100 },
            { flags: 8, vid: 200 },
            { flags: 16, vid: 202 },
          ],
        },
      ],
    );
  });

  it("turns VLAN filtering on for a bridge that has it off, and says so", () => {
    const here = world(false);
    const there = here.network.home.addLink({
      ifname: "br0",
      address: new Uint8Array([2, 0, 0, 0, 0, 1]),
    });
    there.linkInfo = { kind: "bridge", data: { vlanFiltering: 0 } };
    here.add({ vlan: 5, preserveDefaultVlan: true });
    deepEqual(there.linkInfo, { kind: "bridge", data: { vlanFiltering: 1 } });
    ok(here.network.stderr.includes('VLAN filtering on for bridge "br0"'));
  });

  it("U-016: gives the gateway's address in a VLAN to a link of its own", () => {
    const here = world();
    const result = here.add({ vlan: 100 });
    const { home } = here.network;
    deepEqual(
      result.interfaces?.map(({ name }) => name).filter((name) => !name.startsWith("veth")),
      ["br0", "eth0", "br0.100"],
    );
    const gateway = home.link("br0.100");
    deepEqual(new Set(home.addresses.map(({ ifindex }) => ifindex)), new Set([gateway?.ifindex]));
    const inVlan = [...home.links.values()].filter(({ vlans }) => vlans !== undefined);
    equal(inVlan.length, 2);
    equal(home.links.size, 5);
  });

  it("completes a VLAN's gateway that was left half made, and takes one that is whole as it is", () => {
    const here = world();
    const { home } = here.network;
    here.add({ vlan: 100 });
    const gateway = home.link("br0.100");
    for (const [flags, times] of [
      [0, 2],
      [1, 2],
    ] as const) {
      plugin.del(callOf({ ...keys, vlan: 100 }, here.ipam));
      gateway!.flags = flags;
      here.add({ vlan: 100 });
      deepEqual([gateway?.flags, gateway?.peer?.link.vlans?.length], [1, times]);
    }
  });
});

describe("bridge.del", () => {
  it("removes everything but the bridge, twice, with and without the namespace", () => {
    for (const netnsGone of [false, true]) {
      const here = world();
      here.add();
      for (let round = 0; round < 2; round++) {
        plugin.del(callOf(keys, here.ipam, { netnsGone }));
        deepEqual(leftovers(here), { ...nothing, links: ["lo", "br0"] });
      }
      deepEqual(here.ipam.log, ["ADD", "DEL", "DEL"]);
    }
  });

  it("takes every step even when one fails, keeps the record then, and completes the next time", () => {
    const here = world();
    here.add();
    here.network.refuses = (_, type) => (type === "17" ? 12 : undefined);
    throws(() => plugin.del(callOf(keys, here.ipam)), because(/ENOMEM/));
    deepEqual(leftovers(here).elements, []);
    equal(leftovers(here).files.length > 0, true);
    deepEqual(here.ipam.log, ["ADD", "DEL"]);
    here.network.refuses = () => undefined;
    plugin.del(callOf(keys, here.ipam));
    deepEqual(leftovers(here), { ...nothing, links: ["lo", "br0"] });
  });

  it("sends the deletes to nf_tables before it deletes the link", () => {
    const here = world();
    here.add();
    const types: string[] = [];
    here.network.refuses = (_, type) => void types.push(type);
    plugin.del(callOf(keys, here.ipam));
    ok(types.indexOf("nft 14") >= 0 && types.indexOf("nft 14") < types.indexOf("17"));
  });
});

describe("bridge with an IPAM that needs the link", () => {
  /** A world with an attachment, and which of the kernel's requests come before and behind that call of IPAM. */
  function watched(verb: string) {
    const here = world();
    here.ipam.needsLink = true;
    const asked: { before: string[]; behind: string[] } = { before: [], behind: [] };
    here.network.refuses = (_, type) =>
      void asked[here.ipam.log.includes(verb) ? "behind" : "before"].push(type);
    return { here, asked };
  }
  const rule = "nft 14";
  const link = "17";

  it("has it give back on DEL and GC when the rules have gone and the link has not", () => {
    for (const [verb, run] of [
      ["DEL", (here: World) => plugin.del(callOf(keys, here.ipam))],
      ["GC", (here: World) => plugin.gc(gcCallOf(here.ipam, ["other"]))],
    ] as const) {
      const { here, asked } = watched(verb);
      here.add();
      run(here);
      ok(asked.before.includes(rule) && !asked.before.includes(link));
      ok(asked.behind.includes(link));
      deepEqual(here.ipam.log, ["ADD", verb]);
      deepEqual(leftovers(here), { ...nothing, links: ["lo", "br0"] });
    }
  });

  it("has it give back before a failing ADD takes the link away", () => {
    const { here, asked } = watched("DEL");
    here.network.failOn("linkat", "ENOSPC");
    throws(() => here.add(), because(/ENOSPC/));
    deepEqual(here.ipam.log, ["ADD", "DEL"]);
    ok(!asked.before.includes(link) && asked.behind.includes(link));
    deepEqual(leftovers(here), nothing);
  });

  it("removes the rest when that fails, and tells of it", () => {
    for (const verb of ["DEL", "GC"]) {
      const { here } = watched(verb);
      here.add();
      here.ipam.failing = verb;
      const run = () =>
        verb === "DEL"
          ? plugin.del(callOf(keys, here.ipam))
          : plugin.gc(gcCallOf(here.ipam, ["other"]));
      throws(run, because(new RegExp(`IPAM ${verb} fails`)));
      deepEqual(leftovers(here), { ...nothing, links: ["lo", "br0"] });
    }
  });
});

describe("bridge.check", () => {
  it("is content after ADD, and asks IPAM", () => {
    const here = world();
    const prevResult = here.add();
    plugin.check(callOf(keys, here.ipam, { prevResult }));
    deepEqual(here.ipam.log, ["ADD", "CHECK"]);
    equal(here.network.openDescriptors, 0);
  });

  it("wants prevResult", () => {
    const here = world();
    here.add();
    throws(() => plugin.check(callOf(keys, here.ipam)), {
      code: 7,
      message: "Required prevResult missing",
    });
  });

  it("names the VLAN that is missing", () => {
    const here = world(false);
    const bridge = here.network.home.addLink({
      ifname: "br0",
      address: new Uint8Array([2, 0, 0, 0, 0, 1]),
    });
    bridge.linkInfo = { kind: "bridge", data: { vlanFiltering: 1 } };
    const prevResult = here.add({ vlan: 100 });
    const call = callOf({ ...keys, vlan: 100 }, here.ipam, { prevResult });
    const port = here.network.home.link(prevResult.interfaces?.[1]?.name ?? "")!;
    port.linkInfo = { kind: "veth", slaveKind: "bridge", slaveData: { mode: 1, isolated: 0 } };
    plugin.check(call);
    port.vlans = [];
    throws(() => plugin.check(call), /not in VLAN 100 pvid untagged/);
  });
});

describe("bridge.gc", () => {
  it("removes what is stale, lets IPAM do the same, and does nothing the second time", () => {
    const here = world();
    here.add();
    plugin.gc(gcCallOf(here.ipam, undefined));
    equal(leftovers(here).links.length, 3);
    for (let round = 0; round < 2; round++) {
      plugin.gc(gcCallOf(here.ipam, ["other"]));
      deepEqual(leftovers(here).links, ["lo", "br0"]);
      deepEqual(leftovers(here).files, []);
    }
    deepEqual(here.ipam.log, ["ADD", "GC", "GC", "GC"]);
  });

  it("removes the folder that a DEL killed behind the record has left", () => {
    const here = world();
    here.network.putDirectory("/run/netloom/net/c1:eth0");
    plugin.gc(gcCallOf(here.ipam, ["other"]));
    throws(() => here.network.lstat("/run/netloom/net"), /ENOENT/);
  });

  it("SPEC-086: goes on past a failure and reports it", () => {
    const here = world();
    here.add();
    here.ipam.failing = "GC";
    here.network.failOn("unlink", "EROFS", /bridge\.json/);
    throws(() => plugin.gc(gcCallOf(here.ipam, [])), because(/EROFS/));
    deepEqual(leftovers(here).links, ["lo", "br0"]);
  });
});

describe("bridge.status", () => {
  const status = (here: World) => plugin.status(callOf(keys, here.ipam));

  it("is ready when the kernel can make bridges and IPAM is ready", () => {
    const here = world();
    status(here);
    deepEqual([here.ipam.log, leftovers(here)], [["STATUS"], nothing]);
  });

  it("has code 50 when the kernel has no bridges, or the link is none", () => {
    const here = world();
    here.network.refuses = (_, type) => (type === "16" ? 95 : undefined);
    throws(() => status(here), { code: 50, message: "cannot make a bridge" });
    here.network.home.addLink({ ifname: "br0" });
    throws(() => status(here), { code: 50, message: '"br0" already exists but is not a bridge' });
  });
});

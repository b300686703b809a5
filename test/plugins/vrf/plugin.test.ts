import { deepEqual, equal, match } from "node:assert/strict";

import { explain } from "../../../core/errors.ts";
import { formatCidr, network, parseCidr, parseIp } from "../../../core/net/address.ts";
import { Netns } from "../../../core/net/netns.ts";
import { freeTable } from "../../../plugins/vrf/device.ts";
import { vrf } from "../../../plugins/vrf/plugin.ts";
import { FakeNetwork } from "../../core/net/fake-network.ts";
import { useHost } from "../../fake-host.ts";

const netns = "/run/netns/t1";
const MAIN = 254;
const [AF_INET, AF_INET6] = [2, 10];
const EPERM = 1;
const RTM_NEWLINK = "16";

interface World {
  keys?: object;
  refuses?: FakeNetwork["refuses"];
}

function familyOf(address: Uint8Array): number {
  return address.length === 4 ? AF_INET : AF_INET6;
}

/** A container whose link has an address of each family, and a route by a gateway in each. */
function container(fake: FakeNetwork) {
  const inside = fake.container(netns);
  const { ifindex } = inside.addLink({ ifname: "eth0", flags: 1 });
  for (const text of ["10.0.0.2/24", "fd00::2/64"]) {
    const { address, length } = parseCidr(text);
    const family = familyOf(address);
    inside.addresses.push({ family, prefixLength: length, ifindex, address });
  }
  for (const [text, gw] of [
    ["10.9.0.0/16", "10.0.0.1"],
    ["fd09::/64", "fd00::1"],
  ] as const) {
    const { address: dst, length: dstLength } = network(parseCidr(text));
    const route = { family: familyOf(dst), dst, dstLength, type: 1, protocol: 3 };
    inside.routes.push({ ...route, headerTable: MAIN, gateway: parseIp(gw), oif: ifindex });
  }
  return inside;
}

type Verb = "add" | "del" | "check" | "status";

/** One call. @returns why it failed, and how many requests it took */
function call(fake: FakeNetwork, verb: Verb, { keys = {}, refuses }: World = {}) {
  fake.refuses = refuses ?? (() => undefined);
  fake.requests = 0;
  const ask = {
    config: { name: "n", vrfname: "red", ...keys },
    network: "n",
    ifName: "eth0",
    netnsPath: netns,
    attachment: { network: "n", containerId: "c1", ifname: "eth0" },
    prevResult: { ips: [{ address: "10.0.0.2/24" }] },
    warn: () => {},
    openNetns: () => Netns.open(netns),
    openNetnsIfPresent: () => Netns.openIfPresent(netns),
  };
  let failure: string | undefined;
  try {
    vrf[verb](ask as never);
  } catch (error) {
    failure = explain(error);
  }
  return { failure, requests: fake.requests };
}

/** What the container looks like: master and table, addresses, routes; and how many records there are. */
function stateOf(fake: FakeNetwork) {
  const inside = fake.containers.get(netns)!;
  const master = inside.links.get(inside.link("eth0")?.master ?? 0);
  const data = master?.linkInfo?.data as { table?: number } | undefined;
  return {
    master: master && `${master.ifname} ${data?.table}`,
    links: inside.links.size,
    addresses: inside.addresses.map(({ address, prefixLength = 0 }) =>
      formatCidr({ address: address!, length: prefixLength }),
    ),
    routes: inside.routes
      .filter(({ type }) => type === 1)
      .map(({ dst, dstLength = 0, headerTable }) =>
        [formatCidr({ address: dst!, length: dstLength }), headerTable].join(" "),
      ),
    records: fake.list().filter((path) => path.endsWith("vrf.json")).length,
    open: fake.openDescriptors,
  };
}

function newNetwork(prepare?: (fake: FakeNetwork) => void): FakeNetwork {
  const fake = useHost(new FakeNetwork());
  container(fake);
  prepare?.(fake);
  return fake;
}

const attached = {
  master: "red 1",
  links: 3,
  addresses: ["10.0.0.2/24", "fd00::2/64"],
  routes: ["10.9.0.0/16 1", "fd09::/64 1"],
  records: 1,
  open: 0,
};

describe("vrf ADD", () => {
  it("makes the VRF, and addresses and routes come along", () => {
    const fake = newNetwork();
    equal(call(fake, "add").failure, undefined);
    deepEqual(stateOf(fake), attached);
  });

  it("leaves nothing when any of its requests is refused", () => {
    const { requests } = call(newNetwork(), "add");
    const before = stateOf(newNetwork());
    for (let count = 1; count <= requests; count++) {
      const fake = newNetwork();
      const { failure } = call(fake, "add", {
        refuses: (each) => (each === count ? EPERM : undefined),
      });
      match(failure ?? "", /EPERM/, `request ${count}`);
      deepEqual(stateOf(fake), before, `request ${count}: ${failure}`);
    }
  });

  it("leaves a VRF that was there, also when it fails", () => {
    const prepare = (fake: FakeNetwork) => {
      const linkInfo = { kind: "vrf", data: { table: 77 } };
      fake.containers.get(netns)?.addLink({ ifname: "red", flags: 1, linkInfo });
    };
    const fake = newNetwork(prepare);
    const before = stateOf(fake);
    const refuses: FakeNetwork["refuses"] = (_, type) => (type === "24" ? EPERM : undefined);
    const { failure = "" } = call(fake, "add", { refuses });
    match(failure, /could not add route '10\.9\.0\.0\/16 via 10\.0\.0\.1 table 77'/);
    deepEqual([stateOf(fake).links, stateOf(fake).master], [before.links, undefined]);
    deepEqual(stateOf(fake).addresses, before.addresses);
  });
});

describe("vrf DEL", () => {
  it("takes the link out with all that it has, and succeeds again", () => {
    const fake = newNetwork();
    const before = stateOf(fake);
    call(fake, "add");
    for (const _ of "12") {
      equal(call(fake, "del").failure, undefined);
      deepEqual(stateOf(fake), before);
    }
  });

  it("is done by another DEL when a request was refused", () => {
    const probe = newNetwork();
    const before = stateOf(probe);
    call(probe, "add");
    const { requests } = call(probe, "del");
    for (let count = 1; count <= requests; count++) {
      const fake = newNetwork();
      call(fake, "add");
      call(fake, "del", { refuses: (each) => (each === count ? EPERM : undefined) });
      equal(call(fake, "del").failure, undefined);
      const { master, links, records } = stateOf(fake);
      deepEqual([master, links, records], [undefined, before.links, 0], `request ${count}`);
    }
  });

  it("leaves a link in another master alone", () => {
    const fake = newNetwork();
    call(fake, "add");
    const inside = fake.containers.get(netns)!;
    const { ifindex } = inside.addLink({ ifname: "br0", linkInfo: { kind: "bridge" } });
    inside.link("eth0")!.master = ifindex;
    equal(call(fake, "del").failure, undefined);
    deepEqual([inside.link("eth0")?.master, inside.link("red")], [ifindex, undefined]);
  });
});

describe("vrf CHECK and STATUS", () => {
  it("names a table that is another, and a VRF that the kernel cannot make", () => {
    const fake = newNetwork();
    call(fake, "add", { keys: { table: 5 } });
    equal(call(fake, "check", { keys: { table: 5 } }).failure, undefined);
    const { failure = "" } = call(fake, "check", { keys: { table: 6 } });
    match(failure, /^VRF red already exist with different routing table 5/);
    const EOPNOTSUPP = 95;
    const refuses: FakeNetwork["refuses"] = (_, type) =>
      type === RTM_NEWLINK ? EOPNOTSUPP : undefined;
    match(call(newNetwork(), "status", { refuses }).failure ?? "", /^cannot make a vrf/);
  });
});

describe("freeTable", () => {
  const links = (...tables: (number | undefined)[]) =>
    tables.map((table, at) => ({
      ifindex: at + 1,
      ifname: `l${at}`,
      isUp: true,
      master: 0,
      table,
    }));

  it("finds the smallest from 1 on that no VRF has", () => {
    equal(freeTable([]), 1);
    equal(freeTable(links(undefined, 1, 2, 3)), 4);
    equal(freeTable(links(1, 2, 4)), 3);
    equal(freeTable(links(2, 999)), 1);
    equal(freeTable(links(...Array.from({ length: 999 }, (_, at) => at + 1))), 1000);
  });

  it("steps over those of every namespace", () => {
    equal(freeTable(links(...Array.from({ length: 252 }, (_, at) => at + 1))), 256);
  });
});

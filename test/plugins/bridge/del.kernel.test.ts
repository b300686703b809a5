/**
 * DEL of the built program: what is left, whatever has happened before. Numbers are those of the conformance checklist.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import {
  add,
  addresses,
  type Config,
  layer2,
  layer3,
  link,
  pings,
  refused,
  succeed,
} from "./network.ts";

const config = layer3(["10.1.2.0/24", "fd00::/64"], { ipMasq: true, macspoofchk: true });

/** Links with the mark of an attachment, elements of its own, its records and reservations. */
function leftOf(sandbox: Sandbox, containerId = "c1"): string[] {
  const mark = `/${containerId}:`;
  const links = sandbox.ipJson("-d link").filter(({ ifalias = "" }) => ifalias.includes(mark));
  const rules = JSON.stringify(sandbox.nftJson()).includes(mark) ? ["nft"] : [];
  const files = sandbox.run(["grep", "-rlE", `^${containerId}\\b`, "/var/lib/cni"]).stdout;
  const records = sandbox.run(["find", "/run/netloom", "-path", `*/${containerId}:*`]).stdout;
  const found = [...files.split("\n"), ...records.split("\n")].filter((path) => path !== "");
  return [
    ...links.map(({ ifname }) => ifname),
    ...rules,
    ...found.filter((path) => !path.endsWith("-ledger")),
  ];
}

describeKernel("bridge DEL", () => {
  it("SPEC-050, SPEC-051, U-005: removes everything but the bridge, thrice", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    equal(leftOf(sandbox).length, 6); // link, rules, record and its folder, a reservation of each family
    for (let round = 0; round < 3; round++) {
      equal(succeed(sandbox, { command: "DEL", config, netns }).stdout, "");
      deepEqual(leftOf(sandbox), []);
    }
    equal(link(sandbox, "eth0", netns), undefined);
    ok(link(sandbox, "bridge0"));
  });

  it("U-024: succeeds for what was never added, and leaves nothing", () => {
    using sandbox = Sandbox.create();
    const before = sandbox.snapshot();
    for (const cniVersion of ["0.1.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"]) {
      succeed(sandbox, {
        command: "DEL",
        config: { ...config, cniVersion },
        netns: sandbox.pod("a"),
      });
      sandbox.deletePod("a");
    }
    const { links, nft } = sandbox.snapshot();
    deepEqual({ links, nft }, { links: before.links, nft: before.nft });
  });

  const broken = [
    "x",
    [],
    {},
    null,
    { cniVersion: "9.9.9" },
    { interfaces: [null] },
    { ips: [{ address: "bad" }] },
  ];
  for (const prevResult of broken) {
    it(`SPEC-052, SPEC-053: works with a prevResult of ${JSON.stringify(prevResult)}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      add(sandbox, config, { netns });
      succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
      deepEqual(leftOf(sandbox), []);
    });
  }

  for (const netns of ["/run/netns/a", "", null]) {
    it(`SPEC-054, ROB-029: works when the namespace is gone and CNI_NETNS is ${JSON.stringify(netns)}`, () => {
      using sandbox = Sandbox.create();
      add(sandbox, config, { netns: sandbox.pod("a") });
      sandbox.deletePod("a");
      succeed(sandbox, { command: "DEL", config, netns });
      deepEqual(leftOf(sandbox), []);
    });
  }

  it("SPEC-054: removes rules and reservation when the link is gone already", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    sandbox.ok(["ip", "link", "del", "eth0"], { netns });
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(leftOf(sandbox), []);
  });

  it("SPEC-056: a regular file at CNI_NETNS counts as gone", () => {
    using sandbox = Sandbox.create();
    add(sandbox, config, { netns: sandbox.pod("a") });
    writeFileSync(sandbox.path("/run/file"), "");
    succeed(sandbox, { command: "DEL", config, netns: "/run/file" });
    deepEqual(leftOf(sandbox), []);
  });

  it("SPEC-057: finds a container's end that was renamed, and a bridge that is gone", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    sandbox.ok(["ip", "link", "set", "eth0", "down"], { netns });
    sandbox.ok(["ip", "link", "set", "eth0", "name", "foo"], { netns });
    sandbox.ok(["ip", "link", "del", "bridge0"]);
    sandbox.ok(["nft", "flush", "ruleset"]);
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(leftOf(sandbox), []);
    equal(link(sandbox, "foo", netns), undefined);
  });

  const changes: [string, Config][] = [
    ["a bad MTU", { mtu: "big" }],
    ["a bad VLAN", { vlan: 5000 }],
    ["another bridge, without masquerade", { bridge: "other0", ipMasq: false, macspoofchk: false }],
    ["another back end", { ipMasqBackend: "iptables" }],
    ["keys that contradict each other", { hairpinMode: true, promiscMode: true }],
    ["a runtimeConfig that cannot be used", { runtimeConfig: { mac: 5 } }],
  ];
  for (const [what, keys] of changes) {
    it(`SPEC-058, SPEC-100: works with a configuration that has now ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      add(sandbox, config, { netns });
      succeed(sandbox, { command: "DEL", config: { ...config, ...keys }, netns });
      deepEqual(leftOf(sandbox), []);
    });
  }

  it("SPEC-059: leaves a link alone that was there before a refused ADD", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    sandbox.ok(["ip", "link", "add", "eth0", "address", "02:00:00:00:00:77", "type", "veth"], {
      netns,
    });
    refused(sandbox, { command: "ADD", config, netns });
    succeed(sandbox, { command: "DEL", config, netns });
    equal(link(sandbox, "eth0", netns).address, "02:00:00:00:00:77");
    succeed(sandbox, { command: "DEL", config, netns, ifName: "lo" });
  });

  it("ROB-030: leaves the eth0 of a stranger alone who has got the path", () => {
    using sandbox = Sandbox.create();
    add(sandbox, config, { netns: sandbox.pod("a") });
    sandbox.deletePod("a");
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns, containerId: "stranger" });
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(leftOf(sandbox), []);
    ok(pings(sandbox, "10.1.2.1", netns));
  });

  it("SPEC-060: leaves a neighbour's part as it is, byte for byte", () => {
    using sandbox = Sandbox.create();
    const other = sandbox.pod("b");
    add(sandbox, config, { netns: other, containerId: "b" });
    const before = sandbox.snapshot();
    const netns = sandbox.pod("a");
    const prevResult = add(sandbox, config, { netns });
    succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
    const files = ({ files }: { files: string[] }) =>
      files.filter((row) => !/last_reserved|ledger/.test(row));
    const after = sandbox.snapshot();
    deepEqual({ ...after, files: files(after) }, { ...before, files: files(before) });
    ok(pings(sandbox, "10.1.2.1", other));
  });

  it("SPEC-060: a late DEL leaves the rules of an address alone that somebody else has now", () => {
    using sandbox = Sandbox.create();
    const prevResult = add(sandbox, config, { netns: sandbox.pod("a") });
    succeed(sandbox, { command: "DEL", config, netns: "/run/netns/a" });
    const ips = { runtimeConfig: { ips: ["10.1.2.2", "fd00::2"] } };
    add(sandbox, { ...config, ...ips }, { netns: sandbox.pod("b"), containerId: "b" });
    const before = sandbox.snapshot();
    succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns: "/run/netns/a" });
    deepEqual(sandbox.snapshot().nft, before.nft);
  });

  const damages: [string, string | undefined][] = [
    ["gone", undefined],
    ["empty", ""],
    ["cut short", '{"network":"net","contai'],
    ["another's", '{"network":"net","containerId":"zz","ifname":"eth0","value":{}}'],
    [
      "of another form",
      '{"network":"net","containerId":"c1","ifname":"eth0","value":{"bridge":1}}',
    ],
  ];
  for (const [what, text] of damages) {
    it(`works from the kernel alone when the record is ${what}`, () => {
      using sandbox = Sandbox.create();
      const netns = sandbox.pod("a");
      add(sandbox, config, { netns });
      const path = "/run/netloom/net/c1:eth0/bridge.json";
      if (text === undefined) rmSync(sandbox.path(path));
      else writeFileSync(sandbox.path(path), text);
      const { stderr } = succeed(sandbox, { command: "DEL", config, netns });
      deepEqual(leftOf(sandbox), []);
      if (text !== undefined) ok(stderr.includes(path), stderr);
    });
  }

  it("removes the link of an attachment that the reference's bridge has made, and no other", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    sandbox.ok(["ip", "link", "add", "bridge0", "type", "bridge"]);
    sandbox.ok([
      "ip",
      "link",
      "add",
      "vethaaaa",
      "type",
      "veth",
      "peer",
      "name",
      "eth0",
      "netns",
      "a",
    ]);
    succeed(sandbox, { command: "DEL", config, netns });
    ok(link(sandbox, "eth0", netns), "a link that is no port of the bridge");
    sandbox.ok(["ip", "link", "set", "vethaaaa", "master", "bridge0"]);
    succeed(sandbox, { command: "DEL", config, netns });
    equal(link(sandbox, "eth0", netns), undefined);
  });

  it("DELEG-021, DELEG-023: cleans up when IPAM cannot be executed, and says so", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, config, { netns });
    const error = refused(sandbox, {
      command: "DEL",
      config: { ...config, ipam: { type: "gone" } },
      netns,
    });
    match(error.msg, /gone/);
    equal(link(sandbox, "eth0", netns), undefined);
    ok(!JSON.stringify(sandbox.nftJson()).includes("/c1:"));
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(leftOf(sandbox), []);
  });

  it("SPEC-010: works without IPAM", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    add(sandbox, layer2(), { netns });
    succeed(sandbox, { command: "DEL", config: layer2(), netns });
    deepEqual(leftOf(sandbox), []);
  });

  it("a state directory that cannot be written hinders nothing but the record", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    mkdirSync(sandbox.path("/run/netloom"), { recursive: true });
    add(sandbox, config, { netns });
    sandbox.ok(["mount", "--bind", "/run/netloom", "/run/netloom"]);
    sandbox.ok(["mount", "-o", "remount,ro,bind", "/run/netloom"]);
    refused(sandbox, { command: "DEL", config, netns });
    equal(link(sandbox, "eth0", netns), undefined);
    deepEqual(addresses(sandbox, "bridge0").length, 2);
    sandbox.ok(["umount", "/run/netloom"]);
    succeed(sandbox, { command: "DEL", config, netns });
    deepEqual(leftOf(sandbox), []);
  });
});

/** The daemon and the servers that many LANs have: what they say to each other, and what the pod notices of it. */
import { deepEqual, doesNotMatch, equal, match, notEqual, ok } from "node:assert/strict";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";
import type { RunningServer } from "./server-process.ts";
import { dhcpd, kea, type ServerKind, secondMachine } from "./servers.ts";

/** Runs a scenario with both servers at once, each in a world of its own. */
async function withEach(
  scenario: (lan: Lan, kind: ServerKind, other: ServerKind) => Promise<void>,
): Promise<void> {
  const pairs = [
    [kea, dhcpd],
    [dhcpd, kea],
  ] as const;
  const outcomes = await Promise.allSettled(
    pairs.map(async ([kind, other]) => {
      using lan = new Lan();
      try {
        await scenario(lan, kind, other);
      } catch (cause) {
        throw new Error(`with ${kind.name}: ${cause}\n${lan.log}`, { cause });
      }
    }),
  );
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** Looks at a link all the time. @returns what became of it */
function watchLink(lan: Lan, pod: string): () => string {
  const monitor = lan.sandbox.start(["ip", "monitor", "link"], { netns: `/run/netns/${pod}` });
  return () => monitor.output();
}

function heard(server: RunningServer, kind: ServerKind, type: string): Promise<boolean> {
  const pattern = kind.heard(type);
  return until(`${kind.name}'s ${type}`, () => pattern.test(server.log()), server.log);
}

const allOptions = {
  type: "dhcp",
  request: [
    { option: "domain-name-servers" },
    { option: "domain-name" },
    { option: "domain-search" },
    { option: "classless-static-routes" },
    { option: "interface-mtu" },
  ],
  provide: [
    { option: "host-name", fromArg: "K8S_POD_NAME" },
    { option: "vendor-class-identifier", value: "netloom" },
  ],
};

describeKernel(
  "dhcp-daemon and real servers",
  function () {
    this.timeout(90_000);

    it("exchange everything that a result can carry, and a pod's name and kind", () =>
      withEach(async (lan, kind) => {
        const server = await kind.start(lan.sandbox, { netns: lan.outside, tellsAll: true });
        await lan.daemon();
        lan.sandbox.pod("p1");
        const args = "IgnoreUnknown=1;K8S_POD_NAME=web-7f";
        const config = { ipam: allOptions };
        const { status, json, stdout } = lan.call("ADD", "p1", { args, config });
        equal(status, 0, stdout);
        deepEqual(json.routes, [
          { dst: "198.51.100.0/24", gw: "192.0.2.9" },
          { dst: "0.0.0.0/0", gw: "192.0.2.2" },
        ]);
        deepEqual(json.dns, {
          nameservers: ["192.0.2.53", "192.0.2.54"],
          domain: "seen.test",
          search: ["lan.test", "deep.lan.test"],
        });
        const netns = "/run/netns/p1";
        equal(lan.sandbox.ipJson("link show eth0", netns)[0].mtu, 1400);
        equal(lan.sandbox.ipJson("route show 198.51.100.0/24", netns)[0].gateway, "192.0.2.9");
        await until("the pod's name", () => server.log().includes("web-7f"), server.log);
        equal(lan.call("DEL", "p1", { args, config }).status, 0);
        await heard(server, kind, "DHCPRELEASE");
      }));

    it("renew a lease of seconds while the server comes and goes, on a bridge", () =>
      withEach(async (lan, kind) => {
        const settings = { netns: lan.outside, leaseSeconds: 6, renewSeconds: 1 };
        let server = await kind.start(lan.sandbox, settings);
        await lan.daemon();
        lan.sandbox.ok(["ip", "link", "add", "br0", "type", "bridge"]);
        lan.sandbox.ok(["ip", "link", "set", "uplink", "master", "br0"]);
        const address = lan.add("p1", { config: { type: "bridge", bridge: "br0" } });
        const ping = lan.ping("p1");
        await lan.says(/lease renewed/);
        const folder = await server.stop();
        const renewals = lan.log.split("lease renewed").length;
        server = await kind.start(lan.sandbox, { ...settings, folder });
        await until("a renewal", () => lan.log.split("lease renewed").length > renewals);
        match(await ping.stop(), / 0% packet loss/);
        deepEqual(lan.addresses("p1"), [`${address}/24`]);
        doesNotMatch(lan.log, /lease (lost|changed)/);
      }));

    it("bind again when the server is gone and another has come", () =>
      withEach(async (lan, kind, other) => {
        const settings = { leaseSeconds: 12, renewSeconds: 1, rebindSeconds: 2 };
        const first = await kind.start(lan.sandbox, { netns: lan.outside, ...settings });
        const netns = secondMachine(lan.sandbox);
        await lan.daemon();
        const address = lan.add("p1");
        const ping = lan.ping("p1");
        await first.stop();
        await other.start(lan.sandbox, { netns, address: "192.0.2.3", ...settings });
        await lan.says(/lease (renewed|changed).* server=192\.0\.2\.3 /);
        await lan.says(/(lease \S+ .*server=192\.0\.2\.3 .*){2}/s);
        match(await ping.stop(), / 0% packet loss/);
        deepEqual(lan.addresses("p1"), [`${address}/24`]);
        equal(lan.file("p1").ipv4.lease.serverId, "192.0.2.3");
        doesNotMatch(lan.log, /lease lost/);
      }));

    // both servers say nothing to one who asks for an address that is in no pool
    it("move a pod when the server's pool was changed, with the link up all the time", () =>
      withEach(async (lan, kind) => {
        const settings = { netns: lan.outside, leaseSeconds: 4, renewSeconds: 1 };
        const first = await kind.start(lan.sandbox, settings);
        await lan.daemon();
        const before = lan.add("p1");
        const seen = watchLink(lan, "p1");
        const folder = await first.stop();
        const moved = { folder, pool: ["192.0.2.10", "192.0.2.19"], router: "192.0.2.9" } as const;
        await kind.start(lan.sandbox, { ...settings, ...moved });
        const [, now = ""] = await lan.says(/lease changed: was .*address=(192\.0\.2\.1\d)\/24/);
        notEqual(now, before);
        deepEqual(lan.addresses("p1"), [`${now}/24`]);
        const routes = lan.sandbox.ipJson("route show", "/run/netns/p1");
        deepEqual(
          routes.map(({ dst, gateway, prefsrc }) => [dst, gateway ?? prefsrc]),
          [
            ["default", "192.0.2.9"],
            ["192.0.2.0/24", now],
          ],
        );
        doesNotMatch(seen(), /state (DOWN|LOWERLAYERDOWN)|NO-CARRIER/);
        match(lan.log, /lease lost: no server prolonged it; asks for another/);
        await lan.says(/lease renewed .*address=192\.0\.2\.1\d/);
      }));

    it("move a pod to an address that is kept for it from now on (DHCPNAK)", () =>
      withEach(async (lan, kind) => {
        const settings = { netns: lan.outside, leaseSeconds: 6, renewSeconds: 1 };
        const first = await kind.start(lan.sandbox, settings);
        await lan.daemon();
        lan.add("p1");
        const folder = await first.stop();
        const clientId = Buffer.from("\0p1/lan/eth0").toString("hex");
        const reserved = { clientId, address: "192.0.2.77" };
        const server = await kind.start(lan.sandbox, { ...settings, folder, reserved });
        await lan.says(/lease changed: was .*address=192\.0\.2\.77\/24/);
        deepEqual(lan.addresses("p1"), ["192.0.2.77/24"]);
        await heard(server, kind, "DHCPNAK");
        match(lan.log, /lease lost: the server refused to prolong it/);
      }));

    it("say why there is no address when the pool has none left, and give the one that comes free", () =>
      withEach(async (lan, kind) => {
        const pool = ["192.0.2.5", "192.0.2.5"] as const;
        await kind.start(lan.sandbox, { netns: lan.outside, pool });
        await lan.daemon(["-resendmax", "2s", "-resendtimeout", "2s"]);
        equal(lan.add("p1"), "192.0.2.5");
        lan.sandbox.pod("p2");
        const [outcome] = await lan.sandbox.cniAtOnce([lan.callOf("ADD", "p2")]);
        equal(outcome?.json.msg, "error calling DHCP.Allocate: no more tries");
        match(outcome?.json.details, /saw 0 offers and 0 DHCPNAK; no server answered/);
        equal(lan.call("DEL", "p2").status, 0);
        equal(lan.call("DEL", "p1").status, 0);
        equal(lan.add("p2"), "192.0.2.5");
      }));

    it("know a container again in another namespace, without a discovery (INIT-REBOOT)", () =>
      withEach(async (lan, kind) => {
        const server = await kind.start(lan.sandbox, { netns: lan.outside });
        await lan.daemon();
        const address = lan.add("p1");
        lan.sandbox.deletePod("p1");
        equal(lan.add("p1"), address);
        const times = (type: string) => server.log().split(kind.heard(type)).length - 1;
        await until("the second request", () => times("DHCPREQUEST") === 2, server.log);
        equal(times("DHCPDISCOVER"), 1);
        deepEqual(lan.addresses("p1"), [`${address}/24`]);
      }));

    it("give a container that comes back after a reboot its address, whatever the boot before left", () =>
      withEach(async (lan, kind) => {
        await kind.start(lan.sandbox, { netns: lan.outside });
        await lan.daemon();
        const address = lan.add("p1");
        await lan.signal("SIGKILL");
        lan.sandbox.deletePod("p1");
        const path = "/run/netloom/.dhcp/lan:p1:eth0.json";
        const edit = `s/"bootId":"[^"]*"/"bootId":"another"/`;
        lan.sandbox.ok(["sed", "-i", edit, path]);
        lan.sandbox.ok(["rm", "/run/cni/dhcp.sock"]);
        await lan.daemon();
        await lan.says(/serves leases=0/);
        equal(lan.add("p1"), address);
        ok(lan.file("p1").bootId !== "another");
      }));

    it("serve two networks of one pod, of which one changes and the other stays", async () => {
      using lan = new Lan();
      const settings = { leaseSeconds: 6, renewSeconds: 1 };
      const first = await kea.start(lan.sandbox, { netns: lan.outside, ...settings });
      const other = otherNetwork(lan);
      const second = await dhcpd.start(lan.sandbox, { netns: other, ...settings });
      await lan.daemon();
      const [one, two] = [lan.add("p1"), lan.add("p1", branch)];
      equal(one, two); // two LANs need not know of each other
      await heard(second, dhcpd, "DHCPACK");
      await first.stop();
      await kea.start(lan.sandbox, {
        netns: lan.outside,
        ...settings,
        pool: ["192.0.2.10", "192.0.2.19"],
      });
      const [, now] = await lan.says(/lease changed: .*interface=eth0.*address=([\d.]+)\/24/);
      deepEqual([lan.addresses("p1"), lan.addresses("p1", "eth1")], [[`${now}/24`], [`${two}/24`]]);
      equal(lan.call("DEL", "p1", branch).status, 0);
      deepEqual(lan.files(), ["lan:p1:eth0.json"]);
    });
  },
  dhcpCommands,
);

/** A second LAN with the same addresses as the first, on `branch` of the host. @returns its server's namespace */
function otherNetwork(lan: Lan): string {
  const netns = lan.sandbox.pod("branch-office");
  const pair = ["link", "add", "branch", "type", "veth", "peer", "name", "eth0", "netns", netns];
  lan.sandbox.ok(["ip", ...pair.map((word) => word.replace("/run/netns/", ""))]);
  lan.sandbox.ok(["ip", "link", "set", "branch", "up"]);
  lan.sandbox.ok(["ip", "address", "add", "192.0.2.2/24", "dev", "eth0"], { netns });
  lan.sandbox.ok(["ip", "link", "set", "eth0", "up"], { netns });
  return netns;
}

const branch = { ifName: "eth1", config: { name: "branch", master: "branch" } };

/** The daemon with real servers: leases that are given, renewed, refused, lost, and given back. */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, lanConfig, until } from "./lan.ts";

describeKernel(
  "dhcp-daemon",
  function () {
    this.timeout(60_000);

    it("gives a pod an address, writes it down, and gives it back", async () => {
      using lan = new Lan();
      const server = await lan.serve();
      await lan.daemon();
      const address = lan.add("p1");
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      deepEqual(lan.files(), ["lan:p1:eth0.json"]);
      equal(lan.file("p1").ipv4.lease.address, `${address}/24`);
      equal(
        lan.call("CHECK", "p1", { config: { prevResult: lan.call("ADD", "p1").json } }).status,
        1,
      );
      equal(lan.call("DEL", "p1").status, 0);
      equal(lan.call("DEL", "p1").status, 0);
      deepEqual(lan.files(), []);
      await until("the release", () => server.output().includes(`DHCPRELEASE(eth0) ${address}`));
    });

    it("renews before the lease ends, and the pod notices nothing", async () => {
      using lan = new Lan();
      const server = await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      const address = lan.add("p1");
      const before = lan.file("p1").ipv4.lease.expiresAtMs;
      const ping = lan.ping("p1");
      await lan.says(/lease renewed.*lease renewed/s);
      match(await ping.stop(), / 0% packet loss/);
      ok(lan.file("p1").ipv4.lease.expiresAtMs > before);
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      equal(server.output().match(/DHCPDISCOVER/g)?.length, 1);
    });

    it("renews a lease of a few seconds", async () => {
      using lan = new Lan();
      await lan.serve({ leaseSeconds: 4 });
      await lan.daemon();
      lan.add("p1");
      await lan.says(/lease renewed.*lease renewed/s);
      ok(!lan.log.includes("lease lost"), lan.log);
    });

    it("waits for a server that comes later", async () => {
      using lan = new Lan();
      await lan.daemon();
      lan.sandbox.pod("p1");
      const added = lan.sandbox.cniAtOnce([lan.callOf("ADD", "p1")]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await lan.serve();
      const [outcome] = await added;
      equal(outcome?.status, 0, outcome?.stdout);
    });

    it("goes on asking while the server is down, and is there when it comes back", async () => {
      using lan = new Lan();
      const server = await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      const address = lan.add("p1");
      await server.stop();
      await new Promise((resolve) => setTimeout(resolve, 2500));
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      await lan.serve({ renewAfter: 60 });
      await lan.says(/lease (renewed|changed)/);
      ok(!lan.log.includes("lease lost"), lan.log);
    });

    it("takes another address when the server refuses the one that the pod has", async () => {
      using lan = new Lan();
      const server = await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      const before = lan.add("p1");
      await server.stop();
      await lan.serve({ first: 10, last: 19, more: ["--dhcp-option=3,192.0.2.9"] });
      const [, now] = await lan.says(/lease changed: was \S+ .*address=(192\.0\.2\.1\d)\/24/);
      match(lan.log, /lease lost: the server refused to prolong it/);
      notEqual(now, before);
      deepEqual(lan.addresses("p1"), [`${now}/24`]);
      equal(lan.file("p1").ipv4.lease.address, `${now}/24`);
      const [route] = lan.sandbox.ipJson("route show default", "/run/netns/p1");
      equal(route.gateway, "192.0.2.9");
      equal(
        lan.sandbox.run(["ping", "-c1", "-W1", "192.0.2.2"], { netns: "/run/netns/p1" }).status,
        0,
      );
    });

    it("keeps link and address up when the lease ends, says so, and asks again", async () => {
      using lan = new Lan();
      const server = await lan.serve({ leaseSeconds: 3 });
      await lan.daemon();
      const address = lan.add("p1");
      await server.stop();
      await lan.says(/lease lost: no server prolonged it/);
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      const [link] = lan.sandbox.ipJson("link show eth0", "/run/netns/p1");
      ok(link.flags.includes("UP"));
      await lan.serve({ first: 10, last: 19 });
      const [, now] = await lan.says(/lease changed: was \S+ .*address=(192\.0\.2\.1\d)\/24/);
      deepEqual(lan.addresses("p1"), [`${now}/24`]);
    });

    it("fails in the reference's words when the pool has no address, and can be undone", async () => {
      using lan = new Lan();
      await lan.serve({ first: 5, last: 5 });
      await lan.daemon(["-resendmax", "2s", "--resendtimeout=4s"]);
      equal(lan.add("p1"), "192.0.2.5");
      lan.sandbox.pod("p2");
      const { status, json } = lan.call("ADD", "p2");
      deepEqual([status, json.msg], [1, "error calling DHCP.Allocate: no more tries"]);
      match(json.details, /sent \d+ DHCPDISCOVER .* saw 0 offers/);
      equal(lan.call("DEL", "p2").status, 0);
      deepEqual(lan.files(), ["lan:p1:eth0.json"]);
    });

    it("does not take an address that somebody else has", async () => {
      using lan = new Lan();
      const server = await lan.serve({ first: 5, last: 6 });
      const other = { netns: lan.sandbox.pod("other") };
      const made = "link add eth0 netns other link uplink type macvlan mode bridge";
      lan.sandbox.ok(["ip", ...made.split(" ")]);
      lan.sandbox.ok(["ip", "address", "add", "192.0.2.6/24", "dev", "eth0"], other);
      lan.sandbox.ok(["ip", "link", "set", "eth0", "up"], other);
      await lan.daemon(["-resendtimeout", "6s"]);
      const outcomes = ["p1", "p2"].map((pod) => {
        lan.sandbox.pod(pod);
        return lan.call("ADD", pod).json;
      });
      const addresses = outcomes.flatMap(({ ips }) => (ips === undefined ? [] : [ips[0].address]));
      deepEqual(addresses, ["192.0.2.5/24"]);
      await until("the refusal", () => server.output().includes("DHCPDECLINE(eth0) 192.0.2.6"));
      await lan.says(/declines 192\.0\.2\.6\/24: somebody else has the address/);
    });

    it("serves two networks of one pod, each for itself", async () => {
      using lan = new Lan();
      await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      const other = { ifName: "eth1", config: { name: "lan2" } };
      const addresses = [lan.add("p1"), lan.add("p1", other)];
      equal(new Set(addresses).size, 2);
      deepEqual(lan.files(), ["lan2:p1:eth1.json", "lan:p1:eth0.json"]);
      await lan.says(/lease renewed .*interface=eth0/);
      await lan.says(/lease renewed .*interface=eth1/);
      equal(lan.call("DEL", "p1", other).status, 0);
      deepEqual(lan.files(), ["lan:p1:eth0.json"]);
    });

    it("waits for a link that is made meanwhile, and not long for one that is not", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      const netns = lan.sandbox.pod("p1");
      const config = { ...lanConfig, type: "dhcp" };
      const call = lan.callOf("ADD", "p1", { config, type: "dhcp" });
      const asked = lan.sandbox.cniAtOnce([call]);
      await lan.says(/serves/);
      await new Promise((resolve) => setTimeout(resolve, 200));
      const made = ["link", "add", "eth0", "netns", "p1", "link", "uplink", "type", "macvlan"];
      lan.sandbox.ok(["ip", ...made]);
      const [outcome] = await asked;
      equal(outcome?.status, 0, outcome?.stdout);
      const { json } = lan.call("ADD", "p1", { ifName: "eth7", config, type: "dhcp", netns });
      equal(json.msg, 'error calling DHCP.Allocate: error looking up "eth7": Link not found');
    });

    it("serves twenty pods at once", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      const pods = Array.from({ length: 20 }, (_, index) => `p${index}`);
      for (const pod of pods) lan.sandbox.pod(pod);
      const added = await lan.sandbox.cniAtOnce(pods.map((pod) => lan.callOf("ADD", pod)));
      deepEqual(
        added.map(({ status }) => status),
        pods.map(() => 0),
      );
      equal(new Set(added.map(({ json }) => json.ips[0].address)).size, 20);
      equal(lan.files().length, 20);
      const deleted = await lan.sandbox.cniAtOnce(pods.map((pod) => lan.callOf("DEL", pod)));
      deepEqual(
        deleted.map(({ status }) => status),
        pods.map(() => 0),
      );
      deepEqual(lan.files(), []);
    });
  },
  dhcpCommands,
);

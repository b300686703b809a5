/** DHCP on ipvlan, whose links all have one MAC address: only the client identity tells them apart. */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";
import { dhcpd } from "./servers.ts";
import { dhcpd6 } from "./servers6.ts";

const config = { type: "ipvlan" };

/** IPv6 addresses of a pod's link. */
function sixes(lan: Lan, pod: string): string[] {
  const [link] = lan.sandbox.ipJson("-6 address show dev eth0", `/run/netns/${pod}`);
  const infos = (link?.addr_info ?? []) as { local?: string }[];
  return infos.flatMap(({ local }) => local ?? []);
}

describeKernel(
  "dhcp-daemon on ipvlan",
  () => {
    it("gets each pod an address, renews it, moves it and gives it back, though all have one MAC address", async () => {
      using lan = new Lan();
      const settings = { netns: lan.outside, leaseSeconds: 60, renewSeconds: 3 };
      const first = await dhcpd.start(lan.sandbox, settings);
      await lan.daemon();
      const addresses = ["p1", "p2"].map((pod) => lan.add(pod, { config }));
      equal(new Set(addresses).size, 2);
      const macs = ["p1", "p2"].map(
        (pod) => lan.sandbox.ipJson("link show eth0", `/run/netns/${pod}`)[0].address,
      );
      equal(macs[0], macs[1]);
      await lan.says(/lease renewed container=p1/);
      await lan.says(/lease renewed container=p2/);
      for (const pod of ["p1", "p2"]) {
        lan.sandbox.ok(["ping", "-c1", "-W5", "192.0.2.2"], { netns: `/run/netns/${pod}` });
      }
      equal(lan.call("DEL", "p2", { config }).status, 0);
      await until("the release", () => first.log().includes(`DHCPRELEASE of ${addresses[1]}`));
      const folder = await first.stop();
      const clientId = Buffer.from("\0p1/lan/eth0").toString("hex");
      const reserved = { clientId, address: "192.0.2.77" };
      await dhcpd.start(lan.sandbox, { ...settings, folder, reserved });
      await lan.says(/lease changed: was .*address=192\.0\.2\.77\/24/);
      deepEqual(lan.addresses("p1"), ["192.0.2.77/24"]);
      lan.sandbox.ok(["ping", "-c1", "-W5", "192.0.2.2"], { netns: "/run/netns/p1" });
      match(lan.log, /lease lost: the server refused to prolong it/);
    }).timeout(300_000);

    it("gets each pod a DHCPv6 lease from a link-local address of its own, renews it and gives it back", async () => {
      using lan = new Lan();
      const settings = { netns: lan.outside, leaseSeconds: 300, renewSeconds: 8 };
      await dhcpd.start(lan.sandbox, settings);
      const tentative = () => lan.sandbox.ok(["ip", "-6", "address"], { netns: lan.outside });
      await until("the server's link-local address", () => !tentative().includes("tentative"));
      const server = await dhcpd6.start(lan.sandbox, settings);
      await lan.daemon();
      const both = { config: { ...config, ipam: { type: "dhcp", ipv6: "dhcp" } } };
      const leases = [];
      for (const pod of ["p1", "p2"]) {
        lan.add(pod, both);
        leases.push(sixes(lan, pod).find((each) => each.startsWith("2001:db8::1")));
      }
      equal(new Set(leases).size, 2);
      const linkLocals = ["p1", "p2"].map((pod) =>
        sixes(lan, pod).find((each) => each.startsWith("fe80:")),
      );
      equal(new Set(linkLocals).size, 2);
      await lan.says(/lease renewed container=p1 .*address=2001:db8::1/);
      await lan.says(/lease renewed container=p2 .*address=2001:db8::1/);
      for (const pod of ["p1", "p2"]) equal(lan.call("DEL", pod, both).status, 0);
      const released = () => server.log().split(dhcpd6.heard("Release")).length === 3;
      await until("the releases", released, server.log);
      deepEqual(lan.files(), []);
    }).timeout(300_000);

    it("tells the addresses that the kernel makes of advertisements, which differ though the MAC addresses do not", async () => {
      using lan = new Lan();
      await lan.serve({ more: ["--enable-ra", "--dhcp-range=2001:db8::,ra-stateless,64"] });
      await lan.daemon();
      const both = { config: { ...config, ipam: { type: "dhcp", ipv6: "slaac" } } };
      for (const pod of ["p1", "p2"]) lan.add(pod, both);
      const global = (pod: string) => sixes(lan, pod).filter((each) => each.startsWith("2001:"));
      const all = [...global("p1"), ...global("p2")];
      deepEqual([all.length, new Set(all).size], [2, 2], String(all));
    }).timeout(300_000);
  },
  dhcpCommands,
);

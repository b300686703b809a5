/** DHCP on ipvlan, whose links all have one MAC address: only the client identity tells them apart. */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";
import { dhcpd } from "./servers.ts";

const config = { type: "ipvlan" };

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
  },
  dhcpCommands,
);

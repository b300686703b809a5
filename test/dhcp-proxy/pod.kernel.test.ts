/** What a lease does to a pod, on links of several kinds, and what happens where it cannot be written down. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";

/** A bridge of the host that leads to the server. */
function bridged(lan: Lan): object {
  const script = `ip link add br7 type bridge && ip link set br7 up && ip link set uplink master br7`;
  lan.sandbox.ok(["sh", "-c", script]);
  return { name: "lan", type: "bridge", bridge: "br7", master: undefined };
}

describeKernel(
  "a lease of dhcp-daemon",
  function () {
    this.timeout(60_000);

    it("on a bridge is given back through the bridge, once the link is gone", async () => {
      using lan = new Lan();
      const config = bridged(lan);
      const server = await lan.serve();
      await lan.daemon();
      const address = lan.add("p1", { config });
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      lan.sandbox.ok(["ip", "link", "delete", "eth0"], { netns: "/run/netns/p1" });
      equal(lan.call("DEL", "p1", { config }).status, 0);
      await until("the release", () => server.output().includes(`DHCPRELEASE(eth0) ${address}`));
      deepEqual(lan.files(), []);
    });

    it("gives the link the MTU that was asked for, also another one later", async () => {
      using lan = new Lan();
      const first = await lan.serve({ renewAfter: 3, more: ["--dhcp-option=26,1400"] });
      await lan.daemon();
      const config = { ipam: { type: "dhcp", request: [{ option: "interface-mtu" }] } };
      lan.add("p1", { config });
      const mtu = () => lan.sandbox.ipJson("link show eth0", "/run/netns/p1")[0].mtu;
      await until("the MTU", () => mtu() === 1400);
      await first.stop();
      await lan.serve({ more: ["--dhcp-option=26,1300"] });
      await lan.says(/lease changed/);
      equal(mtu(), 1300);
    });

    it("leaves a link's MTU alone when nobody asked for one", async () => {
      using lan = new Lan();
      await lan.serve({ more: ["--dhcp-option-force=26,1400"] });
      await lan.daemon();
      lan.add("p1");
      equal(lan.sandbox.ipJson("link show eth0", "/run/netns/p1")[0].mtu, 1500);
    });

    it("leaves a route that somebody else has moved where it is now", async () => {
      using lan = new Lan();
      const server = await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      lan.add("p1");
      const netns = "/run/netns/p1";
      const script =
        "ip route del default && ip route add default via 192.0.2.77 dev eth0 onlink table 100";
      lan.sandbox.ok(["sh", "-c", script], { netns });
      await server.stop();
      await lan.serve({ first: 10, last: 19 });
      await lan.says(/lease changed/);
      deepEqual(lan.sandbox.ipJson("route show default", netns), []);
      ok(lan.addresses("p1")[0]?.startsWith("192.0.2.1"));
    });

    it("that cannot be written down is not given, and the server has it back", async () => {
      using lan = new Lan();
      const server = await lan.serve();
      await lan.daemon();
      const full =
        "mkdir -p -m 700 /run/netloom/.dhcp && mount -t tmpfs -o nr_inodes=1,mode=700 tmpfs /run/netloom/.dhcp";
      lan.sandbox.ok(["sh", "-c", full]);
      lan.sandbox.pod("p1");
      const { status, json } = lan.call("ADD", "p1");
      deepEqual([status, json.code], [1, 5]);
      match(json.msg, /^error calling DHCP.Allocate: cannot write the lease file/);
      match(json.details, /ENOSPC/);
      await until("the release", () => server.output().includes("DHCPRELEASE(eth0)"));
      lan.sandbox.ok(["umount", "/run/netloom/.dhcp"]);
      lan.add("p1");
    });

    it("that is in use stays in use when its file cannot be written any more", async () => {
      using lan = new Lan();
      await lan.serve({ renewAfter: 3 });
      await lan.daemon();
      const address = lan.add("p1");
      lan.sandbox.ok(["mount", "-t", "tmpfs", "-o", "ro,mode=700", "tmpfs", "/run/netloom/.dhcp"]);
      await lan.says(/cannot write the lease file: .*EROFS/);
      await lan.says(/lease renewed/);
      deepEqual(lan.addresses("p1"), [`${address}/24`]);
      lan.sandbox.ok(["umount", "/run/netloom/.dhcp"]);
      equal(lan.call("DEL", "p1").status, 0);
    });
  },
  dhcpCommands,
);

/** Which router advertisements the daemon believes. */
import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, Lan } from "./lan.ts";

const config = { ipam: { type: "dhcp", ipv6: "slaac" } };

/** An ADD where a router advertises with that hop limit. */
async function addBehind(lan: Lan, hops: number) {
  await lan.serve();
  const program = join(root, "test/dhcp-proxy/router.py");
  lan.sandbox.start(["python3", program, String(hops)], { netns: lan.outside });
  await lan.daemon(["-resendtimeout", "5s"]);
  lan.sandbox.pod("p1");
  return lan.call("ADD", "p1", { config });
}

describeKernel(
  "router advertisements",
  function () {
    this.timeout(60_000);

    it("that come from the link itself are believed", async () => {
      using lan = new Lan();
      const { status, json, stdout } = await addBehind(lan, 255);
      equal(status, 0, `${stdout}\n${lan.log}`);
      match(json.ips[1].address, /^2001:db8:5:0:/);
      deepEqual(json.dns.nameservers, ["2001:db8:5::53"]);
    });

    it("that another router may have passed on are not heard", async () => {
      using lan = new Lan();
      const { status, json } = await addBehind(lan, 254);
      equal(status, 1);
      match(json.details, /saw no router advertisement/);
    });
  },
  [...dhcpCommands, "python3"],
);

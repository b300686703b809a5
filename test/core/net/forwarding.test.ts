import { deepEqual, equal } from "node:assert/strict";
import { parseIp } from "../../../core/net/address.ts";
import { enableForwarding } from "../../../core/net/forwarding.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

function enabled(gateways: string[], acceptRa = "1") {
  const network = useHost(new FakeNetwork());
  const { ifindex } = network.home.addLink({ ifname: "uplink" });
  network.put("/proc/sys/net/ipv6/conf/uplink/accept_ra", acceptRa);
  network.home.routes.push({ family: 10, protocol: 9, oif: ifindex });
  using route = RouteSocket.open();
  enableForwarding(route, gateways.map(parseIp));
  const text = (name: string) => network.text(`/proc/sys/net/${name}`)?.trim();
  return {
    ipv4: text("ipv4/ip_forward"),
    ipv6: text("ipv6/conf/all/forwarding"),
    acceptRa: text("ipv6/conf/uplink/accept_ra"),
  };
}

describe("enableForwarding", () => {
  it("turns on what the gateways need", () => {
    deepEqual(enabled(["10.0.0.1"]), { ipv4: "1", ipv6: "0", acceptRa: "1" });
    deepEqual(enabled(["fd00::1"]), { ipv4: "0", ipv6: "1", acceptRa: "2" });
  });

  it("leaves an uplink alone that does not listen to routers", () => {
    equal(enabled(["fd00::1"], "0").acceptRa, "0");
  });
});

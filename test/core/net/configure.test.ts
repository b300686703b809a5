import { deepEqual, equal, throws } from "node:assert/strict";
import { parseIp } from "../../../core/net/address.ts";
import { configureInterface } from "../../../core/net/configure.ts";
import { Netns } from "../../../core/net/netns.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const path = "/run/a";
const result = {
  ips: [{ address: "10.1.0.5/24", gateway: "10.1.0.1" }, { address: "fd00::5/64" }],
  routes: [{ dst: "0.0.0.0/0", priority: 5 }],
};

function configured(refuse: (type: string) => number | undefined = () => undefined) {
  const network = useHost(new FakeNetwork());
  const inside = network.container(path);
  inside.addLink({ ifname: "eth0" });
  network.refuses = (_, type) => refuse(type);
  using netns = Netns.open(path);
  using route = RouteSocket.dial(netns);
  configureInterface({ netns, route, ifname: "eth0", result });
  return { network, inside };
}

describe("configureInterface", () => {
  it("gives addresses that can be used at once, routes, and up", () => {
    const { inside } = configured();
    deepEqual(
      inside.addresses.map(({ prefixLength, flags, broadcast }) => [
        prefixLength,
        flags,
        broadcast?.[3],
      ]),
      [
        [24, undefined, 255],
        [64, 2, undefined],
      ],
    );
    deepEqual(
      inside.routes.map(({ priority, scope, gateway }) => [priority, scope, gateway?.[3]]),
      [[5, 0, 1]],
    );
    equal(inside.link("eth0")?.flags, 1);
  });

  it("leaves an IPv6 address alone that the kernel has made already", () => {
    const network = useHost(new FakeNetwork());
    const inside = network.container(path);
    const { ifindex } = inside.addLink({ ifname: "eth0" });
    const address = parseIp("fd00::5");
    inside.addresses.push({ family: 10, prefixLength: 64, ifindex, address, flags: 0x100 });
    using netns = Netns.open(path);
    using route = RouteSocket.dial(netns);
    configureInterface({ netns, route, ifname: "eth0", result });
    deepEqual(
      inside.addresses.map(({ prefixLength, flags }) => [prefixLength, flags]),
      [
        [64, 0x100],
        [24, undefined],
      ],
    );
  });

  it("sets what IPv6 needs", () => {
    const { network } = configured();
    const conf = (name: string) => network.text(`/proc/sys/net/ipv6/conf/eth0/${name}`)?.trim();
    deepEqual(["keep_addr_on_down", "accept_dad", "ndisc_notify"].map(conf), ["1", "0", "1"]);
  });

  for (const [type, message] of [
    ["20", 'failed to add IP addr 10.1.0.5/24 to "eth0"'],
    ["24", "failed to add route 0.0.0.0/0 via 10.1.0.1 dev eth0 metric 5"],
  ]) {
    it(`names what was refused: ${message}`, () => {
      throws(() => configured((each) => (each === type ? 101 : undefined)), { message, code: 999 });
    });
  }

  it("names a link that is not there", () => {
    const network = useHost(new FakeNetwork());
    network.container(path);
    using netns = Netns.open(path);
    using route = RouteSocket.dial(netns);
    throws(
      () => configureInterface({ netns, route, ifname: "eth0", result }),
      /failed to lookup "eth0"/,
    );
  });
});

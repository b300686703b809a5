import { deepEqual, equal, throws } from "node:assert/strict";
import { explain } from "../../../core/errors.ts";
import { hostLinkNames } from "../../../core/net/link-owner.ts";
import { Netns } from "../../../core/net/netns.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { createVeth } from "../../../core/net/veth.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const path = "/run/a";
const attachment = { network: "net", containerId: "c1", ifname: "eth0" };
const names = hostLinkNames(attachment);

function world(): FakeNetwork {
  const network = useHost(new FakeNetwork());
  network.container(path);
  return network;
}

function make() {
  using netns = Netns.open(path);
  using host = RouteSocket.open();
  using container = RouteSocket.dial(netns);
  const port = { bridge: 1, hairpin: false, isolated: true };
  return createVeth(host, container, { attachment, netns, mtu: 1300, port });
}
const linksOf = (network: FakeNetwork) =>
  [...network.home.links.values()].map(({ ifname }) => ifname);

describe("createVeth", () => {
  it("makes both ends with MTU, MAC addresses and one queue, the host's up and marked", () => {
    const network = world();
    const { host, mac, hostMac } = make();
    equal(host, names[0]);
    const outside = network.home.link(host);
    const inside = network.containers.get(path)?.link("eth0");
    deepEqual([outside?.address, inside?.address], [hostMac, mac]);
    deepEqual([outside?.mtu, inside?.mtu, inside?.numTxQueues, inside?.flags], [1300, 1300, 1, 0]);
    deepEqual([outside?.ifalias, outside?.flags, outside?.master], ["net/c1:eth0", 1, 1]);
    deepEqual(outside?.linkInfo?.slaveData, { mode: 0, isolated: 1 });
    deepEqual(outside?.afSpec, { inet6: { addrGenMode: 1 } });
  });

  it("leaves a stranger's link of that name alone and takes the next name", () => {
    const network = world();
    const stranger = network.home.addLink({ ifname: names[0]!, ifalias: "theirs" });
    equal(make().host, names[1]);
    equal(stranger.ifalias, "theirs");
  });

  it("says so when every name is taken", () => {
    const network = world();
    for (const ifname of names) network.home.addLink({ ifname });
    throws(make, { message: 'make veth pair for "eth0"' });
  });

  it("refuses an interface name that the container has", () => {
    const network = world();
    network.containers.get(path)?.addLink({ ifname: "eth0" });
    throws(make, {
      message: `container veth name ("eth0") peer provided ("${names[0]}") already exists`,
    });
    deepEqual(linksOf(network), ["lo"]);
  });

  it("does without IPv6 settings where the host has no IPv6", () => {
    const network = world();
    let links = 0;
    network.refuses = (_, type) => (type === "16" && ++links === 3 ? 97 : undefined);
    make();
    deepEqual(linksOf(network), ["lo", names[0]]);
  });

  it("takes the pair away when it cannot be marked", () => {
    const network = world();
    let links = 0;
    network.refuses = (_, type) => (type === "16" && ++links === 2 ? 12 : undefined);
    throws(make, (error: unknown) => /make veth pair.*ENOMEM/.test(explain(error)));
    deepEqual(linksOf(network), ["lo"]);
  });
});

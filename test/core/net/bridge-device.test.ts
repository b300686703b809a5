import { deepEqual, equal, notDeepEqual, throws } from "node:assert/strict";
import { explain } from "../../../core/errors.ts";
import { deleteBridgeIfUnused, ensureBridge } from "../../../core/net/bridge-device.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { hostError, useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const wanted = { ifname: "br0", mtu: 1400, vlanFiltering: false, promiscuous: false };
const kind = { linkInfo: { kind: "bridge" } };
const mac = new Uint8Array([2, 0, 0, 0, 0, 1]);

function ensure(network: FakeNetwork, keys = {}) {
  useHost(network);
  using route = RouteSocket.open();
  return ensureBridge(route, { ...wanted, ...keys });
}

describe("ensureBridge", () => {
  it("makes a bridge with an address of its own, deaf to router advertisements", () => {
    const network = new FakeNetwork();
    const made = ensure(network);
    const link = network.home.link("br0");
    deepEqual([made.isNew, made.mac], [true, link?.address]);
    deepEqual([link?.mtu, link?.flags, link?.linkInfo?.kind], [1400, 1, "bridge"]);
    equal(network.text("/proc/sys/net/ipv6/conf/br0/accept_ra")?.trim(), "0");
  });

  it("takes one that is there, brings it up, and leaves its MTU", () => {
    const network = new FakeNetwork();
    const link = network.home.addLink({ ifname: "br0", address: mac, mtu: 1500, ...kind });
    const { isNew } = ensure(network, { promiscuous: true });
    deepEqual([isNew, link.flags, link.mtu], [false, 0x101, 1500]);
  });

  it("takes the one that another has just made", () => {
    const network = new FakeNetwork();
    network.refuses = (_, type) => {
      if (type !== "16" || network.home.link("br0")) return undefined;
      network.home.addLink({ ifname: "br0", address: mac, ...kind });
      return 17;
    };
    deepEqual(ensure(network), { ifname: "br0", ifindex: 2, mac, isNew: false });
  });

  it("leaves none behind whose answer is lost", () => {
    const network = new FakeNetwork();
    const recvmsg = network.recvmsg.bind(network);
    let answers = 0;
    network.recvmsg = (...args) => {
      answers += 1;
      if (answers === 2) throw hostError("recvmsg", "ENOBUFS");
      return recvmsg(...args);
    };
    throws(() => ensure(network), /create bridge "br0"/);
    equal(network.home.link("br0"), undefined);
  });

  it("leaves none behind whose index cannot be had", () => {
    const network = new FakeNetwork();
    network.ioctl = () => {
      throw hostError("ioctl", "ENOMEM");
    };
    throws(() => ensure(network), /create bridge "br0"/);
    equal(network.home.link("br0"), undefined);
  });

  it("has an address for a bridge that lost its own with its last port", () => {
    const network = new FakeNetwork();
    network.home.addLink({ ifname: "br0", address: new Uint8Array(6), ...kind });
    notDeepEqual(ensure(network).mac, new Uint8Array(6));
  });

  it("refuses a link that is no bridge", () => {
    const network = new FakeNetwork();
    network.home.addLink({ ifname: "br0", address: mac, linkInfo: { kind: "veth" } });
    throws(
      () => ensure(network),
      (error: unknown) =>
        explain(error) === 'create bridge "br0": "br0" already exists but is not a bridge',
    );
  });
});

describe("deleteBridgeIfUnused", () => {
  for (const used of [false, true]) {
    it(`${used ? "leaves" : "deletes"} a bridge ${used ? "with" : "without"} ports`, () => {
      const network = new FakeNetwork();
      const bridge = ensure(network);
      if (used) network.home.addLink({ ifname: "port", master: bridge.ifindex });
      using route = RouteSocket.open();
      deleteBridgeIfUnused(route, bridge);
      equal(network.home.link("br0") !== undefined, used);
    });
  }
});

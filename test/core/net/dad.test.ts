import { equal, throws } from "node:assert/strict";
import { DadWatch } from "../../../core/net/dad.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const TENTATIVE = 0x40;
const DADFAILED = 0x8;

/** Settles an address whose flags are these, one after another at each change that is waited for. */
function settle(flags: number[], operstate = 6): number {
  const network = useHost(new FakeNetwork());
  const { home } = network;
  const link = home.addLink({ ifname: "eth0", operstate });
  const { ifindex } = link;
  const local = new Uint8Array(16).fill(1);
  const address = (now: number) => ({
    family: 10,
    prefixLength: 64,
    ifindex,
    address: local,
    flags: now,
  });
  home.addresses.push(address(flags.shift() ?? 0));
  let waits = 0;
  network.poll = (fds) => {
    waits++;
    const next = flags.shift();
    if (next === undefined) network.clock.nowMs += 5000;
    else home.addresses.splice(0, 1, address(next));
    return fds.map(() => (next === undefined ? 0 : 1));
  };
  using route = RouteSocket.open();
  using watch = new DadWatch();
  watch.settle(route, { ifindex, ifname: "eth0" });
  return waits;
}

describe("DadWatch", () => {
  it("does not wait when there is nothing to wait for", () => equal(settle([0]), 0));

  it("waits until the address can be used", () => equal(settle([TENTATIVE, TENTATIVE, 0]), 2));

  it("names an address that somebody else has", () => {
    throws(() => settle([TENTATIVE, DADFAILED]), /eth0 has address 101:101:.* in DADFAILED state/);
  });

  it("gives up after five seconds, unless the link has no carrier", () => {
    throws(() => settle([TENTATIVE]), /still has tentative addresses after 5 seconds/);
    equal(settle([TENTATIVE], 2), 1);
  });
});

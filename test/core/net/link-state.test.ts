import { deepEqual, equal, throws } from "node:assert/strict";
import { linkStates, settledLinks } from "../../../core/net/link-state.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const UP = 6;
const LOWER_LAYER_DOWN = 3;

/** Settles a port and a bridge whose states change to these, pair by pair, whenever that is waited for. */
function settle(...states: [port: number, bridge: number][]) {
  const network = useHost(new FakeNetwork());
  const [first, ...changes] = states;
  const port = network.home.addLink({ ifname: "veth0", operstate: first?.[0] });
  const bridge = network.home.addLink({ ifname: "br0", operstate: first?.[1] });
  const begun = network.clock.nowMs;
  let waits = 0;
  network.poll = (fds, timeoutMs) => {
    waits++;
    const next = changes.shift();
    if (next === undefined) network.clock.nowMs += timeoutMs;
    else [port.operstate, bridge.operstate] = next;
    return fds.map(() => (next === undefined ? 0 : 1));
  };
  using route = RouteSocket.open();
  const found = settledLinks(route, "veth0", "br0").map(({ operstate }) => operstate);
  return { found, waits, ms: network.clock.nowMs - begun };
}

describe("settledLinks", () => {
  it("does not wait where the kernel acts at once", () => {
    deepEqual(settle([UP, UP]), { found: [UP, UP], waits: 0, ms: 0 });
  });

  it("waits for the port, then for the others", () => {
    const states = settle([LOWER_LAYER_DOWN, 2], [UP, 2], [UP, UP]);
    deepEqual(states, { found: [UP, UP], waits: 2, ms: 0 });
  });

  it("tells after five seconds that the port is down", () => {
    deepEqual(settle([2, 2]), { found: [2, 2], waits: 1, ms: 5000 });
  });

  it("waits a second for a bridge that has other reasons to be down", () => {
    deepEqual(settle([UP, 2]), { found: [UP, 2], waits: 1, ms: 1000 });
  });
});

describe("linkStates", () => {
  it("says that a retry helps when a link has vanished", () => {
    useHost(new FakeNetwork());
    using route = RouteSocket.open();
    throws(() => linkStates(route, "lo", "gone"), {
      code: 11,
      message: 'one of "lo", "gone" has vanished',
    });
  });

  it("tells in the order in which it was asked", () => {
    const { home } = useHost(new FakeNetwork());
    home.addLink({ ifname: "a0" });
    using route = RouteSocket.open();
    equal(
      linkStates(route, "a0", "lo")
        .map(({ ifname }) => ifname)
        .join(),
      "a0,lo",
    );
  });
});

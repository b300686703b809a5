import { equal, throws } from "node:assert/strict";
import type { CniResult } from "../../../core/cni/result.ts";
import { checkInterface, routeKey } from "../../../core/net/check-interface.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const prevResult: CniResult = {
  interfaces: [
    { name: "br0" },
    { name: "eth0", mac: "02:00:00:00:00:01", mtu: 1500, sandbox: "/run/a" },
  ],
  ips: [{ address: "10.1.0.5/24", interface: 1 }],
  routes: [{ dst: "10.9.8.7/16", gw: "10.1.0.1" }],
};
const ten = (...rest: number[]) => new Uint8Array([10, ...rest]);
const route = {
  family: 2,
  dstLength: 16,
  dst: ten(9, 0, 0),
  gateway: ten(1, 0, 1),
  oif: 2,
  headerTable: 254,
};
const address = {
  family: 2,
  ifindex: 2,
  prefixLength: 24,
  address: ten(1, 0, 5),
  local: ten(1, 0, 5),
};

function check(
  change: {
    result?: CniResult;
    routes?: object[];
    addresses?: object[];
    own?: { addresses: string[]; routes: string[] };
  } = {},
) {
  const { home } = useHost(new FakeNetwork());
  home.addLink({ ifname: "eth0", flags: 1, address: new Uint8Array([2, 0, 0, 0, 0, 1]) });
  home.addresses.push(...(change.addresses ?? [address]));
  home.routes.push(...(change.routes ?? [route]));
  using socket = RouteSocket.open();
  const result = change.result ?? prevResult;
  return checkInterface(socket, {
    ifname: "eth0",
    sandbox: "/run/a",
    prevResult: result,
    own: change.own,
    up: true,
  });
}

describe("checkInterface", () => {
  it("is content when all is there", () => equal(check().ifindex, 2));

  it("misses an address, and one of another prefix length", () => {
    throws(() => check({ addresses: [] }), /Failed to match addr 10.1.0.5\/24 on interface eth0/);
    throws(() => check({ addresses: [{ ...address, prefixLength: 16 }] }), /Failed to match addr/);
  });

  it("misses a route, one through another gateway, and one of another link", () => {
    const missing = /Expected Route 10.9.8.7\/16 via 10.1.0.1 not found in routing table/;
    throws(() => check({ routes: [] }), missing);
    throws(() => check({ routes: [{ ...route, gateway: ten(1, 0, 2) }] }), missing);
    throws(() => check({ routes: [{ ...route, oif: 3 }] }), missing);
  });

  it("finds a route with several next hops, and one in another table unless the table is given", () => {
    const hops = { ...route, gateway: undefined, oif: undefined };
    check({
      routes: [
        {
          ...hops,
          multipath: [
            { flags: 0, hops: 0, ifindex: 3 },
            { flags: 0, hops: 0, ifindex: 2, gateway: ten(1, 0, 1) },
          ],
        },
      ],
    });
    const moved = { ...route, headerTable: 0, table: 1000 };
    check({ routes: [moved] });
    const result = { ...prevResult, routes: [{ dst: "10.9.0.0/16", table: 254 }] };
    throws(() => check({ result, routes: [moved] }), /Expected Route/);
  });

  it("looks only for what the record has too", () => {
    check({ addresses: [], routes: [], own: { addresses: [], routes: [] } });
    const own = { addresses: ["10.1.0.5/24"], routes: prevResult.routes!.map(routeKey) };
    throws(() => check({ routes: [], own }), /Expected Route/);
  });

  it("wants the interface in prevResult, in this sandbox", () => {
    throws(() => check({ result: {} }), /"prevResult" has no interface "eth0"/);
    const result = { interfaces: [{ name: "eth0", sandbox: "/run/b" }] };
    throws(
      () => check({ result }),
      /Sandbox in prevResult \/run\/b doesn't match configured netns: \/run\/a/,
    );
  });
});

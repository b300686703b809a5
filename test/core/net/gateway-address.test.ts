import { deepEqual, equal, throws } from "node:assert/strict";
import { formatCidr, parseCidr } from "../../../core/net/address.ts";
import { ensureGatewayAddresses } from "../../../core/net/gateway-address.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const mac = new Uint8Array([2, 0, 0, 0, 0, 9]);

/** What the link has after the call, when it had `present`. */
function held(present: string[], wanted: string[], force = false): string[] {
  const { home } = useHost(new FakeNetwork());
  const { ifindex } = home.addLink({ ifname: "br0" });
  for (const text of present) home.addresses.push(address(ifindex, text));
  using route = RouteSocket.open();
  ensureGatewayAddresses(route, { ifname: "br0", ifindex, mac }, wanted.map(parseCidr), force);
  return home.addresses.map(({ address: bytes, prefixLength: length = 0 }) =>
    formatCidr({ address: bytes ?? new Uint8Array(4), length }),
  );
}

function address(ifindex: number, text: string) {
  const { address, length } = parseCidr(text);
  return {
    family: address.length === 4 ? 2 : 10,
    ifindex,
    address,
    local: address,
    prefixLength: length,
  };
}

describe("ensureGatewayAddresses", () => {
  it("adds what is missing and leaves what is there", () => {
    deepEqual(held([], ["10.0.0.1/24", "fd00::1/64"]), ["10.0.0.1/24", "fd00::1/64"]);
    deepEqual(held(["10.0.0.1/24"], ["10.0.0.1/24"]), ["10.0.0.1/24"]);
  });

  it("U-025: refuses another IPv4 address, or replaces it by force", () => {
    throws(() => held(["10.0.0.1/8"], ["10.1.2.3/16"]), {
      code: 7,
      message: '"br0" already has an IP address different from 10.1.2.3/16',
    });
    deepEqual(held(["10.0.0.1/8"], ["10.1.2.3/16"], true), ["10.1.2.3/16"]);
  });

  it("U-026: refuses an overlapping IPv6 prefix, or replaces it by force", () => {
    throws(() => held(["2001:db8:1::1/48"], ["2001:db8:1:2::1/64"]), { code: 7 });
    deepEqual(held(["2001:db8:1::1/48"], ["2001:db8:1:2::1/64"], true), ["2001:db8:1:2::1/64"]);
  });

  it("U-027: adds an IPv6 prefix beside others, link-local ones included", () => {
    deepEqual(held(["2001:db8::1/64", "fe80::1/64"], ["fd00::1/64"]), [
      "2001:db8::1/64",
      "fe80::1/64",
      "fd00::1/64",
    ]);
  });

  it("does not take one of the network's own gateways for a conflict", () => {
    deepEqual(held(["10.0.0.1/24"], ["10.0.0.1/24", "10.0.1.1/24"]).length, 2);
  });

  it("pins the link's MAC address, and needs none of it when another was faster", () => {
    const network = useHost(new FakeNetwork());
    const link = network.home.addLink({ ifname: "br0" });
    const { ifindex } = link;
    using route = RouteSocket.open();
    network.refuses = (_, type) => {
      if (type !== "20" || network.home.addresses.length > 0) return undefined;
      network.home.addresses.push(address(ifindex, "10.0.0.1/24"));
      return 17;
    };
    ensureGatewayAddresses(
      route,
      { ifname: "br0", ifindex, mac },
      [parseCidr("10.0.0.1/24")],
      false,
    );
    equal(network.home.addresses.length, 1);
    deepEqual(link.address, mac);
  });
});

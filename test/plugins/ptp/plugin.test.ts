import { deepEqual, ok, throws } from "node:assert/strict";
import { explain } from "../../../core/errors.ts";
import { Netns } from "../../../core/net/netns.ts";
import { ptp as plugin } from "../../../plugins/ptp/plugin.ts";
import { FakeNetwork } from "../../core/net/fake-network.ts";
import { useHost } from "../../fake-host.ts";
import { attachment, gcCallOf, netnsPath, PlayedIpam } from "../bridge/bridge-call.ts";

const answer = {
  ips: [
    { address: "10.1.2.5/24", gateway: "10.1.2.1" },
    { address: "fd00::5/64", gateway: "fd00::1" },
  ],
  routes: [{ dst: "0.0.0.0/0" }],
};

function world(ips: object[] = answer.ips) {
  const network = useHost(new FakeNetwork());
  network.container(netnsPath);
  const ipam = new PlayedIpam({ ...answer, ips } as typeof answer);
  const call = {
    config: { name: "net", ipMasq: true, mtu: 1400 },
    network: "net",
    cniVersion: "1.1.0",
    args: {},
    ipam,
    warn: () => {},
    containerId: attachment.containerId,
    ifName: attachment.ifname,
    attachment,
    netnsPath,
    openNetns: () => Netns.open(netnsPath),
    openNetnsIfPresent: () => Netns.openIfPresent(netnsPath),
  };
  return { network, ipam, call: call as unknown as Parameters<typeof plugin.add>[0] };
}

/** Everything that an attachment may leave. */
function leftovers({ network }: ReturnType<typeof world>) {
  const { home, containers } = network;
  return {
    links: [...home.links.values()].map(({ ifname }) => ifname),
    inside: [...(containers.get(netnsPath)?.links.values() ?? [])].map(({ ifname }) => ifname),
    onHost: [...home.addresses, ...home.routes],
    elements: [...home.elements].filter(([, owner]) => owner.includes("/")),
    files: network.list("/run/netloom").filter((path) => path.includes("c1")),
    open: network.openDescriptors,
  };
}
const nothing = { links: ["lo"], inside: ["lo"], onHost: [], elements: [], files: [], open: 0 };
const because = (wanted: RegExp) => (error: unknown) => wanted.test(explain(error));

describe("ptp.add", () => {
  it("tells of the host's end, then of the container's, which has the addresses", () => {
    const here = world();
    const { interfaces = [], ips = [] } = plugin.add(here.call);
    deepEqual(
      interfaces.map(({ name, mtu, sandbox }) => [name.replace(/[0-9a-f]{8}/, "*"), mtu, sandbox]),
      [
        ["veth*", 1400, undefined],
        ["eth0", 1400, netnsPath],
      ],
    );
    deepEqual(
      ips.map((ip) => ip.interface),
      [1, 1],
    );
    deepEqual(leftovers(here).onHost.length, 4);
  });

  it("undoes everything whichever request of the kernel fails", () => {
    const whole = world();
    plugin.add(whole.call);
    const count = whole.network.requests;
    ok(count > 20, String(count));
    for (let nth = 1; nth <= count; nth++) {
      const here = world();
      here.network.refuses = (at) => (at === nth ? 12 : undefined);
      throws(() => plugin.add(here.call), because(/ENOMEM/), `request ${nth}`);
      deepEqual(leftovers(here), nothing, `request ${nth}`);
      ok(["", "ADD,DEL"].includes(String(here.ipam.log)), `request ${nth}: ${here.ipam.log}`);
    }
  });

  it("gives an address without a gateway back", () => {
    const here = world([{ address: "10.1.2.5/24" }]);
    throws(() => plugin.add(here.call), because(/no gateway with address "10\.1\.2\.5\/24"/));
    deepEqual([here.ipam.log, leftovers(here)], [["ADD", "DEL"], nothing]);
  });
});

describe("ptp.del", () => {
  it("takes every step even when one fails, and completes the next time", () => {
    const here = world();
    plugin.add(here.call);
    here.network.refuses = (_, type) => (type === "17" ? 12 : undefined);
    throws(() => plugin.del(here.call), because(/ENOMEM/));
    deepEqual([leftovers(here).elements, here.ipam.log], [[], ["ADD", "DEL"]]);
    here.network.refuses = () => undefined;
    for (let round = 0; round < 2; round++) {
      plugin.del(here.call);
      deepEqual(leftovers(here), nothing);
    }
  });
});

describe("ptp.check", () => {
  it("is content after ADD, and asks IPAM", () => {
    const here = world();
    const prevResult = plugin.add(here.call);
    plugin.check({ ...here.call, prevResult });
    deepEqual(here.ipam.log, ["ADD", "CHECK"]);
  });

  it("names the address that the host has lost", () => {
    const here = world();
    const prevResult = plugin.add(here.call);
    here.network.home.addresses.shift();
    const call = { ...here.call, prevResult };
    throws(() => plugin.check(call), because(/on the host: .* 10\.1\.2\.1\/32/));
  });
});

describe("ptp.gc", () => {
  it("removes what is stale, and does nothing the second time", () => {
    const here = world();
    plugin.add(here.call);
    for (let round = 0; round < 2; round++) {
      plugin.gc(gcCallOf(here.ipam, ["other"]));
      deepEqual(leftovers(here), nothing);
    }
    deepEqual(here.ipam.log, ["ADD", "GC", "GC"]);
  });
});

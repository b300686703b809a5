import { deepEqual, equal, throws } from "node:assert/strict";
import { Netns } from "../../../core/net/netns.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

function world(): FakeNetwork {
  const network = useHost(new FakeNetwork({ files: { "/run/file": "" } }));
  network.container("/run/a").addLink({ ifname: "in-a" });
  network.container("/run/b").addLink({ ifname: "in-b" });
  return network;
}
const here = () => {
  using route = RouteSocket.open();
  return route.links().map(({ ifname }) => ifname);
};

describe("Netns.open", () => {
  for (const path of ["/run/none", "/run/file"]) {
    it(`refuses ${path} with code 4, and opens nothing`, () => {
      const network = world();
      throws(() => Netns.open(path), {
        code: 4,
        message: `CNI_NETNS names no network namespace: "${path}"`,
      });
      equal(network.openDescriptors, 0);
    });
  }

  it("refuses a namespace of another kind, and closes it", () => {
    const network = world();
    network.ioctl = () => 0x20000;
    throws(() => Netns.open("/run/a"), { code: 4, details: "it is a namespace of another kind" });
    equal(network.openDescriptors, 0);
  });
});

describe("Netns.openIfPresent", () => {
  it("is undefined for nothing, and says so for something else", () => {
    const network = world();
    for (const path of [undefined, "", "/run/none"]) equal(Netns.openIfPresent(path), undefined);
    equal(network.stderr, "");
    equal(Netns.openIfPresent("/run/file"), undefined);
    equal(network.stderr.includes("/run/file"), true);
  });

  it("does not hide that no descriptor is left", () => {
    world().failOn("open", "EMFILE", "/run/a");
    throws(() => Netns.openIfPresent("/run/a"), { code: 5 });
  });

  it("does not take a path that could not be looked at for one that leads nowhere", () => {
    world().failOn("statfs", "ENOMEM", "/run/a");
    throws(() => Netns.openIfPresent("/run/a"), /statfs "\/run\/a": ENOMEM/);
  });
});

describe("Netns.run", () => {
  it("works there and comes back, nested too", () => {
    const network = world();
    {
      using a = Netns.open("/run/a");
      using b = Netns.open("/run/b");
      const seen = a.run(() => [here(), b.run(here), Netns.current().run(here), here()]);
      deepEqual(seen, [["lo", "in-a"], ["lo", "in-b"], ["lo"], ["lo", "in-a"]]);
      deepEqual(here(), ["lo"]);
    }
    equal(network.openDescriptors, 0);
  });

  it("comes back when what it runs throws, and when the way back fails once", () => {
    const network = world();
    using a = Netns.open("/run/a");
    throws(
      () =>
        a.run(() => {
          throw new Error("inside");
        }),
      /inside/,
    );
    deepEqual(here(), ["lo"]);
    a.run(() => network.failOn("setns", "ENOMEM"));
    deepEqual(here(), ["lo"]);
  });
});

describe("RouteSocket.dial", () => {
  it("gives a socket that stays there", () => {
    world();
    using a = Netns.open("/run/a");
    using route = RouteSocket.dial(a);
    deepEqual([route.ifindexOf("in-a"), route.ifindexOf("in-b")], [2, undefined]);
    deepEqual(here(), ["lo"]);
  });
});

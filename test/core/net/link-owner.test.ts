import { deepEqual, equal, match, notDeepEqual } from "node:assert/strict";
import {
  deleteLinkNamed,
  deleteLinks,
  hostLinkNames,
  ownedHostLinks,
  strayHostLinks,
} from "../../../core/net/link-owner.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import { useHost } from "../../fake-host.ts";
import { FakeNetwork } from "./fake-network.ts";

const attachment = { network: "net", containerId: "c1", ifname: "eth0" };

describe("hostLinkNames", () => {
  it("gives every attachment names of its own, always the same", () => {
    const names = new Set<string>();
    for (let id = 0; id < 2000; id++) {
      for (const ifname of ["eth0", "net1"]) {
        for (const name of hostLinkNames({ network: "net", containerId: `c${id}`, ifname })) {
          match(name, /^veth[0-9a-f]{8}$/);
          names.add(name);
        }
      }
    }
    equal(names.size, 12_000);
    deepEqual(hostLinkNames(attachment), hostLinkNames({ ...attachment }));
    notDeepEqual(hostLinkNames(attachment), hostLinkNames({ ...attachment, network: "nt" }));
  });
});

describe("links of an attachment", () => {
  const [first = "", second = ""] = hostLinkNames(attachment);

  it("are found by name and mark, not by name alone", () => {
    const { home } = useHost(new FakeNetwork());
    home.addLink({ ifname: first, ifalias: "net/other:eth0" });
    home.addLink({ ifname: second, ifalias: "net/c1:eth0" });
    using route = RouteSocket.open();
    deepEqual(
      ownedHostLinks(route, attachment).map(({ ifname }) => ifname),
      [second],
    );
  });

  it("are stray when no valid attachment has their mark", () => {
    const { home } = useHost(new FakeNetwork());
    home.addLink({ ifname: "veth00000001", ifalias: "net/c1:eth0" });
    home.addLink({ ifname: "veth00000002", ifalias: "net/c2:eth0" });
    home.addLink({ ifname: "veth00000003", ifalias: "net2/c2:eth0" });
    home.addLink({ ifname: "veth00000004" });
    home.addLink({ ifname: "mine0", ifalias: "net/c3:eth0" });
    using route = RouteSocket.open();
    const stray = strayHostLinks(route, "net", new Set(["net/c1:eth0"]));
    deepEqual(
      stray.map(({ ifname }) => ifname),
      ["veth00000002"],
    );
  });

  it("are deleted together, without those that are gone and without strangers of the same group", () => {
    const network = useHost(new FakeNetwork());
    const { home } = network;
    const links = ["a", "b", "c"].map((ifname) => home.addLink({ ifname, group: 0 }));
    home.addLink({ ifname: "stranger", group: 0x4e4c0000 });
    using route = RouteSocket.open();
    const found = route.links().filter(({ ifname = "" }) => ["a", "b", "c"].includes(ifname));
    home.remove(links[1]!);
    deleteLinks(route, found);
    deepEqual(
      [...home.links.values()].map(({ ifname }) => ifname),
      ["lo", "stranger"],
    );
    deleteLinks(route, found.slice(0, 1));
    deleteLinkNamed(route, "a");
  });
});

import { deepEqual, equal } from "node:assert/strict";
import {
  containerInComment,
  describeChain,
  filterChain,
  firewall,
  macCheck,
  masquerade,
  ports,
} from "../../../../core/nft/reference/names.ts";

// a container id of the reference's own tests
const id =
  "icee6giejonei6sohng6ahngee7laquohquee9shiGo7fohferakah3Feiyoolu2pei7ciPhoh7shaoX6vai3vuf0ahfaeng8yohb9ceu0daez5hashee8ooYai5wa3y";
const attachment = (network: string, containerId: string, ifname = "eth0") => {
  return { network, containerId, ifname };
};

describe("masquerade of the reference", () => {
  it("has the chains of its tests", () => {
    equal(masquerade.chain(attachment("test", "1234")), "CNI-2bbe0c48b91a7d1b8a6753a8");
    const long = attachment("testalongnamethatdoesnotmakesense", "1234");
    equal(masquerade.chain(long), "CNI-374f33fe84ab0ed84dcdebe3");
  });

  it("has the marks of its tests", () => {
    const marks = [
      ["unit-test", "one", "eth0", "6fd94d501e58f0aa-287fc69eff0574a2"],
      ["unit-test", "two", "eth0", "6fd94d501e58f0aa-d750b2c8f0f25d5f"],
      ["unit-test", "three", "net1", "6fd94d501e58f0aa-acb19d111858e348"],
      ["alternate", "four", "eth0", "82783ef24bdc7036-e766de567ef6c543"],
    ] as const;
    for (const [network, containerId, ifname, mark] of marks) {
      equal(masquerade.mark({ network, containerId, ifname }), mark);
    }
    equal(masquerade.networkMark("alternate"), "82783ef24bdc7036-");
  });
});

describe("ports of the reference", () => {
  it("have the chains of its tests", () => {
    equal(ports.chain(attachment("testNetName", id)), "CNI-DN-bfd599665540dd91d5d28");
    equal(ports.chain(attachment("test", id)), "CNI-DN-67e92b96e692a494b6b85");
    equal(ports.oldSnatChain(attachment("test", id)), "CNI-SN-67e92b96e692a494b6b85");
  });

  it("have a comment that is cut, with dots at its end", () => {
    equal(ports.comment(attachment("bn", "c1")), 'dnat name: "bn" id: "c1"');
    const long = ports.comment(attachment("n".repeat(120), id));
    equal(long.length, 256);
    equal(long.slice(-4), `${id[113]}...`);
  });
});

describe("macCheck", () => {
  it("is two chains of a container's interface", () => {
    const one = attachment("any", "c1");
    equal(describeChain(macCheck.chain(one)), 'chain "cni-br-iface-c1-eth0" of table "bridge nat"');
    equal(macCheck.macChain(one).chain, "cni-br-iface-c1-eth0-mac");
  });
});

describe("describeChain", () => {
  it("names family and table", () => {
    const place = filterChain(10, firewall.chain);
    equal(describeChain(place), 'chain "CNI-FORWARD" of table "ip6 filter"');
  });
});

describe("containerInComment", () => {
  const read = [
    ['name: "bn" id: "c1"', { network: "bn", containerId: "c1" }],
    ['dnat name: "bn" id: "c1"', { network: "bn", containerId: "c1" }],
    ["CNI portfwd requiring masquerade", undefined],
    ['dnat name: "bn" id: "c1...', undefined],
    [undefined, undefined],
  ] as const;
  for (const [comment, wanted] of read) {
    it(`reads ${comment}`, () => deepEqual(containerInComment(comment), wanted));
  }
});

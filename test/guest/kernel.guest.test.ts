/**
 * That the guest is what its tests count on.
 */
import { equal } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { Sandbox } from "../kernel/sandbox.ts";
import { marker } from "./events.ts";

describe("the guest", () => {
  it("sees the machine's files, and what it writes stays inside", () => {
    writeFileSync(marker, "x"); // main.ts looks for it when the guest is gone
    equal(readFileSync(marker, "utf8"), "x");
    const { type } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    equal(type, "module");
  });

  const kinds = [
    "dummy",
    "vlan id 5",
    "ipvlan",
    "ipvtap",
    "macvlan",
    "macvtap",
    "vrf table 7",
    "wireguard",
    "ifb",
    "bridge vlan_filtering 1",
  ];
  for (const kind of kinds) {
    it(`makes a link of kind ${kind}`, () => {
      using sandbox = Sandbox.create();
      sandbox.ok(["ip", "link", "add", "low", "type", "veth"]);
      const upper = /vlan|tap/.test(kind) && !kind.startsWith("bridge") ? ["link", "low"] : [];
      sandbox.ok(["ip", "link", "add", ...upper, "name", "new", "type", ...kind.split(" ")]);
      equal(sandbox.ipJson("-d link show new")[0].linkinfo.info_kind, kind.split(" ")[0]);
    });
  }
});

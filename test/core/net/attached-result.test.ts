import { deepEqual, equal } from "node:assert/strict";
import { attachedResult } from "../../../core/net/attached-result.ts";

const interfaces = [{ name: "br0" }, { name: "eth0", sandbox: "/n" }];
const ipam = {
  interfaces: [{ name: "dropped" }],
  ips: [{ address: "10.1.0.5/24" }],
  routes: [{ dst: "0.0.0.0/0" }],
  dns: { nameservers: ["10.1.0.1"] },
};

describe("attachedResult", () => {
  it("points addresses at the container's interface, behind those of earlier plugins", () => {
    const prevResult = {
      interfaces: [{ name: "old" }],
      ips: [{ address: "10.9.0.1/24", interface: 0 }],
      routes: [{ dst: "10.9.0.0/16" }],
    };
    const result = attachedResult({ prevResult, interfaces, container: 1, ipam });
    deepEqual(
      result.interfaces?.map(({ name }) => name),
      ["old", "br0", "eth0"],
    );
    deepEqual(
      result.ips?.map((ip) => ip.interface),
      [0, 2],
    );
    equal(result.routes?.length, 2);
  });

  for (const [what, dns, wanted] of [
    ["absent", undefined, ipam.dns],
    ["without keys", {}, ipam.dns],
    ["of an empty domain", { domain: "" }, ipam.dns],
    ["of an empty list", { nameservers: [] }, { nameservers: [] }],
    ["of a domain", { domain: "example.com" }, { domain: "example.com" }],
  ] as const) {
    it(`CONV-033: has the right dns when the configuration's is ${what}`, () => {
      const given = dns && structuredClone(dns);
      deepEqual(
        attachedResult({ interfaces, container: 1, ipam, dns: given as object }).dns,
        wanted,
      );
    });
  }

  it("without IPAM has no addresses", () => {
    deepEqual(attachedResult({ interfaces, container: 1 }), { interfaces, ips: [], routes: [] });
  });
});

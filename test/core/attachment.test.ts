import { equal, match, notEqual } from "node:assert/strict";
import { ownerNetworkText, ownerText } from "../../core/attachment.ts";

describe("ownerText", () => {
  it("names network, container and interface", () => {
    equal(ownerText({ network: "web", containerId: "c1", ifname: "eth0" }), "web/c1:eth0");
  });

  it("keeps the 64 digits of a usual container id", () => {
    const containerId = "0123456789abcdef".repeat(4);
    equal(ownerText({ network: "n", containerId, ifname: "eth0" }), `n/${containerId}:eth0`);
  });

  // printf %s "$(printf 'a%.0s' $(seq 65))" | sha256sum
  it("cuts and hashes a container id of 65 characters", () => {
    const text = ownerText({ network: "n", containerId: "a".repeat(65), ifname: "e" });
    equal(text, `n/${"a".repeat(48)}~635361c48bb9eab:e`);
  });

  it("never exceeds 126 printable characters", () => {
    const long = { network: "n".repeat(300), containerId: "c".repeat(300), ifname: "e".repeat(15) };
    match(ownerText(long), /^[!-~]{126}$/);
  });

  it("tells long names apart that begin alike", () => {
    const one = { network: "n", containerId: `${"c".repeat(70)}1`, ifname: "e" };
    notEqual(ownerText(one), ownerText({ ...one, containerId: `${"c".repeat(70)}2` }));
  });

  it("hashes an interface name that cannot stand in quotes", () => {
    match(ownerText({ network: "n", containerId: "c", ifname: 'a"b' }), /^n\/c:~[0-9a-f]{14}$/);
    match(ownerText({ network: "n", containerId: "c", ifname: "é\u0001" }), /^n\/c:~[0-9a-f]{14}$/);
  });
});

describe("ownerNetworkText", () => {
  it("keeps 45 characters", () => {
    equal(ownerNetworkText("n".repeat(45)), "n".repeat(45));
  });

  // printf %s "$(printf 'n%.0s' $(seq 46))" | sha256sum
  it("cuts and hashes 46", () => {
    equal(ownerNetworkText("n".repeat(46)), `${"n".repeat(28)}~c043d3b9697604bb`);
  });
});

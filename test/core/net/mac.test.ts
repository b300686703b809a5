import { deepEqual, equal, throws } from "node:assert/strict";
import { formatMac } from "../../../core/net/address.ts";
import { randomMac, randomPortMac, requestedMac } from "../../../core/net/mac.ts";
import { useHost } from "../../fake-host.ts";

describe("randomPortMac", () => {
  it("is higher than what a bridge or a link gets", () => {
    useHost({ getrandom: (length) => new Uint8Array(length) });
    equal(formatMac(randomPortMac()), "fe:00:00:00:00:00");
  });
});

describe("randomMac", () => {
  it("is unicast and locally administered", () => {
    useHost({ getrandom: (length) => new Uint8Array(length).fill(0xff) });
    equal(formatMac(randomMac()), "fe:ff:ff:ff:ff:ff");
  });
});

describe("requestedMac", () => {
  it("takes the first that says something", () => {
    const mac = requestedMac(["a", undefined], ["b", ""], ["c", "02-00-00-00-00-01"], ["d", "x"]);
    deepEqual(mac, new Uint8Array([2, 0, 0, 0, 0, 1]));
    equal(requestedMac(["a", undefined]), undefined);
  });

  for (const text of ["zz", "01:00:5e:00:00:01", "00:00:00:00:00:00", "02:00:00:00:00:00:00:01"]) {
    it(`refuses ${text}, naming its source`, () => {
      throws(() => requestedMac(["runtimeConfig.mac", text]), {
        code: 7,
        message: /"runtimeConfig.mac"/,
      });
    });
  }
});

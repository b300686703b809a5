import { deepEqual, equal, throws } from "node:assert/strict";
import { parseConfig } from "../../../core/cni/config.ts";
import {
  bridgeConfig,
  containerMac,
  requireConsistent,
  tellsVlans,
} from "../../../plugins/bridge/config.ts";
import { callOf, PlayedIpam } from "./bridge-call.ts";

const parse = (keys: object) => parseConfig(bridgeConfig, { name: "net", ...keys });
const trunk = (...entries: object[]) => parse({ vlanTrunk: entries }).vlanTrunk;

describe("bridgeConfig", () => {
  it("has upstream's defaults", () => {
    const { bridge, mtu, vlan, vlanTrunk, isGateway, hairpinMode, enabledad } = parse({});
    deepEqual(
      { bridge, mtu, vlan, vlanTrunk, isGateway, hairpinMode, enabledad },
      {
        bridge: "cni0",
        mtu: 0,
        vlan: 0,
        vlanTrunk: undefined,
        isGateway: false,
        hairpinMode: false,
        enabledad: false,
      },
    );
  });

  it("U-020: reads trunks as an ascending list without doubles", () => {
    deepEqual(trunk(), []);
    deepEqual(trunk({}), []);
    deepEqual(
      trunk({ id: 5 }, { minID: 3, maxID: 6 }, { id: 1, minID: 9, maxID: 9 }),
      [1, 3, 4, 5, 6, 9],
    );
  });

  it("U-019: takes VLANs 0 to 4094", () => {
    deepEqual([parse({ vlan: 0 }).vlan, parse({ vlan: 4094 }).vlan], [0, 4094]);
    throws(() => parse({ vlan: 4095 }), /invalid VLAN ID 4095 \(must be between 0 and 4094\)/);
  });

  it("tells VLANs apart for a VLAN, and for a trunk even when it is empty", () => {
    deepEqual(
      [{}, { vlan: 0 }, { vlan: 1 }, { vlanTrunk: [] }].map((keys) => tellsVlans(parse(keys))),
      [false, false, true, true],
    );
  });

  for (const ipMasqBackend of ["", "iptables", "nftables"]) {
    it(`accepts "${ipMasqBackend}" as back end`, () =>
      equal(parse({ ipMasqBackend }).ipMasqBackend, ipMasqBackend));
  }
});

describe("requireConsistent", () => {
  const ipam = new PlayedIpam({ ips: [{ address: "10.1.0.5/24" }] });

  it("wants room for the VLAN's name only where the VLAN has a gateway", () => {
    const long = { bridge: "fourteen-bytes", vlan: 10 };
    requireConsistent(callOf(long, ipam));
    requireConsistent(callOf({ ...long, isGateway: true }, new PlayedIpam()));
    throws(
      () => requireConsistent(callOf({ ...long, isDefaultGateway: true }, ipam)),
      /"fourteen-bytes.10"/,
    );
  });
});

describe("containerMac", () => {
  const args = { MAC: "02:00:00:00:00:03" };
  const named = { args: { cni: { mac: "02:00:00:00:00:02" } } };
  const runtime = { runtimeConfig: { mac: "02:00:00:00:00:01" } };
  for (const [keys, last] of [
    [{}, 3],
    [named, 2],
    [{ ...named, ...runtime }, 1],
  ] as const) {
    it(`CONV-026: takes source ${last} of three`, () => {
      const mac = containerMac(callOf(keys, new PlayedIpam(), { args }));
      deepEqual(mac, new Uint8Array([2, 0, 0, 0, 0, last]));
    });
  }
});

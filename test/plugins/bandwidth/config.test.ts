import { deepEqual, equal, throws } from "node:assert/strict";
import { parseConfig } from "../../../core/cni/config.ts";
import { formatCidr } from "../../../core/net/address.ts";
import { bandwidthConfig, limitsOf } from "../../../plugins/bandwidth/config.ts";

const limits = (keys: object) => limitsOf(parseConfig(bandwidthConfig, { name: "net", ...keys }));
const bandwidth = (entry: object, keys: object = {}) =>
  limits({ ...keys, runtimeConfig: { bandwidth: entry } });
const MiB = 1024n * 1024n;

describe("limitsOf", () => {
  it("reads both directions", () => {
    deepEqual(limits({ ingressRate: 8, ingressBurst: 8, egressRate: "16", egressBurst: "1kbit" }), {
      ingress: { rate: 8n, burst: 8n },
      egress: { rate: 16n, burst: 1024n },
      scope: { kind: "all", subnets: [] },
    });
  });
  it("is undefined when nothing is asked for", () => {
    equal(limits({}), undefined);
    equal(limits({ ingressRate: 0, ingressBurst: 0 }), undefined);
    equal(limits({ unshapedSubnets: ["10.0.0.0/8"] }), undefined);
  });
  it("reads the runtime's", () => {
    deepEqual(bandwidth({ egressRate: 800, egressBurst: 80 })?.egress, { rate: 800n, burst: 80n });
  });
  it("prefers the configuration's, all four of them, be one of them 0", () => {
    const given = { ingressRate: 800, ingressBurst: 80, egressRate: 800, egressBurst: 80 };
    deepEqual(bandwidth(given, { ingressRate: 8, ingressBurst: 16 }), {
      ingress: { rate: 8n, burst: 16n },
      egress: undefined,
      scope: { kind: "all", subnets: [] },
    });
    equal(bandwidth(given, { egressBurst: 0 }), undefined);
  });
  it("takes the configuration's subnets with the runtime's rates", () => {
    const scope = bandwidth(
      { ingressRate: 800, unshapedSubnets: ["10.0.0.0/8"] },
      { shapedSubnets: ["192.0.2.0/24", "2001:db8::/32"] },
    )?.scope;
    equal(scope?.kind, "shaped");
    deepEqual(scope?.subnets.map(formatCidr), ["192.0.2.0/24", "2001:db8::/32"]);
    const given = bandwidth({ ingressRate: 800, unshapedSubnets: ["10.0.0.0/8"] })?.scope;
    deepEqual([given?.kind, given?.subnets.length], ["unshaped", 1]);
  });

  const derived: [what: string, rate: string, burst: bigint][] = [
    ["50 ms of the rate", "100Mbit", 5_000_000n],
    ["16 KiB for slow ones", "1Mbit", 131_072n],
    ["what 32 bits of bytes hold", "18446744073709551615", 34_359_738_359n],
  ];
  for (const [what, rate, burst] of derived) {
    it(`derives a burst that is left out: ${what}`, () => {
      equal(limits({ ingressRate: rate })?.ingress?.burst, burst);
    });
  }
  for (const burst of [2_147_483_647, 4_294_967_295, 34_359_738_359]) {
    it(`takes a runtime's burst of ${burst} as none`, () => {
      equal(bandwidth({ egressRate: 15_000_000, egressBurst: burst })?.egress?.burst, 750_000n);
    });
    it(`takes a configuration's burst of ${burst} as it is`, () => {
      const limit = limits({ egressRate: 15_000_000, egressBurst: burst })?.egress;
      equal(limit?.burst, BigInt(burst));
    });
  }

  it("takes a burst of just under 4 GiB", () => {
    const burst = Number(4096n * MiB * 8n - 16n);
    equal(limits({ ingressRate: burst, ingressBurst: burst })?.ingress?.burst, BigInt(burst));
  });
  it("keeps all digits of a rate", () => {
    const ingressRate = "18446744073709551615bit";
    equal(limits({ ingressRate, ingressBurst: 8 })?.ingress?.rate, 18446744073709551615n);
    equal(limits({ ingressRate: 9007199254740991 })?.ingress?.rate, 9007199254740991n);
  });

  const refusals: [keys: object, message: string][] = [
    [{ ingressRate: 8, ingressBurst: 0 }, "if rate is set, burst must also be set"],
    [{ egressRate: 8, egressBurst: 0 }, "if rate is set, burst must also be set"],
    [{ ingressBurst: 8 }, "if burst is set, rate must also be set"],
    [{ egressRate: 0, egressBurst: 1 }, "if burst is set, rate must also be set"],
    [{ ingressRate: 8, ingressBurst: 4 * 2 ** 30 * 8 }, "burst cannot be more than 4GB"],
    [
      { ingressRate: 7, ingressBurst: 8 },
      '"ingressRate": want at least 8 bits, which are one byte, got 7',
    ],
    [
      { egressRate: 8, egressBurst: 7 },
      '"egressBurst": want at least 8 bits, which are one byte, got 7',
    ],
    [
      { ingressRate: 8, unshapedSubnets: ["10.0.0.0/8"], shapedSubnets: ["10.0.0.0/8"] },
      "unshapedSubnets and shapedSubnets cannot be both specified, one of them should be discarded",
    ],
    [{ ingressRate: 8, unshapedSubnets: ["10.0.0.0/8", "hello"] }, 'bad subnet "hello" provided'],
    [
      { ingressRate: "fast" },
      '"ingressRate": want a rate in units of tc, as "10Mbit", "1.5Gbit" or "500kbps", got "fast"',
    ],
    [
      { ingressRate: 2 ** 60 },
      '"ingressRate": want an integer of bits from 0 to 9007199254740991, or more as text with a unit, got 1152921504606847000',
    ],
    [
      { ingressRate: -8 },
      '"ingressRate": want an integer of bits from 0 to 9007199254740991, or more as text with a unit, got -8',
    ],
    [
      { ingressRate: "18446744073709551616" },
      '"ingressRate": want at most 18446744073709551615 bits, got 18446744073709551616',
    ],
  ];
  for (const [keys, message] of refusals) {
    it(`refuses ${JSON.stringify(keys)}`, () => {
      throws(() => limits(keys), { code: 7, message });
    });
  }
  it("refuses what is neither number nor text", () => {
    throws(() => limits({ ingressRate: true }), /"ingressRate": want a number, got true/);
  });
});

import { deepEqual, equal } from "node:assert/strict";
import * as z from "zod/mini";

import { networkConfig } from "../../../core/cni/config.ts";
import { keyTable } from "../../../core/cni/key-table.ts";
import { normalizeKeys } from "../../../core/cni/keys.ts";

const schema = z.extend(networkConfig, {
  ipMasq: z.optional(z.boolean()),
  mtu: z.optional(z.number()),
  vlanTrunk: z.optional(z.array(z.object({ minID: z.number(), maxID: z.number() }))),
  sysctl: z.optional(z.record(z.string(), z.string())),
  either: z.optional(z.union([z.string(), z.object({ rate: z.number() })])),
  ipam: z.optional(z.looseObject({ type: z.optional(z.string()) })),
  args: z.optional(z.object({ cni: z.optional(z.object({ mac: z.optional(z.string()) })) })),
  runtimeConfig: z.optional(
    z.object({ portMappings: z.optional(z.array(z.object({ hostPort: z.number() }))) }),
  ),
});
const table = keyTable(schema);

function normalize(document: object): { value: object; warnings: string[] } {
  const warnings: string[] = [];
  return { value: normalizeKeys(table, document, (text) => warnings.push(text)), warnings };
}

describe("normalizeKeys", () => {
  it("leaves a well-spelt document as it is", () => {
    const document = {
      name: "n",
      ipMasq: true,
      vlanTrunk: [{ minID: 1, maxID: 2 }],
      sysctl: { "net.ipv4.X": "1" },
      ipam: { type: "host-local", Subnet: "10.1.0.0/24" },
    };
    deepEqual(normalize(document), { value: document, warnings: [] });
  });

  it("matches keys in any case at every level, and says so", () => {
    const found = normalize({
      CniVersion: "1.0.0",
      IPMasq: true,
      vlantrunk: [{ minId: 1 }],
      Either: { Rate: 1 },
      RuntimeConfig: { PortMappings: [{ hostport: 80 }] },
    });
    deepEqual(found.value, {
      cniVersion: "1.0.0",
      ipMasq: true,
      vlanTrunk: [{ minID: 1 }],
      either: { rate: 1 },
      runtimeConfig: { portMappings: [{ hostPort: 80 }] },
    });
    equal(found.warnings.length, 7);
    equal(found.warnings[2], '"vlantrunk" is read as "vlanTrunk"');
    equal(found.warnings[3], '"vlanTrunk[0].minId" is read as "minID"');
  });

  // containerd 2.3 sends {"HostPort":8088,"ContainerPort":80,"Protocol":"tcp","HostIP":""}
  it("is silent about the case of what the runtime wrote", () => {
    const found = normalize({ runtimeConfig: { portMappings: [{ HostPort: 8088 }] } });
    deepEqual(found.value, { runtimeConfig: { portMappings: [{ hostPort: 8088 }] } });
    deepEqual(found.warnings, []);
  });

  it("lets the later of two spellings count", () => {
    deepEqual(normalize({ mtu: 1, MTU: 2 }).value, { mtu: 2 });
    deepEqual(normalize({ MTU: 2, mtu: 1 }).value, { mtu: 1 });
  });

  it("leaves null out where the key is known", () => {
    deepEqual(normalize({ mtu: null, prevResult: null, ipam: { type: null } }).value, { ipam: {} });
  });

  // [document, the warnings]
  const unknown: [object, string[]][] = [
    [{ ipMask: true }, ['nothing reads "ipMask"; did you mean "ipMasq"?']],
    [{ vlanTrnuk: [] }, ['nothing reads "vlanTrnuk"; did you mean "vlanTrunk"?']],
    [{ mtuu: 1 }, ['nothing reads "mtuu"; did you mean "mtu"?']],
    [{ zzUnknown: 1 }, ['nothing reads "zzUnknown"']],
    [
      { portMappings: [] },
      ['nothing reads "portMappings"; did you mean "runtimeConfig.portMappings"?'],
    ],
    [
      { vlanTrunk: [{ minIDs: 1 }] },
      ['nothing reads "vlanTrunk[0].minIDs"; did you mean "minID"?'],
    ],
  ];
  for (const [document, warnings] of unknown) {
    it(`names the unknown key of ${JSON.stringify(document)}`, () => {
      deepEqual(normalize(document).warnings, warnings);
    });
  }

  it("finds every known key when one letter changed", () => {
    for (const key of table.object!.byName.keys()) {
      for (let at = 0; at < key.length; at++) {
        const typo = `${key.slice(0, at)}${key[at] === "x" ? "y" : "x"}${key.slice(at + 1)}`;
        const expected = `nothing reads "${typo}"; did you mean "${key}"?`;
        deepEqual(normalize({ [typo]: 1 }).warnings, [expected]);
      }
    }
  });

  it("says nothing of keys that belong to others", () => {
    const document = {
      "cni.dev/foo": 1,
      plugins: [],
      disableCheck: true,
      disableGC: true,
      cniVersions: [],
      loadOnlyInlinedPlugins: true,
      capabilities: { anything: true },
      args: { other: [1], cni: { labels: [] } },
      runtimeConfig: { aliases: [] },
      ipam: { type: "x", anything: 1 },
    };
    deepEqual(normalize(document).warnings, []);
  });

  it("names a setting that was put into capabilities", () => {
    const capabilities = { IPMasq: true, portMappings: true, bandwidth: true };
    deepEqual(normalize({ capabilities }).warnings, [
      '"capabilities.IPMasq" sets nothing; did you mean "ipMasq" beside "capabilities"?',
    ]);
  });

  it("keeps the number of lines in bounds", () => {
    const document = Object.fromEntries(Array.from({ length: 100_000 }, (_, n) => [`q${n}`, n]));
    const { warnings } = normalize(document);
    equal(warnings.length, 17);
    equal(warnings.at(-1), "99984 more keys that nothing reads");
  });

  it("drops __proto__ at every level it looks at", () => {
    const { value } = normalize(
      JSON.parse('{"__proto__":{"mtu":1},"vlanTrunk":[{"__proto__":{"minID":5}}]}'),
    );
    deepEqual(value, { vlanTrunk: [{}] });
    equal(Object.getPrototypeOf(value), Object.prototype);
  });
});

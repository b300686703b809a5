/**
 * The result of the same attachment in each version (checklist 2.2 and 2.3).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { hostLocalConfig, staticConfig } from "../../runner/vehicles.ts";
import { caseOfAll, prints, withoutDad } from "../delegators.ts";

const dns = { nameservers: ["10.0.0.53"], domain: "d.test", search: ["a"], options: ["ndots:2"] };
const ipam = {
  type: "static",
  addresses: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }, { address: "FD00:0:0::2/64" }],
  routes: [
    { dst: "0.0.0.0/0" },
    { dst: "10.9.0.0/16", gw: "10.0.0.9" },
    { dst: "::/0", gw: "fd00::1" },
  ],
  dns,
};

const familyShape = {
  ip4: {
    ip: "10.0.0.2/24",
    gateway: "10.0.0.1",
    routes: [{ dst: "0.0.0.0/0" }, { dst: "10.9.0.0/16", gw: "10.0.0.9" }],
  },
  ip6: { ip: "fd00::2/64", routes: [{ dst: "::/0", gw: "fd00::1" }] },
  dns,
};
const currentShape = {
  ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }, { address: "fd00::2/64" }],
  routes: ipam.routes,
  dns,
};
const versionedShape = {
  ...currentShape,
  ips: [
    { version: "4", ...currentShape.ips[0] },
    { version: "6", ...currentShape.ips[1] },
  ],
};

/** By version, what `static` answers. */
const shapes: readonly [versions: string[], shape: object, lines: Case["lines"]][] = [
  [["0.1.0", "0.2.0"], familyShape, ["OLD-001", "OLD-042", "U-251"]],
  [["0.3.0", "0.3.1", "0.4.0"], versionedShape, ["OLD-012", "OLD-039", "OLD-042", "U-251"]],
  [["1.0.0", "1.1.0"], currentShape, ["OLD-023", "OLD-039", "OLD-042", "U-251"]],
];

const isFamily = (version: string) => version < "0.3.0";

/** The addresses of a result of any version. */
function addressesOf(result: Reply): string[] {
  if (result.ips) return result.ips.map(({ address }: Reply) => address);
  return [result.ip4?.ip, result.ip6?.ip].filter(Boolean);
}

function hasShape(result: Reply, version: string): void {
  equal(result.cniVersion, version);
  deepEqual(addressesOf(result), ["10.9.0.2/24", "fd09::2/64"]);
  if (isFamily(version)) {
    deepEqual(Object.keys(result).sort(), ["cniVersion", "dns", "ip4", "ip6"]);
    return;
  }
  const versions = version < "1.0.0" ? ["4", "6"] : [undefined, undefined];
  deepEqual(
    result.ips.map((ip: Reply) => ip.version),
    versions,
  );
}

/** `interfaces` of 0.3.0 and later. */
function hasInterfaces(result: Reply, version: string, netns: string): void {
  const inside = result.interfaces.filter(({ sandbox }: Reply) => sandbox === netns);
  deepEqual(
    inside.map(({ name }: Reply) => name),
    ["eth0"],
  );
  ok(
    inside.every(({ mac }: Reply) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac)),
    "eth0 without a mac",
  );
  if (version >= "1.0.0") return;
  const newer = result.interfaces.flatMap((each: object) =>
    Object.keys(each).filter((key) => ["mtu", "socketPath", "pciID"].includes(key)),
  );
  deepEqual(newer, []);
}

const answer = {
  cniVersion: "1.0.0",
  ips: [
    { address: "10.9.0.2/24", gateway: "10.9.0.1" },
    { address: "fd09::2/64", gateway: "fd09::1" },
  ],
};

function staticCase(version: string, fact: string, lines: Case["lines"], run: (t: Trial) => void) {
  return { lines, program: "static", version, fact, run } satisfies Case;
}

const extras = { mtu: 1400, advmss: 1360, priority: 100, table: 50, scope: 253 };

export const cases: readonly Case[] = [
  ...shapes.flatMap(([versions, shape, lines]) =>
    versions.map((version) =>
      staticCase(version, `answers ${version} in its shape`, lines, (trial) => {
        const config = staticConfig(version, { ipam });
        const result = trial.ok({ command: "ADD", config, netns: trial.pod() });
        deepEqual(result, { cniVersion: version, ...shape });
      }),
    ),
  ),
  ...["0.1.0", "0.2.0"].map((version) =>
    staticCase(version, `drops what ${version} cannot say of routes`, ["OLD-001"], (trial) => {
      const routes = [
        { dst: "10.9.0.0/16", ...extras },
        { dst: "fd09::/64", gw: "fd00::1" },
      ];
      const addresses = [{ address: "10.0.0.2/24" }];
      const config = staticConfig(version, { ipam: { type: "static", addresses, routes } });
      const { ip4, ip6 } = trial.ok({ command: "ADD", config, netns: trial.pod() });
      deepEqual(ip4, { ip: "10.0.0.2/24", routes: [{ dst: "10.9.0.0/16" }] });
      equal(ip6, undefined);
    }),
  ),
  ...["0.3.0", "0.3.1", "0.4.0", "1.0.0"].map((version) =>
    staticCase(
      version,
      `keeps or drops at ${version} what 1.1.0 says of routes`,
      ["OLD-017", "OLD-024"],
      (trial) => {
        const addresses = [{ address: "10.0.0.2/24" }];
        const routes = [{ dst: "10.9.0.0/16", ...extras }];
        const config = staticConfig(version, { ipam: { type: "static", addresses, routes } });
        const [route] = trial.ok({ command: "ADD", config, netns: trial.pod() }).routes;
        const bare = Object.keys(route).length === 1;
        deepEqual(route, bare ? { dst: "10.9.0.0/16" } : routes[0]);
      },
    ),
  ),
  ...["0.1.0", "0.4.0", "1.0.0"].map(
    (version): Case => ({
      lines: ["OLD-026", "OLD-001"],
      program: "host-local",
      version,
      fact: `answers ${version} in its shape`,
      run(trial) {
        const ranges = [[{ subnet: "10.1.2.0/24" }], [{ subnet: "fd01::/64" }]];
        const config = hostLocalConfig(version, { ranges });
        const result = trial.ok({ command: "ADD", config, netns: trial.pod() });
        equal(result.cniVersion, version);
        deepEqual(addressesOf(result), ["10.1.2.2/24", "fd01::2/64"]);
        deepEqual(Object.hasOwn(result, "ips"), !isFamily(version));
      },
    }),
  ),
  ...caseOfAll({
    lines: ["OLD-026", "OLD-001", "OLD-012", "OLD-013", "OLD-017", "OLD-023"],
    fact: "answers every version in its shape",
    run(trial, delegation) {
      withoutDad(trial, delegation.netns);
      delegation.fake.answers("ADD", prints(answer));
      for (const cniVersion of trial.versions) {
        const result = trial.ok(delegation.call("ADD", { cniVersion }));
        hasShape(result, cniVersion);
        if (!isFamily(cniVersion)) hasInterfaces(result, cniVersion, delegation.netns);
        trial.ok(delegation.call("DEL", { cniVersion }));
      }
    },
  }),
  {
    lines: ["OLD-006"],
    program: "loopback",
    fact: "answers every version in its shape",
    run(trial) {
      const netns = trial.pod();
      for (const cniVersion of trial.versions) {
        const config = { cniVersion, name: "net1", type: "loopback" };
        const result = trial.ok({ command: "ADD", config, netns });
        equal(result.cniVersion, cniVersion);
        deepEqual(addressesOf(result), ["127.0.0.1/8", "::1/128"], cniVersion);
        if (isFamily(cniVersion)) {
          deepEqual(Object.keys(result).sort(), ["cniVersion", "dns", "ip4", "ip6"]);
          continue;
        }
        const wanted = cniVersion < "1.0.0" ? "4" : undefined;
        equal(result.ips[0].version, wanted, cniVersion);
        equal("mtu" in result.interfaces[0] && cniVersion < "1.0.0", false, "mtu is of 1.1.0");
        deepEqual("dns" in result, cniVersion < "1.0.0", "dns is printed before 1.0.0");
      }
    },
  },
];

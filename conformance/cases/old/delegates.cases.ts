/**
 * Results of a delegate in another version than the configuration's (checklist 2.5).
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import type { Reply } from "../../runner/trial.ts";
import {
  bridgeDelegator,
  caseOf,
  caseOfAll,
  type DelegationCase,
  oneAddress,
  prints,
  withoutDad,
} from "../delegators.ts";

const routes = [{ dst: "0.0.0.0/0" }];
const gateway = "10.9.0.1";
const family = { ip4: { ip: "10.9.0.2/24", gateway, routes } };
const versioned = { ips: [{ version: "4", address: "10.9.0.2/24", gateway }], routes };
const current = { ips: [{ address: "10.9.0.2/24", gateway }], routes };

/** What a delegate prints, under which version of the configuration. */
interface Conversion {
  lines: Case["lines"];
  what: string;
  answer: object;
  /** Of the configuration; the program's newest when left out, absent when `null`. */
  cniVersion?: string | null;
  /** It is asked of every program, else of bridge alone. */
  everywhere?: boolean;
}

const conversions: readonly Conversion[] = [
  ...["0.1.0", "0.2.0"].map((cniVersion) => ({
    lines: ["OLD-027", "DELEG-028"] as const,
    what: `of ${cniVersion}`,
    answer: { cniVersion, ...family },
    everywhere: cniVersion === "0.2.0",
  })),
  ...["0.3.0", "0.3.1", "0.4.0"].map((cniVersion) => ({
    lines: ["OLD-028", "DELEG-028"] as const,
    what: `of ${cniVersion}`,
    answer: { cniVersion, ...versioned },
    everywhere: cniVersion === "0.3.1",
  })),
  {
    lines: ["OLD-030", "DELEG-028", "U-268"],
    what: "without a version",
    answer: current,
    everywhere: true,
  },
  {
    lines: ["OLD-030", "DELEG-028", "U-268"],
    what: "with an empty version",
    answer: { cniVersion: "", ...current },
  },
  {
    lines: ["OLD-030", "DELEG-028", "U-268"],
    what: "without a version at 0.4.0",
    answer: versioned,
    cniVersion: "0.4.0",
  },
  {
    lines: ["OLD-030", "DELEG-028", "U-268"],
    what: "without a version at no version",
    answer: family,
    cniVersion: null,
  },
  {
    lines: ["OLD-026", "DELEG-028"],
    what: "of 1.0.0 at 0.4.0",
    answer: { cniVersion: "1.0.0", ...current },
    cniVersion: "0.4.0",
  },
  {
    lines: ["OLD-026", "DELEG-028"],
    what: "of 1.0.0 at 0.2.0",
    answer: { cniVersion: "1.0.0", ...current },
    cniVersion: "0.2.0",
  },
];

/** The one address of a result, with the interface it is on. */
function addressOf(result: Reply): object {
  if (result.ip4) return { address: result.ip4.ip };
  const [{ address, interface: index }] = result.ips;
  return { address, on: result.interfaces[index]?.name };
}

function converts({ lines, what, answer, cniVersion, everywhere }: Conversion): Case[] {
  const asked = everywhere ? caseOfAll : (each: DelegationCase) => [caseOf(bridgeDelegator, each)];
  return asked({
    lines,
    fact: `takes its delegate's result ${what}`,
    run(trial, delegation) {
      delegation.fake.answers("ADD", prints(answer));
      const version = cniVersion === undefined ? trial.newest : cniVersion;
      const result = trial.ok(delegation.call("ADD", { cniVersion: version ?? undefined }));
      equal(result.cniVersion, version ?? "0.1.0");
      const on = result.ips ? { on: "eth0" } : {};
      deepEqual(addressOf(result), { address: "10.9.0.2/24", ...on });
      const hasVersion = result.ips?.some((ip: object) => "version" in ip) ?? false;
      equal(hasVersion, result.ips !== undefined && result.cniVersion < "1.0.0");
      const [route] = trial.host.ipJson("-4 route show default", delegation.netns);
      equal(route?.gateway, gateway);
    },
  });
}

export const cases: readonly Case[] = [
  ...conversions.flatMap(converts),
  ...caseOfAll({
    lines: ["OLD-029"],
    fact: "refuses its delegate's addresses that 0.2.0 cannot say, and leaves nothing",
    run(trial, delegation) {
      withoutDad(trial, delegation.netns);
      const addresses = ["10.9.0.2/24", "10.8.0.2/24", "fd09::2/64"];
      const ips = addresses.map((address) => {
        return { address, gateway: address.replace(/2\/.*/, "1"), interface: 0 };
      });
      const interfaces = [{ name: "x" }];
      delegation.fake.answers("ADD", prints({ cniVersion: "1.0.0", interfaces, ips }));
      trial.leavesNothing(() => {
        const { msg, details } = trial.fails(delegation.call("ADD", { cniVersion: "0.2.0" }), 7);
        match(`${msg} ${details}`, /more than 1 address per family/);
      }, delegation.netns);
    },
  }),
  ...caseOfAll({
    lines: ["OLD-043"],
    fact: "keeps the host bits of an address, and masks those of a route or refuses them",
    run(trial, delegation) {
      const masked = [{ dst: "10.77.1.2/16", gw: "10.9.0.3" }];
      delegation.fake.answers("ADD", prints({ ...oneAddress, routes: masked }));
      const answer = trial.call(delegation.call("ADD"));
      if (answer.status !== 0) {
        trial.failed(answer, 7);
        const links = trial.host.ipJson("link", delegation.netns).map(({ ifname }) => ifname);
        ok(!links.includes("eth0"), "eth0 stays");
        return;
      }
      equal(answer.json.ips[0].address, "10.9.0.2/24");
      const [route] = trial.host.ipJson("-4 route show 10.77.0.0/16", delegation.netns);
      equal(route?.gateway, "10.9.0.3");
    },
  }),
];

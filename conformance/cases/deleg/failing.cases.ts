/**
 * Delegates that fail, and failures behind a delegate that did not (checklist 3.1).
 * @module
 */
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import {
  bridgeDelegator,
  caseOf,
  caseOfAll,
  type Delegation,
  type DelegationCase,
  failsWith,
  oneAddress,
  prints,
} from "../delegators.ts";

const { ips } = oneAddress;
/** A good answer, but the kernel refuses its route. */
const unreachable = prints({ ...oneAddress, routes: [{ dst: "10.50.0.0/16", gw: "10.200.0.1" }] });

/** An answer of ADD that is no result, and the codes the caller may give. */
interface BadAnswer {
  lines: readonly [string, ...string[]];
  what: string;
  script: string;
  codes: (code: number) => boolean;
  says?: RegExp;
  /** What is left is asked of every program, else of bridge alone. */
  everywhere?: true;
}

const anyCode = () => true;
const decodeOrOwn = (code: number) => code === 6 || code >= 100;

const badAnswers: readonly BadAnswer[] = [
  {
    lines: ["DELEG-016", "U-267"],
    what: "fails and prints nothing but a word on stderr",
    script: "echo trouble >&2; exit 3",
    codes: (code) => [5, 6].includes(code) || code >= 100,
    says: /trouble|exit status 3/,
  },
  {
    lines: ["DELEG-016", "U-267"],
    what: "fails without a word",
    script: "exit 3",
    codes: (code) => [5, 6].includes(code) || code >= 100,
    says: /exit status 3/,
  },
  {
    lines: ["DELEG-016", "U-267"],
    what: "fails and prints no JSON",
    script: "echo garble; exit 3",
    codes: (code) => [5, 6].includes(code) || code >= 100,
    says: /garble|exit status 3/,
  },
  { lines: ["DELEG-017"], what: "prints nothing", script: "true", codes: decodeOrOwn },
  {
    lines: ["DELEG-017"],
    what: "prints no JSON",
    script: "echo garble",
    codes: decodeOrOwn,
    everywhere: true,
  },
  { lines: ["DELEG-017"], what: "prints a list", script: "echo '[]'", codes: decodeOrOwn },
  {
    lines: ["DELEG-017"],
    what: "prints two documents",
    script: `${prints(oneAddress)}; ${prints({})}`,
    codes: decodeOrOwn,
  },
  {
    lines: ["DELEG-017"],
    what: "prints 3 MB that are no JSON",
    script: "/usr/bin/head -c 3000000 /dev/zero",
    codes: decodeOrOwn,
  },
  {
    lines: ["DELEG-017", "DELEG-011"],
    what: "prints null",
    script: "echo null",
    codes: anyCode,
    says: /missing IP config/,
  },
  {
    lines: ["DELEG-017", "DELEG-011"],
    what: "prints {}",
    script: "echo '{}'",
    codes: anyCode,
    says: /missing IP config/,
  },
  {
    lines: ["DELEG-011"],
    what: "gives no address",
    script: prints({ cniVersion: "1.0.0", ips: [], routes: [{ dst: "0.0.0.0/0" }] }),
    codes: anyCode,
    everywhere: true,
    says: /missing IP config/,
  },
  {
    lines: ["DELEG-018"],
    what: "dies by a signal",
    script: "kill -9 $$",
    codes: anyCode,
    everywhere: true,
  },
  {
    lines: ["OLD-031", "DELEG-028"],
    what: "gives a result of version 2.0.0",
    script: prints({ cniVersion: "2.0.0", ips }),
    codes: (code) => code === 1 || code >= 100,
    everywhere: true,
  },
  {
    lines: ["OLD-032"],
    what: "gives a null among its addresses",
    script: prints({ cniVersion: "1.0.0", ips: [null] }),
    codes: (code) => [6, 7].includes(code) || code >= 100,
  },
  {
    lines: ["OLD-041"],
    what: "gives an IPv4 address in IPv6 form",
    script: prints({
      cniVersion: "0.3.1",
      ips: [{ version: "6", address: "::ffff:10.0.0.1/120" }],
    }),
    codes: (code) => code === 7,
  },
];

function reports({ lines, what, script, codes, says }: BadAnswer): Case {
  return caseOf(bridgeDelegator, {
    lines,
    fact: `fails when its delegate ${what}`,
    run(trial, delegation) {
      delegation.fake.answers("ADD", script);
      const { code, msg, details } = trial.fails(delegation.call("ADD"));
      ok(codes(code), `code ${code}`);
      match(`${msg}\n${details}`, says ?? /./);
    },
  });
}

function releases({ lines, what, script, everywhere }: BadAnswer): Case[] {
  const asked = everywhere ? caseOfAll : (each: DelegationCase) => [caseOf(bridgeDelegator, each)];
  return asked({
    lines,
    fact: `releases, and leaves nothing, when its delegate ${what}`,
    run(trial, delegation) {
      delegation.fake.answers("ADD", script);
      trial.leavesNothing(() => trial.call(delegation.call("ADD")), delegation.netns);
      deepEqual(delegation.commands(), ["ADD", "DEL"]);
    },
  });
}

/** What ADD may survive: either way the address is released as often as it has to be. */
const mishaps: readonly [what: string, script: string][] = [
  ["gives an address twice", prints({ cniVersion: "1.0.0", ips: [...ips, ...ips] })],
  ["takes the namespace away", `umount "$CNI_NETNS" && rm "$CNI_NETNS"; ${prints(oneAddress)}`],
];

/** Answers of a delegate from before 1.1.0, by command. */
const unknownCommand: readonly [code: number, msg: (command: string) => string][] = [
  [4, (command) => `unknown CNI_COMMAND: ${command}`],
  [1, (command) => `config version does not allow ${command}`],
];

const masquerading = { ipMasq: true, macspoofchk: true };

function failsToDelete(delegation: Delegation): void {
  delegation.fake.answers("DEL", failsWith(123, "m", "d"));
}

export const cases: readonly Case[] = [
  ...caseOfAll({
    lines: ["DELEG-015", "DELEG-012"],
    fact: "passes the error of its delegate's ADD on",
    run(trial, delegation) {
      delegation.fake.answers("ADD", failsWith(123, "m-word", "d-word"));
      const { code, msg, details } = trial.fails(delegation.call("ADD"));
      equal(code, 123);
      match(msg, /m-word/);
      match(details, /d-word/);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-012"],
    fact: "calls its delegate's DEL after its ADD failed",
    run(trial, delegation) {
      delegation.fake.answers("ADD", failsWith(123, "m"));
      trial.fails(delegation.call("ADD"));
      deepEqual(delegation.commands(), ["ADD", "DEL"]);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-012"],
    fact: "leaves nothing when its delegate's ADD fails",
    run(trial, delegation) {
      delegation.fake.answers("ADD", failsWith(123, "m"));
      trial.leavesNothing(() => trial.fails(delegation.call("ADD")), delegation.netns);
    },
  }),
  ...badAnswers.map(reports),
  ...badAnswers.flatMap(releases),
  ...caseOfAll({
    lines: ["DELEG-013"],
    fact: "releases once when a route is refused",
    run(trial, delegation) {
      delegation.fake.answers("ADD", unreachable);
      trial.fails(delegation.call("ADD"));
      deepEqual(delegation.commands(), ["ADD", "DEL"]);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-013"],
    fact: "leaves nothing when a route is refused",
    run(trial, delegation) {
      delegation.fake.answers("ADD", unreachable);
      trial.leavesNothing(() => trial.fails(delegation.call("ADD")), delegation.netns);
    },
  }),
  ...mishaps.flatMap(([what, script]) =>
    caseOfAll({
      lines: ["DELEG-013"],
      fact: `releases once if it fails, else not, when its delegate ${what}`,
      run(trial, delegation) {
        delegation.fake.answers("ADD", script);
        const { status } = trial.call(delegation.call("ADD"));
        deepEqual(delegation.commands(), status === 0 ? ["ADD"] : ["ADD", "DEL"]);
      },
    }),
  ),
  ...caseOfAll({
    lines: ["DELEG-013", "ROB-020"],
    fact: "releases once when its result cannot be printed",
    run(trial, delegation) {
      const argv = ["bash", "-c", `exec ${trial.build.folder}/${trial.program} > /dev/full`];
      const input = JSON.stringify(delegation.config);
      const env = delegation.environment("ADD");
      const { status } = trial.host.run(argv, { input, env });
      notEqual(status, 0);
      deepEqual(delegation.commands(), ["ADD", "DEL"]);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-014"],
    fact: "returns the first error when the release fails too",
    run(trial, delegation) {
      delegation.fake.answers("ADD", unreachable);
      delegation.fake.answers("DEL", failsWith(123, "release"));
      const { code } = trial.fails(delegation.call("ADD"));
      notEqual(code, 123);
      deepEqual(delegation.commands(), ["ADD", "DEL"]);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-021", "DELEG-015"],
    fact: "passes the error of its delegate's DEL on",
    run(trial, delegation) {
      trial.ok(delegation.call("ADD"));
      failsToDelete(delegation);
      const { msg } = trial.fails(delegation.call("DEL"), 123);
      match(msg, /m/);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-021"],
    fact: "takes its own away when its delegate's DEL fails",
    run(trial, delegation) {
      failsToDelete(delegation);
      trial.leavesNothing(() => {
        const prevResult = trial.ok(delegation.call("ADD", masquerading));
        trial.fails(delegation.call("DEL", { ...masquerading, prevResult }));
      }, delegation.netns);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-022", "SPEC-055"],
    fact: "calls its delegate's DEL when the namespace is gone",
    run(trial, delegation) {
      trial.ok(delegation.call("DEL", {}, { netns: "" }));
      trial.ok(delegation.call("DEL", {}, { netns: "/run/netns/gone" }));
      deepEqual(delegation.commands(), ["DEL", "DEL"]);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-023"],
    fact: "takes its own away when its delegate is gone, and fails",
    run(trial, delegation) {
      const { folder } = delegation.fake;
      trial.leavesNothing(() => {
        trial.ok(delegation.call("ADD", masquerading));
        renameSync(join(folder, "fake"), join(folder, "moved"));
        trial.fails(delegation.call("DEL", masquerading), undefined, "fake");
      }, delegation.netns);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-024", "DELEG-015"],
    fact: "passes the error of its delegate's CHECK on",
    run(trial, delegation) {
      const prevResult = trial.ok(delegation.call("ADD"));
      delegation.fake.answers("CHECK", failsWith(123, "m-word"));
      trial.fails(delegation.call("CHECK", { prevResult }), 123, "m-word");
    },
  }),
  ...["STATUS", "GC"].flatMap((command) =>
    caseOfAll({
      lines: [command === "GC" ? "DELEG-026" : "DELEG-025", "DELEG-015"],
      fact: `passes the error of its delegate's ${command} on`,
      version: "1.1.0",
      run(trial, delegation) {
        delegation.fake.answers(command, failsWith(123, "m-word"));
        const lists = { "cni.dev/valid-attachments": [], "cni.dev/attachments": [] };
        trial.fails(delegation.call(command, lists), 123, "m-word");
      },
    }),
  ),
  ...["STATUS", "GC"].flatMap((command) =>
    caseOfAll({
      lines: ["DELEG-027"],
      fact: `answers ${command} when its delegate does not know it`,
      version: "1.1.0",
      run(trial, delegation) {
        for (const [code, msg] of unknownCommand) {
          delegation.fake.answers(command, failsWith(code, msg(command)));
          const { status, json } = trial.call(delegation.call(command));
          ok(status === 0 || json.code === code, "neither success nor the delegate's error");
        }
      },
    }),
  ),
  ...caseOfAll({
    lines: ["DELEG-026"],
    fact: "collects its own when its delegate's GC fails",
    version: "1.1.0",
    run(trial, delegation, { lends }) {
      delegation.fake.answers("GC", failsWith(123, "m"));
      trial.leavesNothing(() => {
        trial.ok(delegation.call("ADD", masquerading));
        if (!lends) trial.host.deletePod("pod1");
        trial.fails(delegation.call("GC", { ...masquerading, "cni.dev/valid-attachments": [] }));
      });
    },
  }),
  ...["ADD", "DEL"].map((command) =>
    caseOf(bridgeDelegator, {
      lines: ["DELEG-019", "U-267"],
      fact: `lets its delegate's stderr through when ${command} succeeds`,
      run(trial, delegation) {
        delegation.fake.answers("DEL", "echo a-word >&2");
        const answer = prints(oneAddress);
        delegation.fake.answers("ADD", `echo a-word >&2; ${answer}`);
        match(trial.call(delegation.call(command)).stderr, /a-word/);
      },
    }),
  ),
  ...caseOfAll({
    lines: ["DELEG-019"],
    fact: "lets its delegate's stderr through when it fails",
    run(trial, delegation) {
      delegation.fake.answers("ADD", `echo a-word >&2; ${failsWith(123, "m")}`);
      match(trial.call(delegation.call("ADD")).stderr, /a-word/);
    },
  }),
];

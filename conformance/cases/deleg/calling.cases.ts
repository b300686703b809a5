/**
 * What a delegate is given, and when it is executed (checklist 3.1).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import {
  bridgeDelegator,
  caseOf,
  caseOfAll,
  delegators,
  oneAddress,
  prints,
} from "../delegators.ts";

const foreign = { CNI_X: "y", FOO: "bar", TRACEPARENT: "00-1-2-00", LC_ALL: "tlh" };

/** Names of an environment that are there twice. */
function twins(env: readonly string[]): string[] {
  const names = env.map((entry) => entry.split("=", 1)[0]!);
  return names.filter((name, index) => names.indexOf(name) !== index);
}

export const cases: readonly Case[] = [
  ...caseOfAll({
    lines: ["DELEG-004", "DELEG-005"],
    fact: "gives its delegate the environment it has itself, and no more",
    run(trial, delegation) {
      trial.ok(delegation.call("ADD", {}, { env: foreign }));
      const [seen] = delegation.fake.calls();
      const wanted = { ...delegation.environment("ADD"), ...foreign };
      const env = Object.fromEntries(
        seen!.env.map((entry) => [entry.split("=", 1)[0], entry.replace(/^[^=]*=/, "")]),
      );
      deepEqual({ ...env, PATH: "" }, { ...wanted, PATH: "" });
      deepEqual(twins(seen!.env), []);
    },
  }),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-004"],
    fact: "adds no PATH for its delegate when it has none itself",
    run(trial, delegation) {
      trial.ok(delegation.call("ADD", {}, { env: { PATH: undefined } }));
      const [seen] = delegation.fake.calls();
      deepEqual(
        seen?.env.filter((entry) => !entry.startsWith("CNI_")),
        [],
      );
    },
  }),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-005"],
    fact: "changes nothing but CNI_COMMAND for the DEL of a failing ADD",
    run(trial, delegation) {
      const unreachable = [{ dst: "10.50.0.0/16", gw: "10.200.0.1" }];
      delegation.fake.answers("ADD", prints({ ...oneAddress, routes: unreachable }));
      trial.fails(delegation.call("ADD", {}, { env: foreign }));
      const [add, del] = delegation.fake.calls();
      const sorted = (env: string[] = []) => env.toSorted();
      const wanted = add!.env.map((e) => (e === "CNI_COMMAND=ADD" ? "CNI_COMMAND=DEL" : e));
      deepEqual(sorted(del?.env), sorted(wanted));
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-006"],
    fact: "gives its delegate the bytes that it was given",
    run(trial, delegation) {
      const rest = { args: { cni: { x: [1, { y: null }] } }, runtimeConfig: { z: [] } };
      const keys = { ...delegation.config, ...rest, "cni.dev/x": 1, zzUnknown: { é: "<&>" } };
      const stdin = JSON.stringify(keys).replace("{", '{ "big":12345678901234567890123,\n');
      trial.ok(delegation.send("ADD", stdin));
      trial.ok(delegation.send("DEL", stdin));
      deepEqual(
        delegation.fake.calls().map((call) => call.stdin),
        [stdin, stdin],
      );
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-007"],
    fact: "executes its delegate in its own namespace and folder, with no file open besides",
    run(trial, delegation) {
      trial.ok(delegation.call("ADD"));
      const [seen] = delegation.fake.calls();
      equal(seen?.netns, trial.run("readlink /proc/self/ns/net").trim());
      equal(seen?.cwd, trial.run("pwd").trim());
      const inherited = trial.run("ls /proc/self/fd").split("\n");
      deepEqual(
        seen?.fds.filter((fd) => !inherited.includes(fd)),
        [],
      );
    },
  }),
  ...delegators.flatMap((delegator) =>
    delegator.refused.map((refused) =>
      caseOf(delegator, {
        lines: ["DELEG-008"],
        fact: `asks for no address when it is given ${JSON.stringify(refused)}`,
        run(trial, delegation) {
          trial.fails(delegation.call("ADD", refused));
          deepEqual(delegation.commands(), []);
        },
      }),
    ),
  ),
  ...caseOfAll({
    lines: ["DELEG-009", "DELEG-024", "SPEC-045"],
    fact: "executes its delegate once for ADD, CHECK and DEL, with that command",
    run(trial, delegation) {
      const prevResult = trial.ok(delegation.call("ADD"));
      trial.ok(delegation.call("CHECK", { prevResult }));
      trial.ok(delegation.call("DEL", { prevResult }));
      deepEqual(delegation.commands(), ["ADD", "CHECK", "DEL"]);
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-009", "DELEG-025", "DELEG-026"],
    fact: "executes its delegate once for STATUS and GC, with that command",
    version: "1.1.0",
    run(trial, delegation) {
      const lists = { "cni.dev/valid-attachments": [], "cni.dev/attachments": [] };
      trial.ok(delegation.call("STATUS"));
      trial.ok(delegation.call("GC", lists));
      const calls = delegation.fake.calls();
      deepEqual(
        calls.map(({ command }) => command),
        ["STATUS", "GC"],
      );
      deepEqual(JSON.parse(calls[1]!.stdin)["cni.dev/valid-attachments"], []);
    },
  }),
];

/**
 * The configuration object (checklist 1.A).
 * @module
 */
import type { Case } from "../../runner/case.ts";
import { bridgeConfig, staticConfig } from "../../runner/vehicles.ts";

const badNames = ["../x", ".x", "-x", "_x", "a/b", "a b", "a\u0000b", "é", "a\n", "a\\b"];

export const cases: readonly Case[] = [
  ...[undefined, "", null].map(
    (name): Case => ({
      lines: ["SPEC-003"],
      program: "static",
      fact: `refuses the name ${JSON.stringify(name)}`,
      run(trial) {
        const config = staticConfig(trial.newest, { name });
        trial.unchanged(() => trial.fails({ command: "ADD", config, netns: trial.pod() }, 7));
      },
    }),
  ),
  ...badNames.map(
    (name): Case => ({
      lines: ["SPEC-004"],
      program: "static",
      fact: `refuses the name ${JSON.stringify(name)}`,
      run(trial) {
        const config = staticConfig(trial.newest, { name });
        trial.unchanged(() => trial.fails({ command: "ADD", config, netns: trial.pod() }, 7));
      },
    }),
  ),
  {
    lines: ["SPEC-050", "SPEC-051"],
    program: "bridge",
    beside: ["host-local"],
    fact: "is undone by DEL, which may come again",
    run(trial) {
      const config = bridgeConfig(trial.newest, { ipMasq: true });
      const netns = trial.pod();
      trial.leavesNothing(() => {
        const prevResult = trial.ok({ command: "ADD", config, netns });
        trial.ok({ command: "DEL", config: { ...config, prevResult }, netns });
      }, netns);
      for (const _ of "23") trial.unchanged(() => trial.ok({ command: "DEL", config, netns }));
    },
  },
];

/**
 * `npm test`, once the programs are built: everything there is, side by side. With arguments only what they name: test
 * files, folders of tests, or steps by the beginning of their names. `--list` shows the steps.
 *
 *     npm test -- test/plugins/bridge
 *     npm test -- "guest kernel" "types"
 * @module
 */
import { allSteps, chosenSteps } from "./plan.ts";
import { runAndConclude } from "./run.ts";
import type { Step } from "./steps.ts";

const wanted = process.argv.slice(2);
if (wanted.includes("--list")) {
  for (const { name } of allSteps()) console.log(name);
} else {
  await runAndConclude(wanted.length === 0 ? allSteps() : chosenOrExit(wanted));
}

function chosenOrExit(words: readonly string[]): Step[] {
  try {
    return chosenSteps(words);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

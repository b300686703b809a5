/**
 * Runs steps for whoever waits at a terminal or reads a log.
 * @module
 */
import { availableParallelism } from "node:os";
import { endSteps, runSteps, type Step, type StepResult } from "./steps.ts";
import { headline, sentence, summary, total } from "./summary.ts";

/** Three more than processors: tests wait for what they have started, and for the kernel, more than half of their time. */
const places = availableParallelism() + 3;

/** Runs the steps, tells of each whole when it has ended, prints the verdict as the last line and sets the exit status. */
export async function runAndConclude(steps: readonly Step[]): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      endSteps();
      process.exit(1);
    });
  }
  const started = performance.now();
  const show = steps.length === 1;
  const results = await runSteps(steps, {
    places,
    show,
    started: ({ name }) => console.log(`...  ${name}`),
    ended: (result) => {
      if (worthReading(result)) console.log(result.output.trimEnd());
      console.log(headline(result));
    },
  });
  const rows = summary(results, performance.now() - started);
  console.log(show ? sentence(total(results)) : `\n${rows.join("\n")}`);
  process.exitCode = total(results).failed === 0 ? 0 : 1;
}

/** A command that is well says nothing of interest; tests say what they did. */
function worthReading({ step, counts, output }: StepResult): boolean {
  return output !== "" && (step.counts === "report" || counts.failed > 0);
}

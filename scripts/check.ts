/**
 * `npm run check`: format, lint, types, the repository's own rules and every test that needs neither root nor a build.
 * @module
 */
import { staticSteps, unitStep } from "./plan.ts";
import { runAndConclude } from "./run.ts";

await runAndConclude([...staticSteps, unitStep()]);

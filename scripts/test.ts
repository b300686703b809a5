/**
 * `npm test`, once the programs are built: what `npm run check` does, and the tests of the built programs.
 * @module
 */
import { conclude, runMocha, runStaticSteps } from "./steps.ts";

const steps = await runStaticSteps();
conclude(steps, await runMocha("{test,conformance}/**/*.test.ts", ...process.argv.slice(2)));

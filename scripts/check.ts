/**
 * `npm run check`: format, lint, types, the repository's own rules and every test that needs neither root nor a build.
 * @module
 */
import { conclude, runMocha, runStaticSteps } from "./steps.ts";

const steps = await runStaticSteps();
conclude(steps, await runMocha("test/**/*.test.ts", "--ignore", "test/**/*.kernel.test.ts"));

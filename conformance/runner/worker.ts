/**
 * A process that runs jobs, one at a time, as its parent says.
 * @module
 */
import { execute, type Order } from "./execute.ts";
import { loadCases } from "./jobs.ts";

const cases = await loadCases();

process.on("message", async (order: Order) => {
  process.send?.(await execute(order, cases));
});
process.on("disconnect", () => process.exit());
process.send?.("ready");

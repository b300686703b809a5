/**
 * The process in the guest that runs jobs.
 * @module
 */
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "./case.ts";
import { keyOf } from "./case.ts";
import { execute, type Order } from "./execute.ts";
import { type Feature, hasFeature } from "./features.ts";
import type { Finding } from "./verdict.ts";

/** What the world outside is told: the number of the order, and what came of it. */
export interface Told {
  index: number;
  finding: Finding;
}

/** Runs the orders of `orders.json` in that folder and tells of each in `findings.jsonl`. */
export async function runOrders(cases: readonly Case[], folder: string): Promise<void> {
  const orders: Order[] = JSON.parse(readFileSync(join(folder, "orders.json"), "utf8"));
  const present = new Map<Feature, boolean>();
  const has = (feature: Feature) => {
    const known = present.get(feature) ?? hasFeature(feature);
    present.set(feature, known);
    return known;
  };
  for (const [index, order] of orders.entries()) {
    const { needs = [] } = cases.find((each) => keyOf(each) === order.key) ?? {};
    const missing = needs.find((feature) => !has(feature));
    const finding: Finding =
      missing === undefined
        ? await execute(order, cases)
        : { status: "skip", reason: `needs ${missing}, in the guest too`, ms: 0 };
    const told: Told = { index, finding };
    appendFileSync(join(folder, "findings.jsonl"), `${JSON.stringify(told)}\n`);
  }
}

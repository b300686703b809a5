/**
 * The seed that a random test starts from: `NETLOOM_SEED=7`, `NETLOOM_SEED=random`, or always the same.
 * @module
 */
import { randomInt } from "node:crypto";

const given = process.env["NETLOOM_SEED"] ?? "20261122";

/** A whole number from 1 on; tests print it with what they find. */
export const seed = given === "random" ? randomInt(1, 2 ** 31) : Number(given);
if (!(Number.isInteger(seed) && seed > 0))
  throw new Error(`NETLOOM_SEED: want a number, got "${given}"`);

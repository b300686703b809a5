/**
 * Waiting for what happens on a node.
 * @module
 */
import { setTimeout as sleep } from "node:timers/promises";

/** What is waited for can never be. */
export class Futile extends Error {}

/**
 * Asks until there is an answer.
 * @param what completes "no …", for the error
 * @param ask returns `undefined`, or throws, as long as it is not so
 * @throws {Futile} as soon as `ask` does
 * @throws {Error} after two minutes, which a busy machine does not need, with what was thrown last as its cause
 */
export async function until<T>(what: string, ask: () => T | Promise<T>): Promise<NonNullable<T>> {
  const patience = Date.now() + 120_000;
  for (;;) {
    let cause: unknown;
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer;
    } catch (error) {
      if (error instanceof Futile) throw error;
      cause = error;
    }
    if (Date.now() > patience) throw new Error(`no ${what} after two minutes`, { cause });
    await sleep(100);
  }
}

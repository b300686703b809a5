/**
 * Undoing what a failing ADD did.
 * @module
 */

import "./host.ts"; // Symbol.dispose, before the class below uses it
import { explain } from "./errors.ts";
import { warn } from "./log.ts";

/**
 * A list of undos that runs, last first, unless {@link commit} was called. Declare it with `using`, after the
 * resources the undos need.
 *
 * A failing undo is reported on stderr beside the first error, which goes on upwards; the other undos still run.
 */
export class Rollback {
  #undos: (() => void)[] = [];

  /** Adds the undo of the step that has just been taken. */
  defer(undo: () => void): void {
    this.#undos.push(undo);
  }

  /** Everything worked: forget the undos. */
  commit(): void {
    this.#undos = [];
  }

  [Symbol.dispose](): void {
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        undo();
      } catch (error) {
        warn(`while undoing a failed ADD: ${explain(error)}`);
      }
    }
  }
}

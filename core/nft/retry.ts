/**
 * Repeating what somebody else's commit has overtaken.
 * @module
 */

import { CniError, cniCode, explain, isErrno } from "../errors.ts";

/** Everybody who overtakes us has committed, so some call gets on with every round. */
const attempts = 200;

/**
 * Looks and writes until nobody commits between the two.
 * @param attempt gets the error that ended the round before
 * @param expected errno names after which looking again helps; ERESTART is always one
 * @throws {CniError} 11 when others commit without end; what `attempt` throws otherwise
 */
export function untilNotOvertaken<T>(
  expected: readonly string[],
  attempt: (before: unknown) => T,
): T {
  let before: unknown;
  for (let round = 0; round < attempts; round++) {
    try {
      return attempt(before);
    } catch (error) {
      if (!isErrno(error, "ERESTART", ...expected)) throw error;
      before = error;
    }
  }
  throw new CniError(
    cniCode.tryAgain,
    `change nf_tables: overtaken by others ${attempts} times; last: ${explain(before)}`,
  );
}

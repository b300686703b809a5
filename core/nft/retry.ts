/**
 * Repeating what somebody else's commit has overtaken.
 * @module
 */

import { CniError, cniCode, explain, isErrno } from "../errors.ts";

/** Everybody who overtakes us has committed, so some call gets on with every round. */
const attempts = 200;

/**
 * Looks and writes until nobody commits between the two.
 * @param helps whether looking again helps after an error; after ERESTART it always does
 * @throws {CniError} 11 when others commit without end; what `attempt` throws otherwise
 */
export function untilNotOvertaken<T>(attempt: () => T, helps: (error: unknown) => boolean): T {
  let last: unknown;
  for (let round = 0; round < attempts; round++) {
    try {
      return attempt();
    } catch (error) {
      if (!isErrno(error, "ERESTART") && !helps(error)) throw error;
      last = error;
    }
  }
  throw new CniError(
    cniCode.tryAgain,
    `change nf_tables: overtaken by others ${attempts} times; last: ${explain(last)}`,
  );
}

/** For {@link untilNotOvertaken}: what was there a moment ago is gone. */
export function vanished(error: unknown): boolean {
  return isErrno(error, "ENOENT");
}

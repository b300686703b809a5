/**
 * Waiting, for tests whose every step is a call that returns when it is done.
 * @module
 */
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Lets other processes work for so long. */
export function pause(ms: number): void {
  Atomics.wait(sleeper, 0, 0, ms);
}

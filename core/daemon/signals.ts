/**
 * Signals as events of the loop.
 * @see signalfd(2)
 * @module
 */

import { host } from "../host.ts";
import { type EventLoop, POLLIN } from "./loop.ts";

export const SIGHUP = 1;
export const SIGINT = 2;
export const SIGTERM = 15;

/** sizeof(struct signalfd_siginfo); its first field, ssi_signo, is 32 bits in the machine's order. */
const SIGNALFD_SIGINFO = 128;

/** Calls `received` with the number of each of these signals from now on, instead of what they would do. */
export function watchSignals(
  loop: EventLoop,
  signals: number[],
  received: (signal: number) => void,
): void {
  const fd = host.signalfd(signals);
  loop.watch(fd, POLLIN, () => {
    const info = host.read(fd, SIGNALFD_SIGINFO);
    received(new DataView(info.buffer, info.byteOffset).getUint32(0, true));
  });
}

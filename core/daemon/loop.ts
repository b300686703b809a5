/**
 * The loop of a daemon: poll(2) over descriptors, and timers.
 * @see poll(2), timerfd_create(2)
 * @module
 */

import { host } from "../host.ts";

export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;
export const POLLHUP = 16;

/** A clock that counts on while the machine is suspended: so do the leases that others gave. */
const CLOCK_BOOTTIME = 7;

/** Milliseconds since the machine was started, its sleep included. */
export function bootMs(): number {
  return host.clockGettime(CLOCK_BOOTTIME);
}

/** A descriptor the loop looks at. */
export interface Watch extends Disposable {
  /** What is waited for: POLLIN, POLLOUT, both, or 0 for the peer's end alone. */
  events: number;
}

/** A function that is still to be called. */
export interface Timer extends Disposable {
  /** When, in milliseconds of {@link bootMs}. */
  readonly atMs: number;
}

interface Watched {
  fd: number;
  events: number;
  ready: (events: number) => void;
}

/** Waits, and calls what is due. One function is called at a time, and each returns soon. */
export class EventLoop implements Disposable {
  readonly #watched = new Set<Watched>();
  #list: { fd: number; events: number }[] | undefined;
  readonly #timers = new Set<{ atMs: number; due: () => void }>();
  readonly #clockFd = host.timerfdCreate(CLOCK_BOOTTIME);
  readonly #failed: (error: unknown) => void;
  /** When the next timer may be due: never later than it is. */
  #next = Number.POSITIVE_INFINITY;
  /** When the clock's descriptor is set to. */
  #setTo = Number.POSITIVE_INFINITY;
  #stopped = false;

  /** @param failed told what a function threw; the loop goes on */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Calls `ready` with the events of a descriptor that stays the caller's. Disposing ends it, also from within `ready`. */
  watch(fd: number, events: number, ready: (events: number) => void): Watch {
    const watched: Watched = { fd, events, ready };
    this.#watched.add(watched);
    this.#list = undefined;
    return {
      get events() {
        return watched.events;
      },
      set events(events: number) {
        watched.events = events;
      },
      [Symbol.dispose]: () => {
        this.#watched.delete(watched);
        this.#list = undefined;
      },
    };
  }

  /** Calls `due` once at a time of {@link bootMs}; at once when it has passed. Disposing forgets it. */
  at(atMs: number, due: () => void): Timer {
    const timer = { atMs, due };
    this.#timers.add(timer);
    this.#next = Math.min(this.#next, atMs);
    return { atMs, [Symbol.dispose]: () => void this.#timers.delete(timer) };
  }

  /** Calls `due` once, after that many milliseconds. */
  after(milliseconds: number, due: () => void): Timer {
    return this.at(bootMs() + milliseconds, due);
  }

  /** Runs until {@link stop}. */
  run(): void {
    while (!this.#stopped) this.#turn();
  }

  /** Lets {@link run} return when the function that calls this has returned. */
  stop(): void {
    this.#stopped = true;
  }

  [Symbol.dispose](): void {
    host.close(this.#clockFd);
  }

  #turn(): void {
    this.#setClock();
    const asked = this.#asked();
    const events = host.poll(asked, -1);
    // a plain loop: with hundreds of descriptors, of which one is ready, all else takes longer than what is to be done
    for (let index = 1; index < events.length; index++) {
      const ready = events[index] as number;
      if (ready === 0) continue;
      const each = asked[index] as Watched;
      // one before it may have ended it, and its descriptor may be another's now
      if (this.#watched.has(each)) this.#call(() => each.ready(ready));
      if (this.#stopped) return;
    }
    this.#callDue();
  }

  /** What poll(2) is asked about, the clock first. The same list until a watch comes or goes. */
  #asked(): { fd: number; events: number }[] {
    this.#list ??= [{ fd: this.#clockFd, events: POLLIN }, ...this.#watched];
    return this.#list;
  }

  /** Sets the clock's descriptor to the next timer; a timer that has passed makes it ready at once. */
  #setClock(): void {
    const next = this.#next;
    if (next === this.#setTo) return;
    this.#setTo = next;
    // 0 would stop it
    const value = next === Number.POSITIVE_INFINITY ? 0 : Math.max(next - bootMs(), 0.001);
    host.timerfdSettime(this.#clockFd, value, 0);
  }

  /** Looks at timers when one may be due alone: there are hundreds. */
  #callDue(): void {
    const now = bootMs();
    if (now < this.#next) return;
    const due = [...this.#timers].filter(({ atMs }) => atMs <= now);
    for (const timer of due.sort((a, b) => a.atMs - b.atMs)) {
      if (this.#timers.delete(timer)) this.#call(timer.due);
      if (this.#stopped) return;
    }
    this.#next = Number.POSITIVE_INFINITY;
    for (const { atMs } of this.#timers) this.#next = Math.min(this.#next, atMs);
    this.#setTo = Number.NaN; // what has expired is set again
  }

  #call(fn: () => void): void {
    try {
      fn();
    } catch (error) {
      this.#failed(error);
    }
  }
}

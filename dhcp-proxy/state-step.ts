/**
 * One event of a state machine: what the machines of both families have in common.
 * @module
 */

/** What every machine knows of time. Milliseconds of CLOCK_BOOTTIME. */
interface Timed {
  readonly timerAtMs?: number | undefined;
  readonly deadlineMs?: number | undefined;
}

/** What every machine can want done. */
type CommonAction = { type: "timer"; atMs: number | undefined } | { type: "note"; text: string };

/** Collects the new state and what is to be done. */
export class StateStep<S extends Timed, A> {
  state: S;
  readonly actions: (A | CommonAction)[] = [];
  protected readonly nowMs: number;
  protected readonly random: () => number;

  constructor(state: S, nowMs: number, random: () => number) {
    this.state = state;
    this.nowMs = nowMs;
    this.random = random;
  }

  /** Never later than the deadline, so that it is noticed. */
  protected timerAt(atMs: number | undefined): void {
    const { deadlineMs = Number.POSITIVE_INFINITY } = this.state;
    const timerAtMs = atMs === undefined ? undefined : Math.ceil(Math.min(atMs, deadlineMs));
    this.state = { ...this.state, timerAtMs };
    this.do({ type: "timer", atMs: timerAtMs });
  }

  protected note(text: string): void {
    this.do({ type: "note", text });
  }

  protected do(action: A | CommonAction): void {
    this.actions.push(action);
  }

  protected set(change: Partial<S>): void {
    this.state = { ...this.state, ...change };
  }
}

/** True when that moment has come; `null` never comes. */
export function isPast(atMs: number | null, nowMs: number): boolean {
  return atMs !== null && atMs <= nowMs;
}

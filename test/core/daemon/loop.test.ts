import { deepEqual, equal } from "node:assert/strict";
import { EventLoop, POLLIN } from "../../../core/daemon/loop.ts";
import { useHost } from "../../fake-host.ts";

/** A machine whose time passes only in poll(2): until a timer, or until the next of the `arrivals`. */
class FakeMachine {
  now = 1000;
  /** `[when, descriptor]` */
  arrivals: [number, number][] = [];
  polls = 0;
  #timer = Number.POSITIVE_INFINITY;
  readonly host = useHost({
    timerfdCreate: () => 3,
    timerfdSettime: (_: number, valueMs: number) => {
      this.#timer = valueMs === 0 ? Number.POSITIVE_INFINITY : this.now + valueMs;
    },
    clockGettime: () => this.now,
    close: () => {},
    poll: (fds) => this.#poll(fds),
  });

  #poll(fds: { fd: number; events: number }[]): number[] {
    this.polls += 1;
    const watched = this.arrivals.filter(([, fd]) => fds.some((each) => each.fd === fd));
    const next = Math.min(this.#timer, ...watched.map(([when]) => when));
    if (next === Number.POSITIVE_INFINITY) throw new Error("the loop would wait for ever");
    this.now = Math.max(this.now, next);
    return fds.map(({ fd }) => {
      if (fd === 3) return this.#timer <= this.now ? POLLIN : 0;
      const at = this.arrivals.findIndex(([when, to]) => to === fd && when <= this.now);
      if (at < 0) return 0;
      this.arrivals.splice(at, 1);
      return POLLIN;
    });
  }
}

/** A loop on such a machine, and what happened in it: `time what`. */
function world(arrivals: [number, number][] = []) {
  const machine = new FakeMachine();
  machine.arrivals = arrivals;
  const log: string[] = [];
  const say = (what: string) => log.push(`${Math.round(machine.now)} ${what}`);
  const loop = new EventLoop((error) => say(`failed: ${(error as Error).message}`));
  return { machine, loop, log, say };
}

describe("EventLoop", () => {
  it("calls timers in the order of their times, each once", () => {
    const { loop, log, say } = world();
    loop.at(1300, () => loop.stop());
    loop.at(1200, () => say("second"));
    loop.after(100, () => say("first"));
    loop.run();
    deepEqual(log, ["1100 first", "1200 second"]);
  });
  it("calls a timer whose time has passed at once", () => {
    const { loop, log, say } = world();
    loop.at(5, () => {
      say("late");
      loop.stop();
    });
    loop.run();
    deepEqual(log, ["1000 late"]);
  });
  it("forgets a timer that was disposed, also by another that is due at the same time", () => {
    const { loop, log, say } = world();
    loop.at(1100, () => second[Symbol.dispose]());
    const second = loop.at(1100, () => say("never"));
    loop.at(1150, () => say("never either"))[Symbol.dispose]();
    loop.at(1200, () => loop.stop());
    loop.run();
    deepEqual(log, []);
  });
  it("takes a timer that is made in a timer", () => {
    const { loop, log, say } = world();
    loop.at(1100, () =>
      loop.after(50, () => {
        say("grandchild");
        loop.stop();
      }),
    );
    loop.run();
    deepEqual(log, ["1150 grandchild"]);
  });
  it("waits between two timers instead of turning round", () => {
    const { loop, machine } = world();
    loop.at(1100, () => {});
    loop.at(9000, () => loop.stop());
    loop.run();
    equal(machine.polls, 2);
  });
  it("calls what is ready, with its events, and timers behind it", () => {
    const { loop, log, say } = world([
      [1100, 8],
      [1100, 7],
    ]);
    loop.watch(7, POLLIN, (events) => say(`seven ${events}`));
    loop.watch(8, POLLIN, () => say("eight"));
    loop.at(1100, () => {
      say("timer");
      loop.stop();
    });
    loop.run();
    deepEqual(log, ["1100 seven 1", "1100 eight", "1100 timer"]);
  });
  it("does not call what one before it ended, though it was ready", () => {
    const { loop, log, say } = world([
      [1100, 7],
      [1100, 8],
    ]);
    loop.watch(7, POLLIN, () => eight[Symbol.dispose]());
    const eight = loop.watch(8, POLLIN, () => say("never"));
    loop.at(1200, () => loop.stop());
    loop.run();
    deepEqual(log, []);
  });
  it("goes on when a function throws, and tells it", () => {
    const { loop, log } = world([[1100, 7]]);
    loop.watch(7, POLLIN, () => {
      throw new Error("as planned");
    });
    loop.at(1200, () => {
      throw new Error("again");
    });
    loop.at(1300, () => loop.stop());
    loop.run();
    deepEqual(log, ["1100 failed: as planned", "1200 failed: again"]);
  });
  it("asks for what a watch wants at that time", () => {
    const { loop, machine } = world([[1100, 7]]);
    const watch = loop.watch(7, POLLIN, () => {
      watch.events = 4;
    });
    const asked: number[] = [];
    const { poll } = machine.host;
    machine.host.poll = (fds) => {
      asked.push(fds[1]?.events ?? -1);
      return poll(fds);
    };
    loop.at(1200, () => loop.stop());
    loop.run();
    deepEqual(asked, [POLLIN, 4]);
  });
});

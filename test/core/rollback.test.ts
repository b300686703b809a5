import { deepEqual, equal } from "node:assert/strict";

import { nameProgram, warn } from "../../core/log.ts";
import { Rollback } from "../../core/rollback.ts";
import { FakeHost, useHost } from "../fake-host.ts";

beforeEach(() => nameProgram("x"));

describe("Rollback", () => {
  it("undoes in reverse", () => {
    const undone: number[] = [];
    {
      using rollback = new Rollback();
      rollback.defer(() => undone.push(1));
      rollback.defer(() => undone.push(2));
    }
    deepEqual(undone, [2, 1]);
  });

  it("undoes nothing after commit", () => {
    using rollback = new Rollback();
    rollback.defer(() => {
      throw new Error("undone");
    });
    rollback.commit();
  });

  it("reports a failing undo, runs the others and lets the first error through", () => {
    const fake = useHost(new FakeHost());
    const undone: number[] = [];
    let caught: unknown;
    try {
      using rollback = new Rollback();
      rollback.defer(() => undone.push(1));
      rollback.defer(() => {
        throw new Error("no way back");
      });
      throw new Error("first");
    } catch (error) {
      caught = error;
    }
    equal((caught as Error).message, "first");
    deepEqual(undone, [1]);
    equal(fake.stderr, "netloom x: while undoing a failed ADD: no way back\n");
  });
});

describe("warn", () => {
  it("loses the line when stderr is closed", () => {
    const fake = useHost(new FakeHost());
    fake.failOn("write", "EBADF");
    warn("x");
    equal(fake.stderr, "");
  });

  it("gives up on a stderr that stays full", () => {
    const fake = useHost(new FakeHost());
    fake.poll = () => [0];
    warn("x");
    equal(fake.stderr, "");
  });

  it("writes long lines whole", () => {
    const fake = useHost(new FakeHost());
    warn("x".repeat(100_000));
    equal(fake.stderr.length, 100_012);
  });
});

import { deepEqual, equal, throws } from "node:assert/strict";

import {
  attemptAll,
  CniError,
  cniErrorOf,
  during,
  explain,
  failureOf,
  isErrno,
  rootCause,
  unlessErrno,
  untraced,
} from "../../core/errors.ts";
import { hostError } from "../fake-host.ts";

function thrown(fn: () => void): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

const fail = (error: unknown) => () => {
  throw error;
};
const parts = (error: unknown) => {
  const { code, message, details } = cniErrorOf(error);
  return { code, message, details };
};

describe("during", () => {
  const enoent = hostError("open", "ENOENT", "/x");

  it("returns what the function returns", () =>
    equal(
      during("x", () => 5),
      5,
    ));

  it("adds a phrase in front and keeps the cause", () => {
    const error = thrown(() => during("a", () => during("b", fail(enoent))));
    equal(explain(error), 'a: b: open "/x": ENOENT: no such file or directory');
    equal(rootCause(error), enoent);
  });

  it("puts the phrases into msg and the system's words into details", () => {
    const error = thrown(() => during("a", () => during("b", fail(enoent))));
    const details = 'open "/x": ENOENT: no such file or directory';
    deepEqual(parts(error), { code: 999, message: "a: b", details });
  });

  it("keeps code, msg and details of a CniError", () => {
    const delegate = new CniError(123, "m", { details: "d" });
    const error = thrown(() => during("a", fail(delegate)));
    deepEqual(parts(error), { code: 123, message: "a: m", details: "d" });
  });
});

describe("cniErrorOf", () => {
  // [what was thrown, code, message, details]
  const cases: [unknown, number, string, string | undefined][] = [
    [new CniError(7, "bad"), 7, "bad", undefined],
    [new CniError(7, "bad", { cause: new Error("low") }), 7, "bad", "low"],
    [new CniError(7, "bad", { cause: new Error("low"), details: "d" }), 7, "bad", "d"],
    [new Error("plain"), 999, "plain", undefined],
    [new Error("plain", { cause: new Error("low") }), 999, "plain", "low"],
    [
      new TypeError("x is not a function"),
      999,
      "unexpected TypeError: x is not a function",
      undefined,
    ],
    ["text", 999, "text", undefined],
    [undefined, 999, "", undefined],
    [
      hostError("flock", "EAGAIN"),
      11,
      "flock: EAGAIN: resource temporarily unavailable",
      undefined,
    ],
    [hostError("write", "ENOSPC"), 5, "write: ENOSPC: no space left on device", undefined],
  ];
  for (const [error, code, message, details] of cases) {
    it(`makes ${code} of ${String(error)}`, () =>
      deepEqual(parts(error), { code, message, details }));
  }

  it("survives a chain that is a circle", () => {
    const error = new Error("round");
    error.cause = error;
    equal(cniErrorOf(error).message, "round");
  });
});

describe("isErrno", () => {
  const error = new CniError(7, "x", { cause: hostError("open", "ENOENT") });

  it("finds a code anywhere in the chain", () => equal(isErrno(error, "EPERM", "ENOENT"), true));
  it("knows other codes from it", () => equal(isErrno(error, "EPERM"), false));
  it("takes no number for one", () => equal(isErrno(error, "7"), false));
  it("takes anything", () => equal(isErrno(undefined, "ENOENT"), false));
});

describe("attemptAll", () => {
  it("runs every step and throws the only error as it is", () => {
    const ran: number[] = [];
    const error = new CniError(5, "one");
    const steps = [() => ran.push(1), fail(error), () => ran.push(2)];
    equal(
      thrown(() => attemptAll(...steps)),
      error,
    );
    deepEqual(ran, [1, 2]);
  });

  it("joins several errors under the first one's code", () => {
    const first = new CniError(123, "one", { details: "d" });
    throws(() => attemptAll(fail(first), fail(new Error("two")), fail(new Error("three"))), {
      code: 123,
      message: "one",
      details: "d; also: two; also: three",
    });
  });

  it("throws nothing when all is well", () => attemptAll(() => {}));
});

describe("untraced", () => {
  it("gives what the function gives", () =>
    equal(
      untraced(() => 5),
      5,
    ));

  it("lets errors through, and traces what comes later", () => {
    const { stackTraceLimit } = Error;
    const error = thrown(() => untraced(fail(new Error("x"))));
    equal((error as Error).message, "x");
    equal(Error.stackTraceLimit, stackTraceLimit);
  });

  it("spares errors their trace", () => {
    const { stack } = untraced(() => new Error("x"));
    equal(stack, "Error: x");
  });
});

describe("failureOf", () => {
  it("is nothing when nothing is thrown", () =>
    equal(
      failureOf(() => {}),
      undefined,
    ));

  it("is what is thrown", () => {
    const error = new Error("x");
    equal(failureOf(fail(error)), error);
  });
});

describe("unlessErrno", () => {
  const enoent = hostError("open", "ENOENT", "/x");

  it("gives what the function gives", () =>
    equal(
      unlessErrno(["ENOENT"], () => 5),
      5,
    ));

  it("is undefined for a code that is expected", () =>
    equal(unlessErrno(["ENOTDIR", "ENOENT"], fail(enoent)), undefined));

  it("throws any other error", () => {
    equal(
      thrown(() => unlessErrno(["ENOTDIR"], fail(enoent))),
      enoent,
    );
    throws(() => unlessErrno(["ENOENT"], fail(new TypeError("x"))), TypeError);
  });
});

import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { describeKernel } from "../kernel/requirements.ts";
import { build, onHost, programOf, removeFolders, run } from "./program.ts";

describeKernel("main", () => {
  after(removeFolders);
  const statusOf = (main: string) => run(build(`globalThis.main = ${main};`)).status;

  it("leaves with the number it returns", () => equal(statusOf("() => 7"), 7));
  it("leaves with 0 when it returns something else", () => equal(statusOf('() => "7"'), 0));
  it("leaves with what a promise gives", () => equal(statusOf("async () => (await null, 9)"), 9));
  it("runs what promises left to do", () => {
    const ran = run(
      build("globalThis.main = () => { Promise.resolve().then(() => console.log('later')); };"),
    );
    deepEqual([ran.status, ran.stderr], [0, "later\n"]);
  });
  it("is told when it waits for what nothing will do", () => {
    const ran = run(build("globalThis.main = () => new Promise(() => {});"));
    deepEqual(
      [ran.status, ran.stderr],
      [1, "netloom: main waits for something that nothing will do\n"],
    );
  });
});

describeKernel("an uncaught exception", () => {
  after(removeFolders);
  const runMain = (main: string) => run(build(`globalThis.main = ${main};`));

  it("is a message and a stack on stderr, nothing on stdout, status 1", () => {
    const ran = runMain('function main() {\n  throw new TypeError("bad thing");\n}');
    deepEqual([ran.status, ran.stdout], [1, ""]);
    match(ran.stderr, /^netloom: uncaught TypeError: bad thing\n +at main \(main:2:\d+\)\n/);
  });
  it("shows its causes", () => {
    const ran = runMain('() => { throw new Error("outer", { cause: new Error("inner") }); }');
    match(ran.stderr, /uncaught Error: outer\n[\s\S]*caused by Error: inner\n/);
  });
  it("may be anything", () => {
    equal(runMain("() => { throw 42; }").stderr, "netloom: uncaught 42\n");
  });
  it("may be something that has no text", () => {
    const ran = runMain("() => { throw Object.create(null); }");
    deepEqual([ran.status, ran.stderr], [1, "netloom: uncaught exception that has no text\n"]);
  });
  it("may be a rejected promise", () => {
    match(runMain('async () => { throw new Error("late"); }').stderr, /uncaught Error: late/);
  });
  it("in a pending job ends the program", () => {
    const ran = runMain("() => { queueMicrotask(() => { throw new Error('job'); }); }");
    equal(ran.status, 1);
  });
});

describeKernel("memory", () => {
  after(removeFolders);

  it("that runs out is an exception that can be caught", () => {
    const message = onHost(() => {
      const kept: Uint8Array[] = [];
      try {
        for (;;) kept.push(new Uint8Array(64 << 20));
      } catch (error) {
        return `${kept.length > 10} ${(error as Error).message}`;
      }
    });
    equal(message, "true out of memory");
  });
  it("that small things use up is an exception too", () => {
    const ran = run(
      build(
        programOf(() => {
          const kept: unknown[] = [];
          try {
            for (;;) kept.push({ a: { b: [1] } });
          } catch (error) {
            kept.length = 0;
            return (error as Error).message;
          }
        }),
      ),
    );
    deepEqual([ran.status, ran.stdout], [0, '"out of memory"']);
  }).timeout(60_000);
  it("that runs out uncaught is said, without a crash", () => {
    const ran = run(
      build("globalThis.main = () => { let s = 'x'; for (;;) s += s + s.toUpperCase(); };"),
    );
    deepEqual([ran.status, ran.signal, ran.stdout], [1, null, ""]);
    match(ran.stderr, /^netloom: (uncaught .*(memory|too long)|out of memory)/);
  }).timeout(60_000);
  it("is not lost to cycles", () => {
    const ran = run(
      build(`globalThis.main = () => {
      for (let i = 0; i < 3e6; i++) { const a = { big: [i, i, i, i, i, i, i, i] }; a.self = a; }
    };`),
    );
    equal(ran.stderr, "");
  }).timeout(60_000);
});

describeKernel("the stack", () => {
  after(removeFolders);
  const overflow =
    "globalThis.main = () => { const f = () => f() + 1; try { f(); } catch (e) { console.log(e.name); } };";

  it("that overflows is a RangeError", () => {
    equal(run(build(overflow)).stderr, "RangeError\n");
  });
  it("that overflows is a RangeError where the system gives little", () => {
    const ran = run(build(overflow), { through: ["prlimit", "--stack=262144"] });
    deepEqual([ran.status, ran.stderr], [0, "RangeError\n"]);
  });
  it("that overflows is a RangeError where the system gives all", () => {
    equal(
      run(build(overflow), { through: ["prlimit", "--stack=unlimited"] }).stderr,
      "RangeError\n",
    );
  });
  it("holds deep JSON, or says that it does not", () => {
    const ran = run(
      build(`globalThis.main = () => {
      try { JSON.parse("[".repeat(1e6)); } catch (e) { console.log(e.name); }
    };`),
    );
    match(ran.stderr, /^(RangeError|SyntaxError)\n$/);
  });
});

describeKernel("the language", () => {
  after(removeFolders);

  it("has no eval and no Function from text", () => {
    const tried = onHost(() => {
      const attempt = (code: () => unknown) => {
        try {
          return String(code());
        } catch (error) {
          return (error as Error).name;
        }
      };
      // biome-ignore lint/security/noGlobalEval: that there is none is the fact
      return [attempt(() => globalThis.eval("1")), attempt(() => new Function("return 1")())];
    });
    deepEqual(tried, ["TypeError", "TypeError"]);
  });
  it("gives other random numbers in each run", () => {
    const program = build(programOf(() => [Math.random(), Math.random()]));
    const [first, second] = [run(program).stdout, run(program).stdout];
    match(first, /^\[0?\.?\d+(e-\d+)?.*\]$/);
    notEqual(first, second);
  });
  it("gives random numbers between 0 and 1 that spread", () => {
    const [least, most] = onHost(() => {
      const drawn = Array.from({ length: 2000 }, () => Math.random());
      return [Math.min(...drawn), Math.max(...drawn)];
    }) as [number, number];
    deepEqual([least >= 0, least < 0.05, most > 0.95, most < 1], [true, true, true, true]);
  });
  it("knows the time", () => {
    const now = onHost(() => [Date.now(), Number(new Date(Date.now()))]);
    deepEqual(
      now.map((time) => Math.abs(time - Date.now()) < 10_000),
      [true, true],
    );
  });
});

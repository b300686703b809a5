import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { runSteps, type Step, type StepResult } from "../../scripts/steps.ts";

const node = process.execPath;

/** A step that runs that program in Node. */
function script(name: string, text: string, more: Partial<Step> = {}): Step {
  return { name, argv: [node, "-e", text], counts: "status", ...more };
}

/** A program that reports these counts. */
function reporting(counts: unknown, then = ""): string {
  const text = JSON.stringify(JSON.stringify(counts));
  return `require("fs").writeFileSync(process.env.NETLOOM_COUNTS, ${text});${then}`;
}

async function countsOf(step: Step) {
  const [result] = await runSteps([step], { places: 1 });
  return result?.counts;
}

/** Names in the order of starts and ends. */
async function orderOf(steps: readonly Step[], places: number): Promise<string[]> {
  const order: string[] = [];
  await runSteps(steps, {
    places,
    started: ({ name }) => order.push(`+${name}`),
    ended: ({ step }) => order.push(`-${step.name}`),
  });
  return order;
}

describe("runSteps", () => {
  it("counts a command by its exit status", async () => {
    deepEqual(await countsOf(script("a", "")), { passed: 1, failed: 0, skipped: 0 });
    const failed = await countsOf(script("a", "process.exit(3)"));
    deepEqual(failed, { passed: 0, failed: 1, skipped: 0, failures: ["status 3"] });
  });

  it("counts status 77 as skipped, for the reason in its last line", async () => {
    const skipped = await countsOf(script("a", 'console.log("x\\nneeds y"); process.exit(77)'));
    deepEqual(skipped, { passed: 0, failed: 0, skipped: 1, skips: ["needs y (1)"] });
  });

  it("takes what a program reports", async () => {
    const counts = { passed: 3, failed: 1, skipped: 2, failures: ["x"], skips: ["y (2)"] };
    deepEqual(await countsOf(script("a", reporting(counts), { counts: "report" })), counts);
  });

  const good = { passed: 3, failed: 0, skipped: 0 };
  for (const [what, text, wanted] of [
    ["dies without counts", "process.exit(1)", /ended without counts: status 1/],
    ["ends well without counts", "", /ended without counts: status 0/],
    ["is killed", 'process.kill(process.pid, "SIGKILL")', /ended without counts: signal SIGKILL/],
    ["reports and ends badly", reporting(good, "process.exit(1)"), /ended with status 1/],
    ["counts nothing", reporting({ ...good, passed: 0 }), /counted nothing/],
    [
      "reports what is no JSON",
      'require("fs").writeFileSync(process.env.NETLOOM_COUNTS,"{")',
      /ended without counts/,
    ],
  ] as const) {
    it(`fails a program that ${what}`, async () => {
      const counts = await countsOf(script("a", text, { counts: "report" }));
      equal(counts?.failed, 1);
      match(counts?.failures?.join() ?? "", wanted);
    });
  }

  it("fails a command that is not there", async () => {
    const counts = await countsOf({ name: "a", argv: ["/nonexistent"], counts: "status" });
    match(counts?.failures?.join() ?? "", /ENOENT/);
  });

  it("ends all of a step that takes too long", async () => {
    const argv = ["sh", "-c", "sleep 60 & echo $!; wait"] as const;
    const step: Step = { name: "a", argv, counts: "status", timeoutMs: 2000 };
    const [result] = await runSteps([step], { places: 1 });
    match(result?.counts.failures?.join() ?? "", /no end within 2 s/);
    const pid = Number(result?.output);
    ok(pid > 0);
    // a killed process that nobody has waited for yet can still be signalled
    while (isRunning(pid)) await new Promise((resolve) => setTimeout(resolve, 20));
  });

  it("keeps a step's output together, both streams", async () => {
    const [a, b] = await runSteps(
      [script("a", 'console.log("a1"); console.error("a2")'), script("b", 'console.log("b")')],
      { places: 2 },
    );
    deepEqual([a?.output.split("\n").sort().join(""), b?.output], ["a1a2", "b\n"]);
  });

  it("runs as many at once as there are places, in order", async () => {
    deepEqual(await orderOf([script("a", ""), script("b", "")], 1), ["+a", "-a", "+b", "-b"]);
    const [first, second] = await orderOf([script("a", ""), script("b", "")], 2);
    deepEqual([first, second], ["+a", "+b"]);
  });

  it("counts several places of a step, which waits for one of them", async () => {
    const steps = [script("a", ""), script("wide", "", { places: 2 }), script("b", "")];
    const order = await orderOf(steps, 2);
    deepEqual(order.slice(0, 2), ["+a", "+wide"]);
    deepEqual(order.indexOf("+b") > order.indexOf("-wide"), true);
  });

  it("gives a step no place that is beside the others", async () => {
    const steps = [script("a", "", { beside: true }), script("b", "")];
    deepEqual((await orderOf(steps, 1)).slice(0, 2), ["+a", "+b"]);
  });

  it("lets a step wait for others, even for one that fails, and not for one that is not there", async () => {
    const steps = [
      script("late", "", { after: ["early", "absent"] }),
      script("early", "process.exit(1)"),
    ];
    deepEqual(await orderOf(steps, 2), ["+early", "-early", "+late", "-late"]);
  });

  it("runs a step when what it needs has passed, and else fails it, and what needs it", async () => {
    const needing = (name: string) => script("late", "", { needs: [name] });
    const good = [needing("early"), script("early", "")];
    deepEqual(await orderOf(good, 2), ["+early", "-early", "+late", "-late"]);
    const bad = [
      script("later", "", { needs: ["late"] }),
      needing("early"),
      script("early", "process.exit(1)"),
    ];
    deepEqual(await orderOf(bad, 2), ["+early", "-early", "-late", "-later"]);
    const [later] = await runSteps(bad, { places: 2 });
    deepEqual(later?.counts.failures, ['not run: it needs "late"']);
  });

  it("refuses steps that wait for each other", async () => {
    const steps = [script("a", "", { after: ["b"] }), script("b", "", { after: ["a"] })];
    await rejects(runSteps(steps, { places: 2 }), /steps wait for each other: a, b/);
  });

  it("tells the results in the order of the steps", async () => {
    const steps = [script("slow", "setTimeout(() => {}, 300)"), script("quick", "")];
    const results: StepResult[] = await runSteps(steps, { places: 2 });
    deepEqual(
      results.map(({ step }) => step.name),
      ["slow", "quick"],
    );
  });
});

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

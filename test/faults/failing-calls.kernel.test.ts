/**
 * Every system call of every program failing in turn: ADD does its work all the same or says what failed and undoes everything; DEL
 * does too, or the next DEL finds what is left. The errors that a call may plausibly fail with take turns from call to call, and each
 * of the three sweeps over a program has another turn; `isTried` leaves out what other programs try. NETLOOM_EVERY_CALL=1 lets each call
 * fail with each error. A new program joins with an entry in `scenarios.ts`.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { Context } from "mocha";
import type { Outcome } from "../kernel/enter.ts";
import { holdsAlways } from "../kernel/invariants.ts";
import { describeKernel, usual } from "../kernel/requirements.ts";
import { Attachments } from "./attachments.ts";
import { plausibleErrors } from "./plausible-errors.ts";
import { type Scenario, scenarios } from "./scenarios.ts";
import { ours } from "./share.ts";
import { describeStep, everyCall, FaultyRuns, isTried, type Step } from "./system-calls.ts";

/** The attachment whose call has the fault, and one that is there all the time. */
const [victim, neighbour] = [1, 9];

/** What the message may call the request that did not get through. */
const request = /\b(RTM|NFT|NFNL|CTNETLINK|IPCTNL)_\w+|nf_tables/;
/** What the host calls a system call that strace calls something else. */
const hostNames: Record<string, RegExp> = {
  newfstatat: /\bl?stat\b/,
  unlinkat: /\b(unlink|rmdir)\b/,
  renameat: /\brename\b/,
  mkdirat: /\bmkdir\b/,
  getdents64: /\breaddir\b/,
  sendto: /\bsend(to|msg)?\b/,
  recvfrom: /\brecv(from|msg)?\b/,
  ppoll: /\bpoll\b/,
  pread64: /\bread\b/,
};
/** Calls that belong to the execution of another program: its name is what counts. */
const executes = /^(clone|execve|pipe2|prctl|dup2|close_range|ppoll|wait4|read|write|close)$/;

/** The errors of a call whose turn it is. @param turn the call's number, and more than that in another sweep */
function chosen(errors: readonly string[], turn: number): readonly string[] {
  if (everyCall) return errors;
  return errors.slice(turn % errors.length).slice(0, 1);
}

/** Those of the scenarios. */
const delegates = /\/(host-local|dhcp)"/;

/** Whether the text names the call, the file or the request. */
function names(said: string, { name, text, process }: Step): boolean {
  const path = /"(\/[^"]+)"/.exec(text)?.[1];
  if (path !== undefined && said.includes(path)) return true;
  if ((hostNames[name] ?? new RegExp(`\\b${name}\\b`)).test(said)) return true;
  if (process !== "delegate" && executes.test(name) && delegates.test(said)) return true;
  return request.test(said);
}

/** A call of the native host before there is a program that could print JSON: stderr says it. */
function isStartUp(step: Step, steps: readonly Step[]): boolean {
  const own = steps.filter(({ process }) => process === step.process);
  const firstRead = own.findIndex(({ name, text }) => name === "read" && text.startsWith("0,"));
  return own.indexOf(step) < firstRead;
}

/** A failed execution says what failed: in one JSON object, or on stderr when it could not even begin. */
function saysWhatFailed(done: Outcome, step: Step, error: string, startUp: boolean): void {
  ok(done.status !== null && done.status > 0 && done.status < 126, `status ${done.status}`);
  const isSilent = startUp && step.process === "program" && done.stdout === "";
  const { msg = "", details = "" } = isSilent ? {} : holdsAlways(done);
  const said = isSilent ? done.stderr : `${msg} ${details}`;
  // that a folder of CNI_PATH may not be looked into is no error of its own: stderr tells
  const where = msg.startsWith("failed to find plugin") ? done.stderr : said;
  match(where, new RegExp(`\\b${error}\\b`));
  ok(names(where, step), `does not name what failed: ${where}`);
}

/** A failing ADD keeps what belongs to nobody, but takes back a link that it made. */
function undone(host: Attachments, before: readonly string[], { name, text }: Step): void {
  // an ADD that was done, and whose result nobody takes, is taken back by DEL
  const kinds = name === "write" && text.startsWith("1,") ? /^/ : /^(nft|file|pod) /;
  deepEqual(host.leaks(before, victim, kinds), []);
  deepEqual(host.processes(), []);
}

/** One scenario on one host. */
class FailingCalls {
  readonly #host: Attachments;
  readonly #runs: FaultyRuns;
  readonly failures: string[] = [];
  injected = 0;
  succeeded = 0;

  constructor(host: Attachments) {
    this.#host = host;
    this.#runs = new FaultyRuns(host.sandbox);
  }

  #run(verb: string, step: Step, error: string): Outcome {
    const { call, scenario } = {
      call: this.#host.call(verb, victim),
      scenario: this.#host.scenario,
    };
    const done = this.#runs.run(call, step, `error=${error}`, scenario.delegate);
    this.injected += 1;
    if (done.status === 0) this.succeeded += 1;
    return done;
  }

  /** The faults of a sweep over those calls. @param turn of ADD on a new host 0, beside another container 1, of DEL 2 */
  *#faults(steps: readonly Step[], turn: number): Generator<[number, Step, string]> {
    const { scenario } = this.#host;
    const isRepeated = scenario.isVariant ?? turn === 1;
    const sweep = { isRepeated, turn: scenarios.indexOf(scenario) + turn };
    for (const [index, step] of steps.entries()) {
      if (!isTried(step, index, sweep)) continue;
      for (const error of chosen(plausibleErrors(step), index + turn)) yield [index, step, error];
    }
  }

  #try(step: Step, error: string, body: () => void): void {
    try {
      body();
    } catch (cause) {
      this.failures.push(`${error} in ${describeStep(step)}: ${(cause as Error).message}`);
      this.#host.killLeftovers();
      this.#host.sandbox.cni(this.#host.call("DEL", victim));
    }
  }

  /** ADD on a host that is new each time. */
  addOnNewHost(): void {
    this.#add(() => this.#host.wipe(), 0);
  }

  /** ADD beside another container. */
  addBesideAnother(): void {
    this.#host.add(neighbour);
    this.#add(() => this.#host.check(neighbour), 1);
  }

  #add(prepare: () => void, turn: number): void {
    const host = this.#host;
    host.pod(victim);
    const before = host.observe(victim);
    const steps = this.#runs.record(host.call("ADD", victim), host.scenario.delegate);
    host.del(victim);
    for (const [index, step, error] of this.#faults(steps, turn)) {
      prepare();
      this.#try(step, error, () => {
        const done = this.#run("ADD", step, error);
        if (done.status === 0) this.#isRight(done, before);
        else saysWhatFailed(done, step, error, isStartUp(step, steps));
        undone(host, before, step);
        if (index % 8 === 0) this.#worksAfterwards();
      });
    }
  }

  /** What succeeded all the same is whole: CHECK finds nothing wrong, DEL leaves nothing. */
  #isRight(done: Outcome, before: readonly string[]): void {
    const result = holdsAlways(done);
    const check = this.#host.sandbox.cni(this.#host.call("CHECK", victim, { prevResult: result }));
    equal(check.status, 0, `CHECK after it succeeded: ${check.stdout}`);
    this.#host.del(victim);
    deepEqual(this.#host.leaks(before, victim), []);
    if (!this.#host.isAttached(neighbour)) this.#host.deleteKeptLinks();
  }

  #worksAfterwards(): void {
    this.#host.add(victim);
    this.#host.check(victim);
    this.#host.del(victim);
  }

  /** DEL beside another container. */
  del(): void {
    const host = this.#host;
    host.add(neighbour);
    host.pod(victim);
    const before = host.observe(victim);
    host.add(victim);
    const steps = this.#runs.record(host.call("DEL", victim), host.scenario.delegate);
    for (const [index, step, error] of this.#faults(steps, 2)) {
      this.#try(step, error, () => {
        host.add(victim);
        const done = this.#run("DEL", step, error);
        if (done.status !== 0) saysWhatFailed(done, step, error, isStartUp(step, steps));
        if (done.status !== 0 || index % 2 === 0) host.del(victim);
        deepEqual(host.leaks(before, victim), []);
        deepEqual(host.processes(), []);
        host.check(neighbour);
      });
    }
  }
}

type Verb = "addOnNewHost" | "addBesideAnother" | "del";

function sweep(context: Context, scenario: Scenario, verb: Verb): void {
  using host = new Attachments(scenario);
  const calls = new FailingCalls(host);
  calls[verb]();
  deepEqual(calls.failures, []);
  const { injected, succeeded } = calls;
  if (context.test)
    context.test.title += `: ${injected} calls failed, ${succeeded} of them without harm`;
}

const verbs = [
  { title: "in ADD: it says what failed and undoes everything (SPEC-049)", verb: "addOnNewHost" },
  { title: "in ADD beside another container: likewise", verb: "addBesideAnother" },
  { title: "in DEL: the next DEL cleans up everything", verb: "del" },
] as const;
const all = scenarios.flatMap((scenario) => verbs.map((verb) => [scenario, verb] as const));

describeKernel(
  "a failing system call",
  function () {
    this.timeout(1_800_000);

    for (const [scenario, { title, verb }] of ours(all)) {
      it(`${scenario.title}: ${title}`, function () {
        sweep(this, scenario, verb);
      });
    }
  },
  [...usual, "strace"],
);

import { deepEqual, equal, match, throws } from "node:assert/strict";
import { existsSync } from "node:fs";
import { describeKernel } from "./requirements.ts";
import { Sandbox } from "./sandbox.ts";
import { runToEnd, type Start, startToStay } from "./starter.ts";

const shell = (script: string, more: Partial<Start> = {}) =>
  runToEnd({
    argv: ["/bin/sh", "-c", script],
    env: { PATH: "/usr/bin:/bin" },
    input: "",
    timeoutMs: 30_000,
    ...more,
  });

describeKernel("runToEnd", () => {
  it("gives a program arguments, environment and stdin, and takes all that it writes", () => {
    const argv = [
      "/bin/sh",
      "-c",
      'cat; echo "$1 $NAME" >&2; printf report >&3',
      "sh",
      "an argument",
    ];
    const done = shell("", { argv, env: { PATH: "/bin", NAME: "a value" }, input: "stdin\n" });
    deepEqual(done, {
      status: 0,
      stdout: "stdin\n",
      stderr: "an argument a value\n",
      report: "report",
    });
  });

  it("leaves out what the environment has without a value", () => {
    equal(
      shell("env", { env: { PATH: "/bin:/usr/bin", NONE: undefined } }).stdout.includes("NONE"),
      false,
    );
  });

  it("passes on megabytes in both directions", () => {
    const input = "x".repeat(3_000_000);
    equal(shell("cat", { input }).stdout, input);
  });

  it("tells exit status and signal as waitpid(2) does", () => {
    equal(shell("exit 3").status, 3 << 8);
    equal(shell("kill -TERM $$").status, 15);
  });

  it("kills what takes too long", () => {
    equal(shell("exec sleep 60", { timeoutMs: 100 }).status, 9);
  });

  it("says what cannot be executed", () => {
    const { status, stderr } = shell("", { argv: ["/nowhere"] });
    equal(status, 127 << 8);
    match(stderr, /^execute \/nowhere: No such file or directory/);
  });

  it("does not mind a program that does not read its stdin", () => {
    equal(shell("exec true", { input: "x".repeat(1_000_000) }).status, 0);
  });
});

describeKernel("startToStay", () => {
  const stay = (script: string) =>
    startToStay({ argv: ["/bin/sh", "-c", script], env: { PATH: "/usr/bin:/bin" } });

  it("tells the process and what it says first, and lets it live", () => {
    const [pid, said] = stay("echo ready; exec sleep 60");
    equal(said, "ready\n");
    equal(existsSync(`/proc/${pid}`), true);
    process.kill(pid, "SIGKILL");
    while (existsSync(`/proc/${pid}`)) shell("true"); // a request lets go of what has been killed
  });

  it("does not wait for one that ends without a word", () => {
    equal(stay("exit 3")[1], "");
  });
});

describeKernel("Sandbox.run", () => {
  it("tells what a program left behind, not what it waited for", () => {
    using sandbox = Sandbox.create();
    deepEqual(sandbox.run(["sh", "-c", "sleep 0.01 & wait"]).orphans, []);
    const { orphans, stdout } = sandbox.run([
      "sh",
      "-c",
      "setsid sleep 60 >/dev/null 2>&1 & echo $!",
    ]);
    deepEqual(orphans, [Number(stdout)]);
    const found = sandbox.processes().map((row) => Number.parseInt(row, 10));
    deepEqual(found, orphans);
    process.kill(Number(stdout), "SIGKILL");
    while (sandbox.processes().length > 0);
  });

  it("fails with the name of what did not end in time", () => {
    using sandbox = Sandbox.create();
    throws(
      () => sandbox.run(["sleep", "60"], { timeoutMs: 100 }),
      /run sleep 60: no answer in time/,
    );
    deepEqual(sandbox.processes(), []);
  });
});

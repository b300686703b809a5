import { deepEqual, equal } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { build, onHost, programOf, removeFolders, run, thrownOnHost } from "../program.ts";

describeKernel("argv, environ", () => {
  after(removeFolders);

  it("argv begins with the program", () => {
    const program = build(programOf((host) => host.argv()));
    deepEqual(JSON.parse(run(program, { argv: ["a", "", "b c"] }).stdout), [
      program,
      "a",
      "",
      "b c",
    ]);
  });
  it("argv may be empty: the kernel then gives one empty text", () => {
    const program = build(programOf((host) => host.argv()));
    const script =
      "import sys,ctypes; none=(ctypes.c_char_p*1)(None); " +
      "ctypes.CDLL(None).execve(sys.argv[1].encode(), none, none)";
    equal(run(program, { through: ["/usr/bin/python3", "-c", script] }).stdout, '[""]');
  });
  it("environ keeps order and duplicates", () => {
    const program = build(programOf((host) => host.environ()));
    const script =
      "import os,sys,ctypes; c=ctypes.CDLL(None); a=(ctypes.c_char_p*2)(b'x',None); " +
      "e=(ctypes.c_char_p*4)(b'Z=1',b'A=2',b'Z=3',None); c.execve(sys.argv[1].encode(), a, e)";
    deepEqual(JSON.parse(run(program, { through: ["/usr/bin/python3", "-c", script] }).stdout), [
      "Z=1",
      "A=2",
      "Z=3",
    ]);
  });
});

describeKernel("execve", () => {
  after(removeFolders);

  it("goes on as the other program, in the same process, with what was opened before", () => {
    const source = `globalThis.main = () => {
      const [, echo] = netloomHost.argv();
      netloomHost.execve(echo, ["other", String(netloomHost.getpid())], ["A=1", "A=2"]);
    };`;
    const echo = build(
      programOf((host) => [
        host.argv(),
        host.environ(),
        String(host.getpid()),
        host.readlink("/proc/self/fd/9"),
      ]),
    );
    const through = ["sh", "-c", 'exec 9</etc/passwd; exec "$0" "$@"'];
    const [argv, environ, pid, opened] = JSON.parse(
      run(build(source), { argv: [echo], through }).stdout,
    );
    deepEqual([argv[0], environ, opened], ["other", ["A=1", "A=2"], "/etc/passwd"]);
    equal(argv[1], pid);
  });
  it("names the program that is not there", () => {
    const thrown = thrownOnHost((host) => host.execve("/nowhere", [], []));
    deepEqual(
      [thrown?.code, thrown?.path, thrown?.message],
      ["ENOENT", "/nowhere", 'execve "/nowhere": ENOENT: no such file or directory'],
    );
  });
});

describeKernel("exit, getpid, geteuid, kill", () => {
  after(removeFolders);

  it("exit leaves at once", () => {
    const ran = run(
      build(
        "globalThis.main = () => { try { netloomHost.exit(6); } finally { console.log('no'); } };",
      ),
    );
    deepEqual([ran.status, ran.stderr], [6, ""]);
  });
  it("getpid is what /proc says", () => {
    deepEqual(
      onHost((host) => String(host.getpid()) === host.readlink("/proc/self")),
      true,
    );
  });
  it("geteuid is the effective user", () => {
    equal(
      onHost((host) => host.geteuid()),
      0,
    );
    equal(
      onHost((host) => host.geteuid(), undefined, {
        through: ["setpriv", "--reuid=65534", "--clear-groups"],
        cwd: "/",
      }),
      65534,
    );
  });
  it("kill sends and asks", () => {
    equal(
      onHost((host) => host.kill(host.getpid(), 0) ?? "there"),
      "there",
    );
    equal(
      thrownOnHost((host) => host.kill(2 ** 22 + 1, 0))?.message,
      "kill: ESRCH: no such process",
    );
    equal(
      run(build("globalThis.main = () => netloomHost.kill(netloomHost.getpid(), 15);")).signal,
      "SIGTERM",
    );
  });
  it("a closed stdout is an error, not a signal", () => {
    const program = build(`globalThis.main = () => {
      try { for (;;) netloomHost.write(1, new Uint8Array(65536)); } catch (error) { console.error(error.code); }
    };`);
    equal(
      run(program, { through: ["bash", "--norc", "-c", '"$0" | true'] }).stderr.split("\n")[0],
      "EPIPE",
    );
  });
});

import { deepEqual, equal, ok } from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { describeKernel } from "../../kernel/requirements.ts";
import {
  build,
  onHost,
  programOf,
  removeFolders,
  run,
  temporaryFolder,
  thrownOnHost,
} from "../program.ts";

interface Told {
  status?: number;
  signal?: number;
  stdout: string;
  stderr: string;
  timedOut: boolean;
  outputExceeded: boolean;
}

/** Runs a shell's script in a program's child. */
function shell(script: string, more: Partial<HostSpawn> & { input?: string } = {}): Told {
  return onHost(
    (host, { script, more }) => {
      const { stdout, stderr, ...rest } = host.finish(
        host.start({
          path: "/bin/sh",
          argv: ["sh", "-c", script],
          env: ["PATH=/usr/bin:/bin"],
          stdin: new TextEncoder().encode(more.input ?? ""),
          ...more,
        }),
      );
      const text = new TextDecoder();
      return { ...rest, stdout: text.decode(stdout), stderr: text.decode(stderr) };
    },
    { script, more },
  );
}

const usual = { stderr: "", timedOut: false, outputExceeded: false };

describeKernel("start and finish", () => {
  after(removeFolders);

  it("feeds stdin and gives stdout, stderr and status", () => {
    deepEqual(shell("cat; echo problem >&2; exit 3", { input: "fed" }), {
      ...usual,
      status: 3,
      stdout: "fed",
      stderr: "problem\n",
    });
  });
  it("tells the signal that ended it", () => {
    deepEqual(shell("kill -9 $$"), { ...usual, signal: 9, stdout: "" });
  });
  it("feeds and collects more than pipes hold, both ways at once", () => {
    const sizes = onHost((host) => {
      const stdin = new Uint8Array(3_000_000).fill(65);
      const { stdout, status } = host.finish(
        host.start({ path: "/bin/cat", argv: ["cat"], env: [], stdin }),
      );
      return [status, stdout.length, stdout.every((byte) => byte === 65)];
    });
    deepEqual(sizes, [0, 3_000_000, true]);
  });
  it("does not mind a program that reads nothing", () => {
    equal(shell("exit 0", { input: "x".repeat(1_000_000) }).status, 0);
  });
  it("passes arguments and environment as they are", () => {
    const stdout = onHost((host) => {
      const script = 'printf "%s|" "$@"; printf "%s" "$A"';
      const argv = ["sh", "-c", script, "zero", "", "a b", "\udc80"];
      return [
        ...host.finish(
          host.start({ path: "/bin/sh", argv, env: ["A=1", "B=2"], stdin: new Uint8Array() }),
        ).stdout,
      ];
    });
    equal(Buffer.from(stdout).toString("latin1"), "|a b|\x80|1");
  });
  it("kills after its time", () => {
    const { stdout, ...rest } = shell("echo begun; sleep 10", { timeoutMs: 200 });
    deepEqual([rest, stdout], [{ ...usual, signal: 9, timedOut: true }, "begun\n"]);
  });
  it("kills what says too much on stdout", () => {
    const told = shell("while :; do echo xxxxxxxxxxxxxxxxxxxx; done", { outputLimit: 1000 });
    deepEqual(
      [told.signal, told.outputExceeded, told.timedOut, told.stdout.length],
      [9, true, false, 1000],
    );
  });
  it("kills what says too much on stderr", () => {
    const told = shell("while :; do echo xxxxxxxxxxxxxxxxxxxx >&2; done", { outputLimit: 1000 });
    deepEqual([told.outputExceeded, told.stderr.length], [true, 1000]);
  });
  it("does not wait for grandchildren that hold the pipes", () => {
    const start = Date.now();
    equal(shell("sleep 5 & echo done").stdout, "done\n");
    ok(Date.now() - start < 3000);
  });

  const failures: [string, string, () => string][] = [
    ["what is not there", "ENOENT: no such file or directory", () => "/none"],
    ["what may not be executed", "EACCES: permission denied", () => "/etc/passwd"],
    ["a directory", "EACCES: permission denied", () => "/tmp"],
    [
      "what is no program",
      "ENOEXEC: exec format error",
      () => {
        const path = `${temporaryFolder()}/text`;
        writeFileSync(path, "text");
        chmodSync(path, 0o755);
        return path;
      },
    ],
  ];
  for (const [what, message, path] of failures) {
    it(`throws for ${what}, naming it`, () => {
      const file = path();
      const thrown = thrownOnHost(
        (host, path) =>
          host.finish(host.start({ path, argv: [path], env: [], stdin: new Uint8Array() })),
        file,
      );
      deepEqual([thrown?.message, thrown?.path], [`start "${file}": ${message}`, file]);
    });
  }
  it("leaves neither descriptors nor children, whatever happens", () => {
    const left = onHost((host) => {
      const count = () => host.readdir("/proc/self/fd").length;
      const before = count();
      const spawn = (path: string, more = {}) =>
        host.finish(
          host.start({
            path,
            argv: ["x", "-c", "sleep 5"],
            env: [],
            stdin: new Uint8Array(9),
            ...more,
          }),
        );
      spawn("/bin/true");
      spawn("/bin/sh", { timeoutMs: 20 });
      try {
        spawn("/none");
      } catch {
        const fd = host.open(
          "/proc/self/task/self/children".replace("self/children", `${host.getpid()}/children`),
          0,
        );
        const children = host.read(fd, 100).length;
        host.close(fd);
        return [count() - before, children];
      }
      return [];
    });
    deepEqual(left, [0, 0]);
  });
});

describeKernel("programs that run beside their starter", () => {
  after(removeFolders);

  it("are collected in any order, each once", () => {
    const told = onHost((host) => {
      const env = ["PATH=/usr/bin:/bin"];
      const begin = (script: string) =>
        host.start({ path: "/bin/sh", argv: ["sh", "-c", script], env, stdin: new Uint8Array() });
      const [slow, quick] = [begin("sleep 0.2; echo slow"), begin("echo quick; exit 7")];
      const text = ({ stdout, status }: HostSpawned) => [new TextDecoder().decode(stdout), status];
      const all = [text(host.finish(quick)), text(host.finish(slow))];
      try {
        host.finish(quick);
      } catch (error) {
        return [...all, (error as { code?: string }).code];
      }
      return all;
    });
    deepEqual(told, [["quick\n", 7], ["slow\n", 0], "ECHILD"]);
  });
  it("are killed when their time is over by the time they are asked for", () => {
    const told = onHost((host) => {
      const argv = ["sh", "-c", "sleep 10"];
      const what = { path: "/bin/sh", argv, env: ["PATH=/usr/bin:/bin"], stdin: new Uint8Array() };
      const pid = host.start({ ...what, timeoutMs: 50 });
      host.nanosleep(100);
      const { signal, timedOut } = host.finish(pid);
      return [signal, timedOut];
    });
    deepEqual(told, [9, true]);
  });
});

describeKernel("a spawned child", () => {
  after(removeFolders);

  it("has descriptors 0, 1 and 2 only, even if one was inherited without close-on-exec", () => {
    const program = build(
      programOf((host) => {
        host.open("/etc/passwd", 0);
        host.socketpair(1, 1, 0);
        const { stdout } = host.finish(
          host.start({
            path: "/bin/ls",
            argv: ["ls", "/proc/self/fd"],
            env: [],
            stdin: new Uint8Array(),
          }),
        );
        return new TextDecoder().decode(stdout).trim().split("\n");
      }),
    );
    const ran = run(program, {
      through: ["bash", "--norc", "-c", 'exec 7</etc/passwd 200</etc/group; exec "$0"'],
    });
    // 3 is ls's own, of the directory it lists
    deepEqual(JSON.parse(ran.stdout), ["0", "1", "2", "3"]);
  });
  it("has the default signals and none blocked", () => {
    const program = build(
      programOf((host) => {
        host.signalfd([10, 15]);
        const { stdout } = host.finish(
          host.start({
            path: "/bin/grep",
            argv: ["grep", "Sig[BI]", "/proc/self/status"],
            env: [],
            stdin: new Uint8Array(),
          }),
        );
        return new TextDecoder().decode(stdout);
      }),
    );
    const ran = run(program, {
      through: ["bash", "--norc", "-c", 'trap "" HUP CHLD USR2; exec "$0"'],
    });
    equal(JSON.parse(ran.stdout), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  });
  it("keeps its status where SIGCHLD was ignored", () => {
    const program = build(
      programOf(
        (host) =>
          host.finish(
            host.start({
              path: "/bin/sh",
              argv: ["sh", "-c", "exit 4"],
              env: [],
              stdin: new Uint8Array(),
            }),
          ).status,
      ),
    );
    equal(
      run(program, { through: ["bash", "--norc", "-c", 'trap "" CHLD; exec "$0"'] }).stdout,
      "4",
    );
  });
  it("dies with its parent", () => {
    const folder = temporaryFolder();
    const program =
      build(`globalThis.main = () => netloomHost.finish(netloomHost.start({ path: "/bin/sh",
      argv: ["sh", "-c", "echo $$ > ${folder}/pid; exec sleep 30"], env: ["PATH=/bin:/usr/bin"], stdin: new Uint8Array() }));`);
    const script = `"$0" & until [ -s ${folder}/pid ]; do sleep 0.02; done; kill -9 $!; wait $!; sleep 0.2;
      grep -q "^State:.[RSD]" /proc/$(cat ${folder}/pid)/status && echo alive || echo dead`;
    const ran = run(program, {
      through: ["bash", "--norc", "-c", script],
      env: { PATH: "/bin:/usr/bin" },
    });
    equal(ran.stdout, "dead\n");
  });
  it("gets its pipes right when the standard descriptors were closed", () => {
    const program = build(
      programOf((host) => {
        const { stdout } = host.finish(
          host.start({
            path: "/bin/cat",
            argv: ["cat"],
            env: [],
            stdin: new Uint8Array([104, 105]),
          }),
        );
        host.write(9, stdout);
      }),
    );
    const ran = run(program, {
      through: ["bash", "--norc", "-c", 'exec 9>&1; exec "$0" <&- >&- 2>&-'],
    });
    equal(ran.stdout, "hi");
  });
  it("may be in another PID namespace", () => {
    equal(
      onHost((host) => {
        host.unshare(0x20000000);
        const { stdout } = host.finish(
          host.start({
            path: "/bin/sh",
            argv: ["sh", "-c", "echo $$"],
            env: [],
            stdin: new Uint8Array(),
          }),
        );
        return new TextDecoder().decode(stdout);
      }),
      "1\n",
    );
  });
});

import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import { daemonHostProgram } from "../../scripts/host.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { buildDaemon, compile, daemonHost, programOf, removeFolders, run } from "./program.ts";

/** What `body` returns in a daemon of its own, as JSON. */
function onDaemon<T>(body: (host: Host) => T): T {
  const ran = run(buildDaemon(programOf(body)));
  deepEqual([ran.status, ran.stderr], [0, ""]);
  return JSON.parse(ran.stdout) as T;
}

/** Lines of /proc/self/maps in such a process. */
const maps = (host: Host) => {
  const fd = host.open("/proc/self/maps", 0);
  let text = "";
  for (let part = host.read(fd, 65536); part.length > 0; part = host.read(fd, 65536))
    text += new TextDecoder().decode(part);
  return text.trimEnd().split("\n");
};

const ET_DYN = 3;
const PT_INTERP = 3;

describeKernel("a daemon's file", () => {
  after(removeFolders);

  it("is position-independent and needs no loader", () => {
    const elf = readFileSync(daemonHostProgram());
    const [at, size, count] = [
      Number(elf.readBigUInt64LE(32)),
      elf.readUInt16LE(54),
      elf.readUInt16LE(56),
    ];
    const types = Array.from({ length: count }, (_, index) => elf.readUInt32LE(at + index * size));
    deepEqual([elf.readUInt16LE(16), types.includes(PT_INTERP)], [ET_DYN, false]);
  });

  it("without its last byte is refused", () => {
    const program = buildDaemon("globalThis.main = () => 0;");
    truncateSync(program, readFileSync(program).length - 1);
    const ran = run(program);
    deepEqual([ran.status, ran.signal], [1, null]);
    match(ran.stderr, /^netloom: this program file is damaged: it does not end with a trailer\n$/);
  });

  it("is the same, byte for byte, in every build", () => {
    const bytecode = compile("globalThis.main = () => 0;");
    for (const out of ["first", "second"]) {
      equal(daemonHost("program", bytecode, `${bytecode}.${out}`).stderr, "");
    }
    ok(readFileSync(`${bytecode}.first`).equals(readFileSync(`${bytecode}.second`)));
  });

  it("has what the build attached to it", () => {
    const bytecode = compile(
      "globalThis.main = () => console.log(new TextDecoder().decode(netloomHost.attachment()));",
    );
    writeFileSync(`${bytecode}.lines`, "a.ts:1");
    daemonHost("program", bytecode, `${bytecode}.out`, `${bytecode}.lines`);
    equal(run(`${bytecode}.out`).stderr, "a.ts:1\n");
  });

  it("is made by a host that says how it is called", () => {
    const ran = daemonHost("image", "a", "b");
    deepEqual(
      [ran.status, ran.stderr],
      [2, "usage: netloom-host program IN.bc OUT [ATTACHMENT]\n"],
    );
  });
});

describeKernel("a daemon", () => {
  after(removeFolders);

  it("lies elsewhere at each start: its code, its data, its heap and its stack", () => {
    const program = buildDaemon(programOf(maps));
    const [first = [], second = []] = [run(program), run(program)].map(
      ({ stdout }) => JSON.parse(stdout) as string[],
    );
    const placesOf = (lines: string[], what: RegExp) =>
      lines.filter((line) => what.test(line)).map((line) => line.replace(/-.*/, ""));
    for (const what of [/r-xp.*\/daemon$/, /rw-p.*\/daemon$/, /\[stack\]$/]) {
      equal(placesOf(first, what).length, 1, `${what} in\n${first.join("\n")}`);
      notEqual(placesOf(first, what)[0], placesOf(second, what)[0]);
    }
    const heap = /rw-p 00000000 00:00 0 *(\[heap\])?$/;
    ok(placesOf(first, heap).length > 0);
    ok(placesOf(first, heap).every((place) => !placesOf(second, heap).includes(place)));
  });

  it("has no memory that is writable and executable", () => {
    deepEqual(
      onDaemon(maps).filter((line) => /\bw?rwx/.test(line)),
      [],
    );
  });

  it("touches nothing while its modules are evaluated", () => {
    const ran = run(
      buildDaemon("const time = netloomHost.clockGettime(0); globalThis.main = () => time;"),
    );
    equal(ran.status, 1);
    match(ran.stderr, /called while the program is built/);
  });

  it("leaves with the status that main returns", () => {
    equal(run(buildDaemon("globalThis.main = () => 5;")).status, 5);
  });

  it("is refused more than 256 MB, can go on without, and has the memory again that it gave back", () => {
    const source = `globalThis.main = () => {
      for (let round = 0; round < 3; round++) {
        let kept = [];
        try { for (;;) kept.push(new Uint8Array(1 << 20)); } catch (error) { console.log(kept.length, error.message); }
        kept = undefined;
      }
    };`;
    const lines = run(buildDaemon(source)).stderr.trimEnd().split("\n");
    equal(lines.length, 3);
    for (const line of lines) match(line, /^2(4\d|5\d) out of memory$/);
  });
});

describeKernel("a daemon's memory", () => {
  after(removeFolders);

  /**
   * Work as a server does it: messages of all sizes, maps that grow and shrink, cycles, closures, errors, system calls. The
   * resident size, in kB, after each tenth of the rounds.
   */
  const work = (host: Host) => {
    const resident = () => {
      const fd = host.open("/proc/self/status", 0);
      const text = new TextDecoder().decode(host.read(fd, 4096));
      host.close(fd);
      return Number(/VmRSS:\s*(\d+)/.exec(text)?.[1]);
    };
    const [left, right] = host.socketpair(1, 2, 0);
    const clients = new Map<number, { bytes: Uint8Array; self?: object; text: string }>();
    const round = (number: number) => {
      const length = 1 + ((number * 7919) % 60_000);
      host.send(left, new Uint8Array(length));
      const client: { bytes: Uint8Array; self?: object; text: string } = {
        bytes: host.recv(right, 65_536),
        text: JSON.stringify({ number, list: Array.from({ length: number % 50 }, String) }),
      };
      client.self = client;
      clients.set(number, client);
      if (clients.size > 50) clients.delete(number - 50);
      try {
        host.open(`/nowhere/${number}`, 0);
      } catch (error) {
        client.text += String(error);
      }
    };
    const samples: number[] = [];
    for (let number = 0; number < 20_000; number++) {
      round(number);
      if (number % 2000 === 1999) samples.push(resident());
    }
    return samples;
  };

  it("does not grow with the work that was done", () => {
    const [warm = 0, ...later] = onDaemon(work);
    const most = Math.max(...later);
    ok(most <= warm * 1.1 + 512, `${warm} kB after a tenth of the rounds, then ${later.join()}`);
  }).timeout(60_000);

  it("goes back to the kernel after a burst", () => {
    const [before = 0, burst = 0, after = 0] = onDaemon((host) => {
      const resident = () => {
        const fd = host.open("/proc/self/status", 0);
        const text = new TextDecoder().decode(host.read(fd, 4096));
        host.close(fd);
        return Number(/VmRSS:\s*(\d+)/.exec(text)?.[1]);
      };
      const samples = [resident()];
      let kept: unknown[] = [];
      for (let index = 0; index < 200_000; index++) kept.push({ index, text: `text ${index}` });
      samples.push(resident());
      kept = [];
      samples.push(resident());
      return samples;
    });
    ok(burst > before + 20_000, `${before} kB before, ${burst} in the burst`);
    ok(after < before + (burst - before) / 10, `${before} kB before, ${burst}, then ${after}`);
  }).timeout(60_000);
});

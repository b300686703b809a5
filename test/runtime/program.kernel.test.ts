import { deepEqual, equal, match } from "node:assert/strict";
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { hostProgram } from "../../scripts/host.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { build, onHost, programOf, removeFolders, run } from "./program.ts";

/** Seven little-endian numbers, the host's build id (20 bytes), the magic word (8). */
const trailerLength = 7 * 8 + 20 + 8;
const fields = [
  "image",
  "imageLength",
  "bytecode",
  "bytecodeLength",
  "attachment",
  "attachmentLength",
  "base",
] as const;
type Field = (typeof fields)[number];

/** A program that says hello, with one number of its trailer changed. */
function withField(field: Field, value: bigint): string {
  return damaged((bytes) => {
    bytes.writeBigUInt64LE(value, bytes.length - trailerLength + 8 * fields.indexOf(field));
  });
}

/** A program that says hello, its bytes changed. */
function damaged(change: (bytes: Buffer) => void): string {
  const program = hello();
  const bytes = readFileSync(program);
  change(bytes);
  writeFileSync(program, bytes);
  return program;
}

const hello = () => build('globalThis.main = () => console.log("hello");');

describeKernel("a damaged program file", () => {
  after(removeFolders);

  function refuses(program: string, message: RegExp): void {
    const ran = run(program);
    deepEqual([ran.status, ran.signal, ran.stdout], [1, null, ""]);
    match(ran.stderr, message);
  }
  const outside =
    /^netloom: this program file is damaged: a part of it lies outside of the file\n$/;

  it("without its trailer is refused", () => {
    const program = hello();
    truncateSync(program, readFileSync(program).length - trailerLength);
    refuses(program, /^netloom: this program file is damaged: it does not end with a trailer\n$/);
  });
  it("without its last byte is refused", () => {
    const program = hello();
    truncateSync(program, readFileSync(program).length - 1);
    refuses(program, /does not end with a trailer/);
  });
  it("cut in the middle of its image is refused", () => {
    const program = hello();
    truncateSync(program, readFileSync(hostProgram()).length + 100_000);
    refuses(program, /does not end with a trailer/);
  });
  it("cut just behind the host is refused", () => {
    const program = hello();
    truncateSync(program, readFileSync(hostProgram()).length + 1);
    refuses(program, /does not end with a trailer/);
  });
  it("with another magic word is refused", () => {
    refuses(
      damaged((bytes) => bytes.write("netloom0", bytes.length - 8)),
      /does not end with a trailer/,
    );
  });
  it("with another host's build id is refused", () => {
    const program = damaged((bytes) => bytes.writeUInt8((bytes.at(-9) ?? 0) ^ 1, bytes.length - 9));
    refuses(program, /its image was made by another build of the host/);
  });
  for (const field of fields.slice(0, 6)) {
    it(`whose trailer has a huge ${field} is refused`, () =>
      refuses(withField(field, 1n << 40n), outside));
    it(`whose trailer has the largest ${field} is refused`, () =>
      refuses(withField(field, (1n << 64n) - 1n), outside));
  }
  it("whose image begins inside the host is refused", () =>
    refuses(withField("image", 65536n), outside));
  it("whose image begins between pages is refused", () => {
    const bytes = readFileSync(hello());
    refuses(withField("image", bytes.readBigUInt64LE(bytes.length - trailerLength) + 1n), outside);
  });
});

describeKernel("a program that cannot have its image", () => {
  after(removeFolders);

  function runsAnyway(program: string): void {
    const ran = run(program);
    deepEqual([ran.status, ran.stderr], [0, "hello\n"]);
  }

  it("runs from its bytecode when the address is taken", () => {
    runsAnyway(withField("base", 0x400000n)); // the host's own code
  });
  it("runs from its bytecode when the address cannot be mapped", () => {
    runsAnyway(withField("base", 1n << 60n));
  });
  it("runs from its bytecode when the address is no page", () => {
    runsAnyway(withField("base", 0x1000000001n));
  });
  it("runs from its bytecode when the image was made for another address", () => {
    runsAnyway(withField("base", 0x2000000000n));
  });
  it("runs from its bytecode when the image is too short to be one", () => {
    runsAnyway(withField("imageLength", 100n));
  });
  it("runs from its bytecode when the image's first bytes are not those of one", () => {
    runsAnyway(
      damaged((bytes) => {
        bytes.fill(
          0,
          Number(bytes.readBigUInt64LE(bytes.length - trailerLength)),
          bytes.length - 50_000,
        );
      }),
    );
  });
  it("behaves the same from its bytecode", () => {
    const source = programOf((host) => [
      typeof host.getpid(),
      new TextDecoder().decode(new Uint8Array([65])),
      Math.random() < 1,
    ]);
    const program = build(source);
    const bytes = readFileSync(program);
    bytes.writeBigUInt64LE(0x400000n, bytes.length - trailerLength + 48);
    writeFileSync(program, bytes);
    equal(run(program).stdout, '["number","A",true]');
  });
  it("has 200 MB from its bytecode too", () => {
    const program = build(`globalThis.main = () => {
      const kept = []; for (let i = 0; i < 200; i++) kept.push(new Uint8Array(1 << 20).fill(i));
      console.log(kept.length); };`);
    const bytes = readFileSync(program);
    bytes.writeBigUInt64LE(0x400000n, bytes.length - trailerLength + 48);
    writeFileSync(program, bytes);
    equal(run(program).stderr, "200\n");
  });
});

describeKernel("a program with little address space", () => {
  after(removeFolders);
  const limited = (kilobytes: number, program = hello()) =>
    run(program, { through: ["prlimit", `--as=${kilobytes * 1024}`] });

  it("takes memory in smaller steps", () => deepEqual(limited(3000).stderr, "hello\n"));
  it("takes memory in smaller steps where data is limited", () => {
    deepEqual(run(hello(), { through: ["prlimit", `--data=${1500 << 10}`] }).stderr, "hello\n");
  });
  it("says what is missing, and does not crash, when even that is too much", () => {
    for (const kilobytes of [1700, 1600, 1500]) {
      const ran = limited(kilobytes);
      deepEqual([ran.signal, ran.stdout], [null, ""]);
      if (ran.status === 0) continue;
      deepEqual(
        [ran.status, /^netloom: .*(memory|ENOMEM)/.test(ran.stderr)],
        [1, true],
        ran.stderr,
      );
    }
  });
  it("gets an exception when its own needs are too much", () => {
    const greedy = build(`globalThis.main = () => {
      try { new Uint8Array(64 << 20) } catch (error) { console.log(error.message) } };`);
    equal(limited(20_000, greedy).stderr, "out of memory\n");
  });
});

describeKernel("the program file", () => {
  after(removeFolders);

  it("is found where /proc is missing", () => {
    const ran = run(hello(), {
      through: ["unshare", "-m", "sh", "-c", 'umount -l /proc && exec "$0"'],
    });
    deepEqual([ran.status, ran.stderr], [0, "hello\n"]);
  });
  it("is found under any name", () => {
    const program = hello();
    copyFileSync(program, `${program} of another name`);
    equal(run(`${program} of another name`).stderr, "hello\n");
  });
  it("gives its attachment", () => {
    const text = "core/x.ts:1\n".repeat(10_000);
    const program = build(
      "globalThis.main = () => netloomHost.write(1, netloomHost.attachment());",
      text,
    );
    equal(run(program).stdout, text.slice(0, 65536) + text.slice(65536));
  });
  it("gives an empty attachment when there is none", () => {
    equal(
      onHost((host) => host.attachment().length),
      0,
    );
  });
  it("leaves closed standard descriptors to nobody", () => {
    const program = build(programOf((host) => host.open("/etc/passwd", 0) > 2));
    const ran = run(program, { through: ["sh", "-c", 'exec "$0" 0<&- 2>&-'] });
    equal(ran.stdout, "true");
  });
});

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { compilerProgram } from "../../scripts/host.ts";
import { root } from "../../scripts/place.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { build, compile, host, removeFolders, run, temporaryFolder } from "./program.ts";

/** A TypeScript module with its imports as one text. */
function bundled(source: string): string {
  const built = buildSync({
    stdin: { contents: source, resolveDir: root, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
  });
  return built.outputFiles[0]?.text ?? "";
}

const configuration = `
  import * as z from "zod/mini";
  import ipaddr from "ipaddr.js";
  const schema = z.object({ name: z.string(), mtu: z.optional(z.number()), subnet: z.string() });
  globalThis.main = () => {
    const { subnet } = schema.parse(JSON.parse('{"name":"n","mtu":1500,"subnet":"10.1.0.0/16"}'));
    const status = netloomHost.read(netloomHost.open("/proc/self/status", 0), 4096);
    const peak = /VmHWM:\\s*(\\d+) kB/.exec(new TextDecoder().decode(status))[1];
    console.log(String(ipaddr.parseCIDR(subnet)), peak);
  };`;

/** Values of every kind made before the image is written, used after the start. */
const torture = `
  class A { #x = 1; static s = new Map([["a", 1]]); get x() { return this.#x; } inc() { this.#x++; return this; } }
  const a = new A(), map = new Map(), weak = new WeakMap([[a, "w"]]), symbol = Symbol("q"), big = 12345678901234567890n;
  for (let i = 0; i < 5000; i++) map.set("k" + i, { i, bytes: new Uint8Array(16).fill(i) });
  function* numbers() { let i = 0; for (;;) yield i++; }
  const generator = numbers(); generator.next(); generator.next();
  const settled = Promise.resolve(7), proxy = new Proxy({}, { get: (_, key) => "P" + String(key) });
  const view = new DataView(new ArrayBuffer(16)); view.setBigUint64(0, 2n ** 63n, true);
  const pattern = /(?<y>\\d{4})-(?<m>\\d\\d)/u, ref = new WeakRef(a), day = new Date(86400000);
  const shared = [a]; shared.self = shared;
  globalThis.main = async () => {
    console.log(a.inc().x, A.s.get("a"), map.get("k4999").bytes[3], weak.get(a), String(symbol), big * big);
    console.log(generator.next().value, proxy.foo, view.getBigUint64(0, true), pattern.exec("2024-05").groups.m);
    console.log(await settled, ref.deref() === a, day.toISOString(), shared.self === shared);
    map.delete("k1"); map.set("new", 1);
    console.log(map.size, [...map.keys()].at(-1), JSON.stringify([3, 1, 2].sort()), "abc".replace(/b(?<n>c)/u, "$<n>!"));
    console.log("äöü€😀".length, encodeURIComponent("ü"), structuredCloneless(), new Intl_(1).x);
    try { null.foo } catch (e) { console.log(e instanceof TypeError, /main:\\d+/.test(e.stack)) }
  };
  const structuredCloneless = () => [1, [2, [3]]].flat(Infinity).join();
  class Intl_ { constructor(x) { this.x = x } }`;

describeKernel("an image", () => {
  after(removeFolders);

  it("keeps values of every kind", () => {
    deepEqual(run(build(torture)).stderr.split("\n"), [
      "2 1 135 w Symbol(q) 152415787532388367501905199875019052100",
      "2 Pfoo 9223372036854775808 05",
      "7 true 1970-01-02T00:00:00.000Z true",
      "5000 new [1,2,3] ac!",
      "6 %C3%BC 1,2,3 1",
      "true true",
      "",
    ]);
  });

  it("has no room for what the program let go before its end", () => {
    const kept = "globalThis.main = () => 0; globalThis.kept = [];";
    const sizeOf = (source: string) => statSync(build(kept + source)).size;
    const passing = `{
      const all = [];
      for (let i = 0; i < 20000; i++) {
        all.push({ i });
        if (i % 100 === 0) kept.push({ i });
      }
    }`;
    const more = sizeOf(passing) - sizeOf("");
    ok(more < 65536, `${more} bytes more`);
  });

  it("keeps schemas of zod/mini and ipaddr.js, within the budget of size and memory", () => {
    const program = build(bundled(configuration));
    const [address, peakKilobytes] = run(program).stderr.trim().split(" ");
    equal(address, "10.1.0.0/16");
    ok(Number(peakKilobytes) <= 6144, `memory: ${peakKilobytes} KB`);
    ok(statSync(program).size <= 2_000_000, `file: ${statSync(program).size} bytes`);
  });

  it("is the same, byte for byte, in every build", () => {
    const bytecode = compile(bundled(configuration));
    const folder = temporaryFolder();
    const outs = ["first", "a-much-longer-name-of-the-second"].map((name) => join(folder, name));
    for (const out of outs) deepEqual(host("image", bytecode, out).stderr, "");
    const [first, second] = outs.map((out) => readFileSync(out));
    ok(first !== undefined && second !== undefined && first.equals(second));
  });

  it("holds no garbage: memory that import gave back costs nothing", () => {
    const lean = build("globalThis.main = () => {};");
    const wasteful = build(`
      let kept = []; for (let i = 0; i < 20000; i++) { const o = { i }; o.self = o; kept.push(o); }
      kept = undefined; globalThis.main = () => {};`);
    const text = readFileSync(wasteful).subarray(statSync(lean).size);
    ok(text.every((byte) => byte === 0) || text.length < 4 << 20);
  });

  it("is replaced while the old program runs", () => {
    const program = build("globalThis.main = () => {};");
    writeFileSync(`${program}.bc`, readFileSync(compile("globalThis.main = () => 5;")));
    equal(host("image", `${program}.bc`, program).status, 0);
    equal(run(program).status, 5);
  });
});

describeKernel("a training run", () => {
  after(removeFolders);

  /** Every 40th of the objects is looked at when `argument` says so; says how much of the image was copied. */
  const source = `
    const all = Array.from({ length: 20_000 }, (_, index) => ({ index, text: "text " + index }));
    globalThis.main = () => {
      let sum = 0;
      if (netloomHost.environ().includes("LOOK=1")) for (let i = 0; i < all.length; i += 40) sum += all[i].text.length;
      const fd = netloomHost.open("/proc/self/smaps", 0);
      let text = "";
      for (let part; (part = netloomHost.read(fd, 65536)).length > 0; ) text += new TextDecoder().decode(part);
      console.log(sum, /^1000000000-[^]*?Private_Dirty: *(\\d+) kB/m.exec(text)[1]);
    };`;

  function trained(env: Record<string, string>): { bytecode: string; hot: string } {
    const bytecode = compile(source);
    const [spread, hot] = [`${bytecode}.spread`, `${bytecode}.hot`];
    deepEqual(host("spread", bytecode, spread).stderr, "");
    const ran = run(compilerProgram(), { argv: ["train", spread, hot], env });
    deepEqual([ran.status, /^\d+ \d+\n$/.test(ran.stderr)], [0, true], ran.stderr);
    return { bytecode, hot };
  }

  function look(bytecode: string, hot: string[]): [sum: number, kilobytes: number] {
    const [program, nothing] = [`${bytecode}.program`, `${bytecode}.nothing`];
    writeFileSync(nothing, "");
    deepEqual(host("image", bytecode, program, nothing, ...hot).stderr, "");
    const [sum, kilobytes] = run(program, { env: { LOOK: "1" } })
      .stderr.split(" ")
      .map(Number);
    return [sum ?? 0, kilobytes ?? 0];
  }

  it("makes runs like it copy less of the image, and changes nothing else", () => {
    const { bytecode, hot } = trained({ LOOK: "1" });
    const [before, after] = [look(bytecode, []), look(bytecode, [hot])];
    equal(after[0], before[0]);
    ok(after[1] * 3 < before[1], `${before[1]} kB before, ${after[1]} kB after`);
  });
  it("of another kind does no harm", () => {
    const { bytecode, hot } = trained({});
    equal(look(bytecode, [hot])[0], look(bytecode, [])[0]);
  });
  it("comes to the same every time", () => {
    const [first, second] = [trained({ LOOK: "1" }), trained({ LOOK: "1" })];
    ok(readFileSync(first.hot).equals(readFileSync(second.hot)));
  });
  for (const [how, body] of [
    ["fail", "throw new Error('as planned');"],
    ["be killed", "netloomHost.kill(netloomHost.getpid(), 9);"],
  ]) {
    it(`may ${how}: what it wrote to until then counts`, () => {
      const bytecode = compile(`globalThis.main = () => { ${body} };`);
      const [spread, hot] = [`${bytecode}.spread`, `${bytecode}.hot`];
      deepEqual(host("spread", bytecode, spread).stderr, "");
      equal(run(compilerProgram(), { argv: ["train", spread, hot] }).status, 0);
      ok(statSync(hot).size > 0);
    });
  }
  it("needs a program", () => {
    const ran = run(compilerProgram(), { argv: ["train", "/bin/true", "/tmp/never"] });
    deepEqual(
      [ran.status, ran.stderr],
      [1, "netloom: train: this program file is damaged: it does not end with a trailer\n"],
    );
  });
});

describeKernel("while a program is built", () => {
  after(removeFolders);
  const refusal = (source: string) => {
    try {
      return build(source);
    } catch (error) {
      return (error as Error).message;
    }
  };

  for (const call of [
    "netloomHost.open('/etc/passwd', 0)",
    "netloomHost.clockGettime(0)",
    "netloomHost.environ()",
    "netloomHost.getrandom(1)",
    "console.log('x')",
    "Math.random()",
  ]) {
    it(`${call.replace(/\(.*/, "")} throws`, () => {
      match(
        refusal(`${call}; globalThis.main = () => {};`),
        /called while the program is built\n( +at .*\n)* +at .*\(main:1/,
      );
    });
  }

  it("no host function can be called", () => {
    const program = build(`
      const open = Object.entries(Object.getOwnPropertyDescriptors(netloomHost)).filter(([, { value }]) => {
        try { value(); } catch (error) { return !error.message.includes("called while the program is built"); }
        return true;
      });
      globalThis.main = () => console.log(open.length);`);
    equal(run(program).stderr, "0\n");
  });

  it("the clock cannot be read", () => {
    match(
      refusal("globalThis.at = Date.now(); globalThis.main = () => {};"),
      /asked for the time while it was built/,
    );
  });
  it("TextEncoder and TextDecoder work", () => {
    const program = build(`const text = new TextDecoder().decode(new TextEncoder().encode("ä"));
      globalThis.main = () => console.log(text);`);
    equal(run(program).stderr, "\xc3\xa4\n");
  });
  it("an exception is told with its place", () => {
    match(refusal("\nnull.x;"), /status 1, null: netloom: uncaught TypeError: .*\n.*main:2/);
  });
  it("a missing main is told", () => {
    match(refusal("globalThis.mian = () => {};"), /the program sets no globalThis.main/);
  });
  it("a wait that never ends is told", () => {
    match(refusal("await new Promise(() => {});"), /waits for something while it is built/);
  });
  it("an await that ends is fine", () => {
    equal(run(build("const x = await Promise.resolve(3); globalThis.main = () => x;")).status, 3);
  });
});

describeKernel("netloom-host", () => {
  after(removeFolders);

  it("tells its modes", () => {
    const ran = host();
    deepEqual([ran.status, ran.stdout], [2, ""]);
    match(ran.stderr, /^usage: netloom-host compile SOURCE.js OUT.bc\n/);
  });
  it("names the place of a syntax error", () => {
    const source = join(temporaryFolder(), "bad.js");
    writeFileSync(source, "let x = 1;\nlet = ;\n");
    const ran = host("compile", source, `${source}.bc`);
    deepEqual(
      [ran.status, /SyntaxError: .*\n +at main:2:\d+/.test(ran.stderr)],
      [1, true],
      ran.stderr,
    );
  });
  it("names a file it cannot read", () => {
    const ran = host("compile", "/nowhere.js", "/tmp/out");
    deepEqual(
      [ran.status, ran.stderr],
      [1, 'netloom: read "/nowhere.js": ENOENT: No such file or directory\n'],
    );
  });
  it("names a file it cannot write", () => {
    const bytecode = compile("globalThis.main = () => {};");
    const ran = host("image", bytecode, "/nowhere/program");
    deepEqual(
      [ran.status, ran.stderr],
      [1, 'netloom: write "/nowhere/program": ENOENT: No such file or directory\n'],
    );
  });
  it("refuses bytecode that is none", () => {
    const path = join(temporaryFolder(), "bad.bc");
    writeFileSync(path, "not bytecode at all");
    const ran = host("image", path, `${path}.out`);
    deepEqual([ran.status, ran.signal], [1, null]);
  });
  it("refuses an empty file", () => {
    const path = join(temporaryFolder(), "empty");
    writeFileSync(path, "");
    equal(host("image", path, `${path}.out`).status, 1);
  });
});

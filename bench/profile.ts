/**
 * `npx tsx bench/profile.ts TYPE VERB`: where one of our programs spends its time, function by function.
 *
 * Builds the program once more with every top-level function and method of its bundle timed, runs it in the whole chain of
 * the bench some times, and prints the fastest run of each function. The timing itself costs: read shares, not milliseconds.
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Libcni } from "../scripts/demo/libcni.ts";
import { hostProgram } from "../scripts/host.ts";
import { binFolder, root } from "../scripts/place.ts";
import { Sandbox } from "../test/kernel/sandbox.ts";
import { contenders, whole } from "./contenders.ts";

const runs = 20;
const mostRows = 40;

/** Runs first in the program: the wrapper, which does nothing until `main` is called. */
const prologue = `
var __stack = [], __rows = {}, __isOn = false, __now = () => netloomHost.clockGettime(1);
function __timed(name, inner) {
  const row = (__rows[name] = { name, calls: 0, total: 0, own: 0 });
  return function (...args) {
    if (!__isOn) return new.target ? Reflect.construct(inner, args, new.target) : inner.apply(this, args);
    const frame = { inside: 0 };
    __stack.push(frame);
    const start = __now();
    try {
      return inner.apply(this, args);
    } finally {
      const took = __now() - start;
      __stack.pop();
      row.calls++, (row.total += took), (row.own += took - frame.inside);
      if (__stack.length > 0) __stack.at(-1).inside += took;
    }
  };
}
`;

/** Runs behind a class: its methods are timed. */
const methods = `
function __timedMethods(name, { prototype }) {
  for (const [key, { value, writable }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (key === "constructor" || typeof value !== "function" || !writable) continue;
    prototype[key] = __timed(name + "." + key, value);
  }
}
`;

/** Runs last in the program: times \`main\` and prints what was collected as one line of JSON on stderr. */
const epilogue = `
const __main = globalThis.main;
globalThis.main = () => {
  const start = __now();
  __isOn = true;
  const status = __main();
  __isOn = false;
  const rows = Object.values(__rows).filter(({ calls }) => calls > 0);
  console.error("PROFILE " + JSON.stringify({ ms: __now() - start, rows }));
  return status;
};
`;

interface Row {
  name: string;
  calls: number;
  /** Milliseconds with, and without, the functions it called. */
  total: number;
  own: number;
}

interface Profile {
  ms: number;
  rows: Row[];
}

/** Builds the timed program. @returns the folder it is in */
function buildTimed(type: string): string {
  const code = readFileSync(join(root, "dist", "work", `${type}.js`), "utf8");
  const names = [...code.matchAll(/^ {2}function (\w+)\(/gm)].map(([, name]) => name ?? "");
  const own = names.filter((name) => !name.startsWith("__"));
  const classes = [...code.matchAll(/^ {2}(?:var (\w+) = class|class (\w+))\b/gm)];
  const wraps = [
    ...own.map((name) => `${name} = __timed("${name}", ${name});`),
    ...classes
      .map(([, one, other]) => one ?? other)
      .map((name) => `__timedMethods("${name}", ${name});`),
  ].join("\n");
  // the bundle is one function, and only its inside can name what it declares
  const end = code.lastIndexOf("})();");
  const timed = `${code.slice(0, end)}${wraps}\n${code.slice(end)}`;
  const folder = join(root, "dist", "profile");
  mkdirSync(folder, { recursive: true });
  const at = (ending: string) => join(folder, `${type}${ending}`);
  writeFileSync(at(".js"), `${prologue}${methods}${timed}${epilogue}`);
  execFileSync(hostProgram(), ["compile", at(".js"), at(".bc")]);
  execFileSync(hostProgram(), ["image", at(".bc"), at("")]);
  return folder;
}

function profileOf(stderr: string): Profile {
  const line = stderr.split("\n").find((text) => text.startsWith("PROFILE "));
  if (line === undefined) throw new Error(`profile: the program ended early: ${stderr}`);
  return JSON.parse(line.slice("PROFILE ".length));
}

function runOnce(sandbox: Sandbox, type: string, command: string, folder: string): Profile {
  const [ours] = contenders(whole);
  const network = { cniVersion: "1.0.0", name: "bench" };
  const plugins = (ours?.configs ?? []).map((config) => ({
    ...config,
    type: String(config["type"]),
  }));
  const portMappings = [{ hostPort: 20001, containerPort: 80, protocol: "tcp" }];
  const capabilities = { portMappings };
  const call = { containerId: "bench-1", ifName: "eth0", netns: "/run/netns/b-1", capabilities };
  const libcni = new Libcni(sandbox, binFolder);
  const before = plugins.slice(
    0,
    plugins.findIndex((plugin) => plugin.type === type),
  );
  const there = command === "ADD" ? before : plugins;
  const prevResult =
    there.length > 0 ? libcni.add({ ...network, plugins: there }, call) : undefined;
  const config = {
    ...network,
    ...plugins.find((plugin) => plugin.type === type),
    runtimeConfig: capabilities,
    prevResult,
  };
  const env = { CNI_PATH: binFolder, PATH: process.env["PATH"] };
  const { stderr } = sandbox.cni({ ...call, command, type, config, bin: folder, env });
  libcni.del({ ...network, plugins }, call, prevResult);
  return profileOf(stderr);
}

function print({ ms, rows: all }: Profile): void {
  console.log(`${ms.toFixed(2)} ms in main\n   own  total  calls`);
  for (const { name, calls, total, own } of all.sort((a, b) => b.own - a.own).slice(0, mostRows)) {
    console.log(
      `${own.toFixed(2).padStart(6)} ${total.toFixed(2).padStart(6)} ${String(calls).padStart(6)}  ${name}`,
    );
  }
}

/** Of each function its fastest run: what disturbed one run is not in another. */
function fastest(profiles: readonly Profile[]): Profile {
  const rows = new Map<string, Row>();
  for (const row of profiles.flatMap((profile) => profile.rows)) {
    const best = rows.get(row.name) ?? row;
    const [total, own] = [Math.min(best.total, row.total), Math.min(best.own, row.own)];
    rows.set(row.name, { ...row, total, own });
  }
  return { ms: Math.min(...profiles.map(({ ms }) => ms)), rows: [...rows.values()] };
}

const [type = "bridge", command = "ADD"] = process.argv.slice(2);
const folder = buildTimed(type);
using sandbox = Sandbox.create();
sandbox.pod("b-1");
print(fastest(Array.from({ length: runs }, () => runOnce(sandbox, type, command, folder))));

/**
 * `npm run build`: the native host, then every program as host + heap image, into dist/bin/.
 *
 * A program is made again when its bundle, its line table, its training or the host changed. With names as arguments
 * only those programs are built.
 * @module
 */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Bundle, bundle } from "./bundle.ts";
import { buildHost, compilerProgram, hostProgram } from "./host.ts";
import { binFolder, type Program, programs, root } from "./place.ts";
import { train, trainingPlan } from "./train.ts";

const run = promisify(execFile);
const workFolder = join(root, "dist", "work");

function digest(...parts: (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex");
}

/** One step of the host's own compiler. @throws {Error} with what the host said. */
async function hostStep(type: string, ...args: string[]): Promise<void> {
  try {
    await run(hostProgram(), args);
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim() || (cause as Error).message;
    throw new Error(`build ${type}: netloom-host ${args[0]}: ${said}`, { cause });
  }
}

/** What training says; nothing, and a warning, where it is impossible: the program is slower then, and as right. */
async function trained(type: string, bytecode: string): Promise<Uint8Array | undefined> {
  const folder = join(workFolder, `${type}.training.${process.pid}`); // other builds may run
  try {
    return await train(type, folder, (out) => hostStep(type, "spread", bytecode, out));
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    console.warn(`build ${type}: no training, so it starts slower: ${stderr?.trim() || message}`);
    return undefined;
  }
}

/** Compiles, trains, evaluates and appends; the file appears under its name only when it is whole. @returns if it was trained. */
async function makeProgram(type: string, { code, lines }: Bundle): Promise<boolean> {
  const at = (ending: string) => join(workFolder, `${type}.${ending}`);
  writeFileSync(at("js"), code);
  writeFileSync(at("lines"), lines);
  await hostStep(type, "compile", at("js"), at("bc"));
  const hot = await trained(type, at("bc"));
  writeFileSync(at("hot"), hot ?? "");
  await hostStep(type, "image", at("bc"), at("new"), at("lines"), at("hot"));
  renameSync(at("new"), join(binFolder, type));
  return hot !== undefined;
}

/** @returns whether the program had to be made. */
async function buildProgram(program: Program, hostDigest: string): Promise<boolean> {
  const bundled = await bundle(program);
  const stamp = join(workFolder, `${program.type}.stamp`);
  const wanted = digest(hostDigest, trainingPlan, bundled.code, bundled.lines);
  const isThere = existsSync(stamp) && existsSync(join(binFolder, program.type));
  if (isThere && readFileSync(stamp, "utf8") === wanted) return false;
  rmSync(stamp, { force: true });
  if (await makeProgram(program.type, bundled)) writeFileSync(stamp, wanted);
  return true;
}

/** Runs the jobs, as many at once as there are processors; every failure is told. */
async function inParallel(jobs: (() => Promise<void>)[]): Promise<void> {
  const failures: string[] = [];
  const next = async (): Promise<void> => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      await job().catch((error: Error) => failures.push(error.message));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, next));
  if (failures.length > 0) throw new Error(failures.join("\n"));
}

/** A program whose source is gone shall not stay. */
function removeStrangers(all: readonly Program[]): void {
  const types = new Set(all.map(({ type }) => type));
  for (const name of readdirSync(binFolder)) {
    if (!types.has(name)) rmSync(join(binFolder, name));
  }
}

/** Builds what is asked for, or everything. @returns the names of the programs that were made. */
export async function buildPrograms(names: readonly string[] = []): Promise<string[]> {
  const all = programs();
  const unknown = names.find((name) => !all.some(({ type }) => type === name));
  if (unknown !== undefined) throw new Error(`build: no program is called "${unknown}"`);
  for (const folder of [binFolder, workFolder]) mkdirSync(folder, { recursive: true });
  buildHost();
  removeStrangers(all);
  const hostDigest = digest(readFileSync(hostProgram()), readFileSync(compilerProgram()));
  const wanted = all.filter(({ type }) => names.length === 0 || names.includes(type));
  const made: string[] = [];
  const jobs = wanted.map((program) => async () => {
    if (await buildProgram(program, hostDigest)) made.push(program.type);
  });
  await inParallel(jobs);
  return made.sort();
}

if (process.argv[1] === import.meta.filename) {
  const start = performance.now();
  try {
    const made = await buildPrograms(process.argv.slice(2));
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    console.log(`built in ${seconds} s: ${made.join(" ") || "nothing had changed"}`);
  } catch (error) {
    console.error((error as Error).message);
    process.exitCode = 1;
  }
}

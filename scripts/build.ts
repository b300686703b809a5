/**
 * `npm run build`: the native host, then every program as host + heap image, and every daemon as its host + bytecode, into
 * dist/bin/.
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
import {
  buildDaemonHost,
  buildHost,
  compilerProgram,
  daemonHostProgram,
  hostProgram,
} from "./host.ts";
import { binFolder, daemons, type Program, programs, root } from "./place.ts";
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
  await step(hostProgram(), type, args);
}

async function step(host: string, type: string, args: string[]): Promise<void> {
  try {
    await run(host, args);
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

/** Where the parts of a program lie while it is made: `js`, `lines`, `bc` and so on. */
const at = (type: string, ending: string) => join(workFolder, `${type}.${ending}`);

async function compile(type: string, { code, lines }: Bundle): Promise<void> {
  writeFileSync(at(type, "js"), code);
  writeFileSync(at(type, "lines"), lines);
  await hostStep(type, "compile", at(type, "js"), at(type, "bc"));
}

/** Compiles and appends; the file appears under its name only when it is whole. @returns true: there is nothing to train. */
async function makeDaemon(type: string, bundled: Bundle): Promise<boolean> {
  await compile(type, bundled);
  const [bytecode, made, lines] = ["bc", "new", "lines"].map((ending) => at(type, ending));
  await step(daemonHostProgram(), type, ["program", bytecode, made, lines] as string[]);
  renameSync(at(type, "new"), join(binFolder, type));
  return true;
}

/** Compiles, trains, evaluates and appends, likewise. @returns if it was trained. */
async function makeProgram(type: string, bundled: Bundle): Promise<boolean> {
  await compile(type, bundled);
  const hot = await trained(type, at(type, "bc"));
  writeFileSync(at(type, "hot"), hot ?? "");
  const files = ["bc", "new", "lines", "hot"].map((ending) => at(type, ending));
  await hostStep(type, "image", ...files);
  renameSync(at(type, "new"), join(binFolder, type));
  return hot !== undefined;
}

/** How a program of a kind is made. */
interface Kind {
  /** What every program of the kind depends on beside its sources. */
  basis: string;
  /** @returns whether it is as good as it can be: otherwise it is made again the next time */
  make(type: string, bundled: Bundle): Promise<boolean>;
}

/** @returns whether the program had to be made. */
async function buildProgram(program: Program, kind: Kind): Promise<boolean> {
  const bundled = await bundle(program);
  const stamp = at(program.type, "stamp");
  const wanted = digest(kind.basis, bundled.code, bundled.lines);
  const isThere = existsSync(stamp) && existsSync(join(binFolder, program.type));
  if (isThere && readFileSync(stamp, "utf8") === wanted) return false;
  rmSync(stamp, { force: true });
  if (await kind.make(program.type, bundled)) writeFileSync(stamp, wanted);
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

function kindOfPrograms(): Kind {
  const host = digest(readFileSync(hostProgram()), readFileSync(compilerProgram()));
  return { basis: digest(host, trainingPlan), make: makeProgram };
}

function kindOfDaemons(): Kind {
  const basis = digest(readFileSync(daemonHostProgram()), readFileSync(compilerProgram()));
  return { basis, make: makeDaemon };
}

/** Builds what is asked for, or everything. @returns the names of the programs that were made. */
export async function buildPrograms(names: readonly string[] = []): Promise<string[]> {
  const all = [...programs(), ...daemons()];
  const unknown = names.find((name) => !all.some(({ type }) => type === name));
  if (unknown !== undefined) throw new Error(`build: no program is called "${unknown}"`);
  for (const folder of [binFolder, workFolder]) mkdirSync(folder, { recursive: true });
  const isWanted = ({ type }: Program) => names.length === 0 || names.includes(type);
  const wantsDaemon = names.length === 0 || daemons().some(isWanted);
  await Promise.all([buildHost(), ...(wantsDaemon ? [buildDaemonHost()] : [])]);
  removeStrangers(all);
  const kinds = [
    { kind: kindOfPrograms(), members: programs() },
    ...(wantsDaemon ? [{ kind: kindOfDaemons(), members: daemons() }] : []),
  ];
  const made: string[] = [];
  const jobs = kinds.flatMap(({ kind, members }) =>
    members.filter(isWanted).map((program) => async () => {
      if (await buildProgram(program, kind)) made.push(program.type);
    }),
  );
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

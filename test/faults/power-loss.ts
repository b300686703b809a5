/**
 * What a power cut, a full disk or a careless hand makes of a file.
 * @module
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { mutate, randomNumbers } from "netlink-ts/testing/fuzz.ts";

/** One way to break a file. */
export interface Damage {
  name: string;
  /** Breaks the file at `path`, which is there. */
  apply(path: string, surroundings: Surroundings): void;
  /** Nothing that a program running as root could notice. */
  isHarmless?: boolean;
  /** The file has become something else than a regular file. */
  isOtherType?: boolean;
  /** May leave a file that says the same, or something else that is as good. */
  isSubtle?: boolean;
}

/** What a damage needs beside the file. */
export interface Surroundings {
  /** A file that must stay as it is, by the name it has inside the sandbox. */
  precious: string;
  /** A good file of the same kind that is somebody else's. */
  foreign: string;
}

const KIB = 1024;

/** All ways, for a file of `length` bytes: every truncation of a small one, some of a longer one. */
export function damages(length: number, seed: number): Damage[] {
  const random = randomNumbers(seed);
  return [...truncations(length), ...contents, ...types, ...mutations(random, 6)];
}

/** A truncation to nothing is "empty". */
function truncations(length: number): Damage[] {
  const few = [1, 2, length >> 2, length >> 1, length - 2, length - 1];
  const lengths = length <= 16 ? Array.from({ length }, (_, at) => at) : few;
  return [...new Set(lengths)]
    .filter((at) => at > 0 && at < length)
    .map((at) => ({
      name: `truncated to ${at} of ${length} bytes`,
      // another's file may be a byte shorter
      apply: (path) => truncateSync(path, Math.min(at, lstatSync(path).size - 1)),
    }));
}

function mutations(random: () => number, count: number): Damage[] {
  return Array.from({ length: count }, (_, at) => ({
    name: `changed in some places (${at})`,
    isSubtle: true,
    apply: (path) => writeFileSync(path, mutate(readFileSync(path), random)),
  }));
}

const contents: readonly Damage[] = [
  { name: "empty", apply: (path) => truncateSync(path, 0) },
  { name: "one byte", apply: (path) => writeFileSync(path, "x") },
  {
    name: "zeros of the same length",
    apply: (path) => writeFileSync(path, new Uint8Array(lstatSync(path).size)),
  },
  {
    name: "binary",
    apply: (path) =>
      writeFileSync(
        path,
        Uint8Array.from({ length: 600 }, (_, at) => (at * 167) & 0xff),
      ),
  },
  {
    name: "100 MiB, its content and then zeros",
    apply: (path) => truncateSync(path, 100 * KIB * KIB),
  },
  {
    name: "5 MiB of its content again and again",
    apply(path) {
      const content = readFileSync(path, "latin1") || "x";
      const times = Math.ceil((5 * KIB * KIB) / content.length);
      writeFileSync(path, content.repeat(times), "latin1");
    },
  },
  { name: "somebody else's", apply: (path, { foreign }) => writeFileSync(path, foreign) },
];

function replaced(name: string, make: (path: string, surroundings: Surroundings) => void): Damage {
  const apply = (path: string, surroundings: Surroundings) => {
    rmSync(path);
    make(path, surroundings);
  };
  return { name, isOtherType: true, apply };
}

const types: readonly Damage[] = [
  { name: "missing", apply: (path) => rmSync(path), isSubtle: true },
  replaced("a directory", (path) => mkdirSync(path)),
  replaced("a directory with something in it", (path) => {
    mkdirSync(path);
    writeFileSync(`${path}/file`, "");
  }),
  replaced("a dangling symbolic link", (path) => symlinkSync("/run/nowhere/at-all", path)),
  replaced("a symbolic link to a file", (path, { precious }) => symlinkSync(precious, path)),
  replaced("a symbolic link to itself", (path) => symlinkSync(path.replace(/.*\//, ""), path)),
  replaced("a FIFO", (path) => execFileSync("mkfifo", [path])),
  { name: "mode 000", isHarmless: true, apply: (path) => chmodSync(path, 0) },
  { name: "another owner", isHarmless: true, apply: (path) => chownSync(path, 1000, 1000) },
];

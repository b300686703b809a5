/**
 * Helpers of the tests in C.
 * @module
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "../../scripts/place.ts";

/** Compiles a C file of the tests once a version of its text and of what it includes. @returns the program's path. */
export function compileC(source: string): string {
  const name = createHash("sha256").update(wholeText(source)).digest("hex").slice(0, 16);
  const program = join(root, ".cache", "c", name);
  if (existsSync(program)) return program;
  mkdirSync(dirname(program), { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  // musl brings no kernel headers: those of the machine are looked at last
  const headers = ["/usr/include", `/usr/include/${arch()}-linux-gnu`];
  const includes = headers.flatMap((folder) => ["-idirafter", folder]);
  execFileSync("musl-gcc", ["-O2", "-static", ...includes, "-o", unfinished, source], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  renameSync(unfinished, program);
  return program;
}

/** The file and those of ours that it includes, `#include "x.h"`, and they in turn. */
function wholeText(source: string): string {
  const text = readFileSync(source, "utf8");
  const included = [...text.matchAll(/^#include "(.+)"$/gm)];
  return [text, ...included.map(([, name = ""]) => wholeText(join(dirname(source), name)))].join(
    "",
  );
}

/** The machine's name as in its folder of headers. */
function arch(): string {
  return process.arch === "arm64" ? "aarch64" : "x86_64";
}

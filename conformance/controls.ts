/**
 * Programs that do one thing wrong: good ones behind a wrapper. The runner has to catch each of them.
 * @module
 */
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A wrong program and what catches it. */
export interface Control {
  /** What it does, and the name of its folder. */
  name: string;
  /** The program that it replaces. */
  program: string;
  /** In sh; `real` executes the good program, with the script's stdin. */
  script: string;
  /** Key of a case that has to fail. */
  caughtBy: string;
  /** What that case has to say. */
  saying: RegExp;
}

const unless = (command: string, otherwise: string) =>
  `if [ "$CNI_COMMAND" = ${command} ]; then ${otherwise}; else real; fi`;
const nothing = "cat > /dev/null";

/** Every wrong program. */
export const controls: readonly Control[] = [
  {
    name: "DEL does nothing",
    program: "bridge",
    script: unless("DEL", nothing),
    caughtBy: "SPEC-050 bridge: is undone by DEL, which may come again",
    saying: /deeply|deep-equal/,
  },
  {
    name: "prints two documents",
    program: "bridge",
    script: unless("ADD", "real | tee /dev/stderr; echo '{}'"),
    caughtBy: "SPEC-050 bridge: is undone by DEL, which may come again",
    saying: /not one JSON document/,
  },
  {
    name: "exit 0 with an error",
    program: "static",
    script: "real; exit 0",
    caughtBy: "SPEC-003 static: refuses a configuration without name",
    saying: /exit status 0 with an error/,
  },
  {
    name: "CHECK always succeeds",
    program: "bridge",
    script: unless("CHECK", nothing),
    caughtBy: "SPEC-064 bridge: misses its link, and changes nothing",
    saying: /it succeeded/,
  },
  {
    name: "GC does nothing",
    program: "host-local",
    script: unless("GC", nothing),
    caughtBy: "SPEC-079 host-local: takes away what belongs to nobody, and nothing else",
    saying: /deeply|deep-equal|equal/,
  },
  {
    name: "STATUS is always ready",
    program: "host-local",
    script: unless("STATUS", nothing),
    caughtBy: "SPEC-074 host-local: says with code 50 that no address is left, until one is",
    saying: /it succeeded/,
  },
  {
    name: "ignores a key",
    program: "bridge",
    script: `sed 's/"mtu":/"ignored":/' | real`,
    caughtBy: "U-001 bridge: makes the bridge with its MTU, up",
    saying: /equal/,
  },
  {
    name: "leaves a child behind",
    program: "bridge",
    script: unless("ADD", "sleep 60 > /dev/null 2>&1 & real"),
    caughtBy: "SPEC-050 bridge: is undone by DEL, which may come again",
    saying: /left a process behind: \d+ sleep 60/,
  },
];

/** Makes a folder of those programs with the wrong one among them. @returns its path */
export function makeControl({ name, program, script }: Control, good: string, at: string): string {
  const folder = join(at, name.replaceAll(" ", "-"));
  mkdirSync(folder);
  for (const type of readdirSync(good)) {
    if (type !== program) symlinkSync(join(good, type), join(folder, type));
  }
  const text = `#!/bin/sh\nreal() { ${join(good, program)}; }\n${script}\n`;
  writeFileSync(join(folder, program), text);
  chmodSync(join(folder, program), 0o755);
  return folder;
}

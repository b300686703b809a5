/**
 * A folder of CNI programs of which one fails when it is told to.
 * @module
 */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** A verb that can be made to fail. */
export type FaultyVerb = "ADD" | "DEL" | "STATUS";

/**
 * The program's stand-in: reads from the file named as the verb how often that fails still, and with which answer.
 * Otherwise it is the program itself.
 */
function standIn(folder: string, program: string): string {
  return `#!/bin/sh
fault=${folder}/.faults/$CNI_COMMAND
left=$(cat "$fault" 2>/dev/null)
[ "\${left:-0}" -gt 0 ] || exec ${program}
echo $((left - 1)) > "$fault"
cat > /dev/null
cat "$fault.answer"
exit 1
`;
}

/** The programs of another folder, one of them with faults on request. */
export class FaultyPrograms {
  /** To be given to the runtime. */
  readonly folder: string;

  /**
   * @param folder made here
   * @param programs the real programs
   * @param type file name of the one that can fail
   */
  constructor(folder: string, programs: string, type: string) {
    this.folder = folder;
    mkdirSync(join(folder, ".faults"), { recursive: true });
    for (const name of readdirSync(programs)) {
      if (name !== type) symlinkSync(join(programs, name), join(folder, name));
    }
    writeFileSync(join(folder, type), standIn(folder, join(programs, type)));
    chmodSync(join(folder, type), 0o755);
  }

  /** The next calls of that verb fail: with `times` 0, none do any more. */
  fail(verb: FaultyVerb, times: number, code = 11): void {
    const fault = join(this.folder, ".faults", verb);
    const answer = {
      cniVersion: "1.1.0",
      code,
      msg: "the test wants it",
      details: `${times} times`,
    };
    writeFileSync(`${fault}.answer`, JSON.stringify(answer));
    writeFileSync(fault, `${times}\n`);
  }

  /** How often the verb will fail still. */
  left(verb: FaultyVerb): number {
    return Number(readFileSync(join(this.folder, ".faults", verb), "utf8"));
  }
}

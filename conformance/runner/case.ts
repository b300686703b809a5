/**
 * What a case is. The files in `cases/` export `cases`, an array of them.
 * @module
 */
import type { Feature } from "./features.ts";
import type { Trial } from "./trial.ts";

/** One thing that is asked of a directory of programs. */
export interface Case {
  /** The checklist's lines that it decides, in whole or in part. */
  lines: readonly [string, ...string[]];
  /** The program it is about; it is what `Trial.ok` and the like execute. */
  program: string;
  /** Programs that have to be there besides. */
  beside?: readonly string[];
  /** A fact in the present tense, different from those of other cases of the same first line and program. */
  fact: string;
  /** A version the program has to list; the case does not concern one that does not. */
  version?: string;
  /** What the kernel or the machine has to have. */
  needs?: readonly Feature[];
  /** Another directory's programs take over what these left: `Trial.other` is set, and the case runs both ways. */
  swap?: boolean;
  /** It is a failure when the case takes longer. Default 60 s. */
  timeoutMs?: number;
  run(trial: Trial): void | Promise<void>;
}

/** How the register and the reports name a case: first line, program, fact. */
export function keyOf({ lines: [line], program, fact }: Case): string {
  return `${line} ${program}: ${fact}`;
}

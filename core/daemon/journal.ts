/**
 * A daemon's log: one line an event, on stderr, for people and for the journal.
 * @see sd-daemon(3) "priority", systemd.exec(5) "JOURNAL_STREAM"
 * @module
 */

import { host } from "../host.ts";
import { writeStderr } from "../log.ts";
import { environmentValue } from "./activation.ts";

/** How much an event matters: syslog(3). */
const priorities = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 } as const;
/** One of the priorities by its name. */
export type Priority = keyof typeof priorities;

/** What an event is about, `name=value` each; what is undefined is left out. */
export type Fields = Record<string, string | number | undefined>;

const stderr = 2;

/** Writes events; each line begins with `<priority>` where the journal reads it. */
export class Journal {
  readonly #toJournal: boolean;

  constructor(environ: readonly string[]) {
    this.#toJournal = isJournal(environmentValue(environ, "JOURNAL_STREAM"));
  }

  /** Writes a line, if somebody reads: `lease bound: container=c1 interface=eth0 …`. */
  write(priority: Priority, event: string, fields: Fields = {}): void {
    const prefix = this.#toJournal ? `<${priorities[priority]}>` : "";
    writeStderr(`${prefix}${journalLine(event, fields)}\n`, 0);
  }
}

/** stderr leads to the journal when it is the very stream that the variable names by device and inode. */
function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  const { dev, ino } = host.fstat(stderr);
  return stream === `${dev}:${ino}`;
}

/** An event as one line of text. */
export function journalLine(event: string, fields: Fields): string {
  const told = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${quoted(String(value))}`],
  );
  return [event.replace(/\s*\n\s*/g, "; "), ...told].join(" ");
}

function quoted(text: string): string {
  return /^[^\s"=\\\p{Cc}]+$/u.test(text) ? text : JSON.stringify(text);
}

/**
 * The checklist as data: `checklist.md` is the one place where a line stands.
 * @module
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One promise. */
export interface ChecklistLine {
  /** As `SPEC-003`. */
  id: string;
  /** Number of its section, as `1.A` or `6.10`. */
  section: string;
  /** What it says, Markdown. */
  text: string;
}

/** The lines in their order, and what their sections are called. */
export interface Checklist {
  lines: readonly ChecklistLine[];
  /** Section number to its title. */
  sections: ReadonlyMap<string, string>;
}

const heading = /^#{2,3} (\d\.[\dA-Z]+|[345]) (.+?)(?: \(|$)/;
const line = /^(?:- (?:\*\*)?|\| )([A-Z]+-\d{3})\b[* |]*(.*)$/;

/** Reads the lines out of the checklist's Markdown. */
export function parseChecklist(markdown: string): Checklist {
  const lines: ChecklistLine[] = [];
  const sections = new Map<string, string>();
  let section = "";
  for (const row of markdown.split("\n")) {
    const [, number, title] = heading.exec(row) ?? [];
    if (number !== undefined && title !== undefined) {
      section = number;
      sections.set(number, title);
    }
    const [, id, text] = line.exec(row) ?? [];
    if (id !== undefined && text !== undefined) lines.push({ id, section, text });
  }
  return { lines, sections };
}

/** The checklist of this folder. */
export function readChecklist(): Checklist {
  return parseChecklist(readFileSync(join(import.meta.dirname, "..", "checklist.md"), "utf8"));
}

/**
 * What the runner prints.
 * @module
 */
import type { Checklist } from "./checklist.ts";
import { type Status, statusOfLine, type Verdict } from "./verdict.ts";

const WIDTH = 600;

function cut(text: string): string {
  return text.length > WIDTH ? `${text.slice(0, WIDTH)}…` : text;
}

/** One line: what failed, how, what was sent and what came back. */
export function failureLine({ key, subject, status, reason, known, sent, got }: Verdict): string {
  if (status === "xpass") return `XPASS ${key} [${subject}] passes, the register says: ${known}`;
  const call = sent ? ` · sent ${cut(sent)} · got ${cut(got ?? "")}` : "";
  return `FAIL  ${key} [${subject}] ${cut(reason ?? "")}${call}`;
}

/** `reason (how many)`, most frequent first. */
export function skipLines(verdicts: readonly Verdict[]): string[] {
  const counts = new Map<string, number>();
  for (const { status, subject, reason = "" } of verdicts) {
    const row = `${subject}: ${reason}`;
    if (status === "skip") counts.set(row, (counts.get(row) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([row, count]) => `skip  ${row} (${count})`);
}

const shown: readonly Status[] = ["pass", "fail", "xpass", "xfail", "skip"];

/** `pass / fail / skip / xfail` of a section's lines there. A line that does not concern the programs is not counted. */
function cell(ids: readonly string[], verdicts: readonly Verdict[]): string {
  const of = Object.fromEntries(shown.map((status) => [status, 0])) as Record<Status, number>;
  for (const id of ids) {
    const status = statusOfLine(verdicts, id);
    if (status !== undefined) of[status] += 1;
  }
  return `${of.pass} / ${of.fail + of.xpass} / ${of.skip} / ${of.xfail}`;
}

/** The closing table, in Markdown: by section, for each directory and pair, lines of the checklist; the last column are undecided ones. */
export function table(
  { lines, sections }: Checklist,
  verdicts: readonly Verdict[],
  undecided: readonly string[],
): string[] {
  const subjects = [...new Set(verdicts.map(({ subject }) => subject))];
  const bySubject = subjects.map((subject) => verdicts.filter((v) => v.subject === subject));
  const row = (title: string, ids: readonly string[]) => {
    const cells = bySubject.map((of) => cell(ids, of));
    const open = ids.filter((id) => undecided.includes(id)).length;
    return `| ${[title, ...cells, `${open} of ${ids.length}`].join(" | ")} |`;
  };
  const idsOf = (section: string) => lines.filter((l) => l.section === section).map((l) => l.id);
  const inUse = [...sections].filter(([section]) => idsOf(section).length > 0);
  return [
    `| ${["section", ...subjects, "undecided"].join(" | ")} |`,
    `|---|${subjects.map(() => "---|").join("")}---|`,
    ...inUse.map(([section, title]) => row(`${section} ${title}`, idsOf(section))),
    row(
      "all",
      lines.map(({ id }) => id),
    ),
  ];
}

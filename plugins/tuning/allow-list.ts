/**
 * The sysctls that the host's administrator allows.
 * @module
 */

import { CniError, cniCode, during } from "../../core/errors.ts";
import { readFileIfPresent } from "../../core/state/file.ts";

const path = "/etc/cni/tuning/allowlist.conf";
const longest = 1024 * 1024;

/**
 * Holds keys against the list: one regular expression a line, that has to be found somewhere in the key as it is written.
 * Without the file every key is allowed, with an empty one none.
 * @throws {CniError} 7 for a key that is not allowed, or a line that is no regular expression
 */
export function requireAllowed(keys: readonly string[]): void {
  if (keys.length === 0) return;
  const lines = readLines();
  if (lines === undefined) return;
  const patterns = lines.map(compile);
  const refused = keys.find((key) => !patterns.some((pattern) => pattern.test(key)));
  if (refused === undefined) return;
  throw new CniError(
    cniCode.badConfig,
    `Sysctl ${refused} is not allowed. Only the following sysctls are allowed: [${lines.join(" ")}]`,
    { details: `they are listed in "${path}"` },
  );
}

function readLines(): string[] | undefined {
  const bytes = during("read the list of allowed sysctls", () =>
    readFileIfPresent(path, longest, { follow: true }),
  );
  if (bytes === undefined) return undefined;
  const lines = new TextDecoder().decode(bytes).split("\n");
  return lines.map((line) => line.trim()).filter((line) => line !== "");
}

const classes: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  word: "\\w",
  xdigit: "0-9A-Fa-f",
};

/** The list is written in Go's syntax: what it has beyond ECMAScript's and sysctls could need is put into that. */
function compile(line: string): RegExp {
  const ignoreCase = line.startsWith("(?i)");
  const source = line
    .replace(/^\(\?i\)/, "")
    .replace(/\[:(\w+):\]/g, (whole, name: string) => classes[name] ?? whole)
    .replace(/^\\A/, "^")
    .replace(/\\z$/, "$");
  try {
    return new RegExp(source, ignoreCase ? "i" : "");
  } catch (cause) {
    const text = `"${path}" has a line that is no regular expression: ${JSON.stringify(line)}`;
    throw new CniError(cniCode.badConfig, text, { cause });
  }
}

/**
 * The parameters a runtime gives in environment variables.
 * @see SPEC.md "Parameters"
 * @module
 */

import { CniError, cniCode } from "../errors.ts";
import { interfaceNameProblem } from "./interface-name.ts";

/** The verbs of the spec. */
export const commands = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"] as const;

/** One verb of the spec. */
export type Command = (typeof commands)[number];

/** The environment as the runtime set it. */
export interface Environment {
  /** `NAME=value` each, the first of each name: what a delegate gets. */
  readonly entries: readonly string[];
  /** CNI_COMMAND as it came; undefined when unset or empty. */
  readonly command: string | undefined;
  /** The value of a variable; undefined when unset or empty. */
  get(name: string): string | undefined;
}

/** The variables, in the order in which missing ones are named, and the commands that cannot do without. */
const variables: readonly {
  name: string;
  requiredBy: readonly Command[];
  /** What is wrong with a value; undefined when nothing is. */
  problem?: (value: string) => string | undefined;
}[] = [
  {
    name: "CNI_CONTAINERID",
    requiredBy: ["ADD", "DEL", "CHECK"],
    problem: containerIdProblem,
  },
  { name: "CNI_NETNS", requiredBy: ["ADD", "CHECK"] },
  { name: "CNI_IFNAME", requiredBy: ["ADD", "DEL", "CHECK"], problem: interfaceNameProblem },
  { name: "CNI_PATH", requiredBy: ["ADD", "DEL", "CHECK", "GC", "STATUS"] },
];

const safeName = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

/** True for what may be a container's ID or a network's name. */
export function isSafeName(text: string): boolean {
  return safeName.test(text);
}

function containerIdProblem(id: string): string | undefined {
  if (isSafeName(id)) return undefined;
  return 'invalid characters in containerID; want a letter or digit, then letters, digits, "_", "." or "-"';
}

/** Reads the environment. Of a name that stands there twice the first counts, here and for delegates. */
export function readEnvironment(environ: readonly string[]): Environment {
  const values = new Map<string, string>();
  const entries = environ.filter((entry) => {
    const equals = entry.indexOf("=");
    if (equals < 0) return true;
    const name = entry.slice(0, equals);
    if (values.has(name)) return false;
    values.set(name, entry.slice(equals + 1));
    return true;
  });
  const get = (name: string) => values.get(name) || undefined;
  return { entries, command: get("CNI_COMMAND"), get };
}

/** The command as one of the spec's. @throws {CniError} 4 for any other word */
export function knownCommand(command: string): Command {
  const known = commands.find((each) => each === command);
  if (known !== undefined) return known;
  throw new CniError(cniCode.badEnvironment, `unknown CNI_COMMAND: ${command}`, {
    details: `want ${commands.join(", ")}`,
  });
}

/**
 * Checks the variables that `command` needs, and no others.
 * @throws {CniError} 4 naming all that are missing, else the first that cannot be used; `details` has the rest
 */
export function checkEnvironment(environment: Environment, command: Command): void {
  const missing: string[] = [];
  const problems: { message: string; details?: string }[] = [];
  for (const { name, requiredBy, problem } of variables) {
    if (!requiredBy.includes(command)) continue;
    const value = environment.get(name);
    const found = value === undefined ? undefined : problem?.(value);
    if (value === undefined) missing.push(name);
    if (found === undefined) continue;
    problems.push({ message: `${name}: ${found}`, details: `got ${JSON.stringify(value)}` });
  }
  if (missing.length > 0) {
    problems.unshift({ message: `required env variables [${missing}] missing` });
  }
  const [first, ...others] = problems;
  if (first === undefined) return;
  const rest = others.map(({ message, details }) => `${message}; ${details}`);
  const details = [first.details, ...rest].filter((text) => text !== undefined).join("; ");
  throw new CniError(cniCode.badEnvironment, first.message, details === "" ? {} : { details });
}

/** The directories of CNI_PATH in order; an empty element is nothing, not the working directory. */
export function pluginDirectories(environment: Environment): string[] {
  return (environment.get("CNI_PATH") ?? "").split(":").filter((directory) => directory !== "");
}

/** True when CNI_NETNS_OVERRIDE allows to work in the plugin's own network namespace. */
export function mayUseOwnNetns(environment: Environment): boolean {
  return ["1", "true"].includes((environment.get("CNI_NETNS_OVERRIDE") ?? "").toLowerCase());
}

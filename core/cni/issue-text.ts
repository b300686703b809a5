/**
 * What is wrong with a configuration, in words: the key's path, what was wanted, what was found.
 * @module
 */

import type * as z from "zod/mini";

type Issue = z.core.$ZodIssue;

/** Keys and indices from the top of the document down. */
export type Path = readonly PropertyKey[];

/** `"ipam.subnet": want a string, got 5`. */
export function describeIssue(issue: Issue, value: unknown): string {
  const leaf = leafOf(issue);
  const path = [...issue.path, ...leaf.path];
  const got = valueAt(value, path);
  const key = pathText(path);
  if (got === undefined) return `${key} is missing: want ${wantedText(leaf.issue)}`;
  if (leaf.issue.code === "custom") return `${key}: ${leaf.issue.message}`;
  return `${key}: want ${wantedText(leaf.issue)}, got ${valueText(got)}`;
}

/** In a union, the issue of the alternative that came furthest. */
function leafOf(issue: Issue): { issue: Issue; path: Path } {
  if (issue.code !== "invalid_union") return { issue, path: [] };
  const deepest = issue.errors.flat().toSorted((a, b) => b.path.length - a.path.length)[0];
  if (deepest === undefined) return { issue, path: [] };
  const leaf = leafOf(deepest);
  return { issue: leaf.issue, path: [...deepest.path, ...leaf.path] };
}

const typeNames: Readonly<Record<string, string>> = {
  object: "an object",
  record: "an object",
  array: "a list",
  string: "a string",
  number: "a number",
  int: "an integer",
  boolean: "true or false",
};

function wantedText(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return typeNames[issue.expected] ?? issue.expected;
    case "invalid_value":
      return issue.values.map((each) => JSON.stringify(each)).join(" or ");
    case "too_small":
      return `at least ${issue.minimum}${unitOf(issue.origin)}`;
    case "too_big":
      return `at most ${issue.maximum}${unitOf(issue.origin)}`;
    case "invalid_format":
      return `a text of the form ${issue.pattern ?? issue.format}`;
    default:
      return issue.message === "" || issue.message === "Invalid input"
        ? "something else"
        : issue.message;
  }
}

function unitOf(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}

/** What lies at `path`; undefined when the way there is missing. */
export function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null) return undefined;
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

/** `"ipam.addresses[0].address"`, in quotes. */
export function pathText(path: Path): string {
  const text = path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`));
  return JSON.stringify(text.join("").replace(/^\./, ""));
}

const LONGEST_VALUE = 80;

/** A found value for a message: JSON, cut when long, with its type where that may surprise. */
export function valueText(value: unknown): string {
  if (value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object" && value !== null) return "an object";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

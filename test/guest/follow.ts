/**
 * Reading what a guest writes while it writes.
 * @module
 */
import { readFileSync } from "node:fs";

const LOOK_EVERY_MS = 200;

/** Hands what is appended to a file to the reader while the work goes on. The file need not be there yet. */
export async function following<T>(
  file: string,
  read: (text: string) => void,
  work: Promise<T>,
): Promise<T> {
  let seen = 0;
  const look = () => {
    const text = readIfPresent(file);
    read(text.subarray(seen).toString("utf8"));
    seen = text.length;
  };
  const timer = setInterval(look, LOOK_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
    look();
  }
}

function readIfPresent(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0); // not written yet
  }
}

/** For {@link following}: calls `take` with each whole line as JSON. */
export function jsonLines<T>(take: (value: T) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(JSON.parse(line));
  };
}

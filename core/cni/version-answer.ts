/**
 * The VERSION verb: answered by every program alike, with as little work as possible.
 * @see SPEC.md "VERSION"
 * @module
 */

import { peekStdin } from "./stdin.ts";
import { newestVersion, type SpecVersion } from "./versions.ts";

/** A caller that leaves stdin open and idle gets its answer all the same. */
const PATIENCE_MS = 200;
const releaseNumber = /^\d+\.\d+\.\d+$/;

/** `{"cniVersion":…,"supportedVersions":[…]}`; `cniVersion` repeats the input's when that can be read in time. */
export function answerVersion(versions: readonly SpecVersion[]): string {
  let asked: string = newestVersion;
  peekStdin(PATIENCE_MS, (bytes) => {
    const version = versionIn(bytes);
    asked = version ?? asked;
    return version !== undefined;
  });
  return `{"cniVersion":"${asked}","supportedVersions":${JSON.stringify(versions)}}\n`;
}

/** The input's version, the newest when it has none; undefined when the input is not whole, or no JSON. */
function versionIn(bytes: Uint8Array): string | undefined {
  try {
    const version = JSON.parse(new TextDecoder().decode(bytes))?.cniVersion;
    return typeof version === "string" && releaseNumber.test(version) ? version : newestVersion;
  } catch {
    // more of it may come; if not, the answer does not depend on it
    return undefined;
  }
}

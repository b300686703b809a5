/**
 * JSON documents: bytes to value, as strict as RFC 8259, with the place of a mistake.
 *
 * The engine's own parser does the work. Only when it refuses a document, or when the document may be nested too
 * deeply for it, `json-scan.ts` reads the text again to say where and what.
 * @module
 */

import { CniError, cniCode } from "../errors.ts";
import { locateMistake, nestsDeeperThan, placeText } from "./json-scan.ts";

/** The reference's limit. */
const DEEPEST = 10_000;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenientDecoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Reads one JSON document.
 * @param what names it in messages: `network configuration`
 * @throws {CniError} 6 with line, column and the key that the mistake lies in
 */
export function parseJson(bytes: Uint8Array, what: string): unknown {
  const text = decodeUtf8(bytes, what);
  // a shorter document cannot be that deep: each level takes two brackets
  if (text.length > 2 * DEEPEST && nestsDeeperThan(text, DEEPEST)) {
    throw jsonError(what, `nested more than ${DEEPEST} deep`);
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const mistake = locateMistake(text);
    if (mistake === undefined) throw cause; // the text is JSON, but there is no memory for it
    throw jsonError(what, mistake, cause);
  }
}

function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    const text = lenientDecoder.decode(bytes);
    const replaced = text.indexOf("\ufffd");
    if (replaced < 0) throw cause; // the decoder had another reason: no memory
    const place = placeText(text, replaced);
    throw jsonError(what, `${place}: bytes that are not UTF-8`, cause);
  }
}

function jsonError(what: string, problem: string, cause?: unknown): CniError {
  // the engine's own words say less than `problem`, so they stay out of the printed chain
  return new CniError(cniCode.decode, `decode ${what}: ${problem}`, { cause, details: "" });
}

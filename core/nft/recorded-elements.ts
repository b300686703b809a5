/**
 * The elements that a record of an attachment names.
 * @module
 */

import { type Attachment, ownerText } from "../attachment.ts";
import { warn } from "../log.ts";
import { recordPath } from "../state/record.ts";
import { decodeElements, type TableElement } from "./table-element.ts";

/**
 * Reads what `encodeElements` wrote into the record of that plugin; undefined, and said on stderr, when it is not all of it that can be read.
 */
export function recordedElements(
  attachment: Attachment,
  plugin: string,
  texts: readonly string[],
): TableElement[] | undefined {
  const elements = decodeElements(texts, ownerText(attachment));
  if (elements.length === texts.length) return elements;
  warn(`steps over "${recordPath(attachment, plugin)}": it has elements of no known set`);
  return undefined;
}

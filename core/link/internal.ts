/**
 * How plugins behind the one that made the link know that its network leads nowhere: by the record of the attachment.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../attachment.ts";
import { CniError, cniCode } from "../errors.ts";
import { readRecord, recordSchema, usableRecord } from "../state/record.ts";

/** Plugins with the key `internal`. */
const plugins = ["bridge", "macvlan", "ipvlan"];
const internalRecord = recordSchema({ internal: z.exactOptional(z.boolean()) });

/**
 * @throws {CniError} 7 when the attachment's network is internal, so that nothing of it can be published; 999 when a record that may
 * say so cannot be read
 */
export function requirePublic(attachment: Attachment): void {
  const read = (name: string) =>
    usableRecord(attachment, name, (of) => readRecord(of, name, internalRecord));
  const maker = plugins.find((name) => read(name)?.internal);
  if (maker === undefined) return;
  const message = `ports of an internal network cannot be published: "internal" of ${maker} is true`;
  const details = `publish none of network "${attachment.network}", or take "internal" away`;
  throw new CniError(cniCode.badConfig, message, { details });
}

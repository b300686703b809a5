/**
 * What ADD of vrf keeps of an attachment.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { cidrField, parsedText } from "../../core/cni/fields.ts";
import { decodeRoute } from "../../core/net/whole-route.ts";
import { readRecord, recordSchema } from "../../core/state/record.ts";

/** Name of the record among those of an attachment. */
export const recordName = "vrf";

const vrfRecord = recordSchema({
  /** CNI_NETNS. */
  path: z.string(),
  /** As of `Netns.identity`. */
  netns: z.string(),
  /** The link; absent in a record of an earlier release. */
  ifindex: z.optional(z.number()),
  /** Name of the VRF. */
  vrf: z.string(),
  /** Its routing table. */
  table: z.number(),
  /** IPv6 addresses that the link had. */
  addresses: z.array(cidrField),
  /** Its routes, as of `encodeRoute`, in the VRF's table. */
  routes: z.array(parsedText(decodeRoute)),
});
export type VrfRecord = z.output<typeof vrfRecord>;

/** The record; undefined without one that can be used. */
export function readAttached(attachment: Attachment): VrfRecord | undefined {
  return readRecord(attachment, recordName, vrfRecord);
}

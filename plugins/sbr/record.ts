/**
 * What ADD of sbr keeps of an attachment.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import { parsedText } from "../../core/cni/fields.ts";
import { decodeRoute, encodeRoute } from "../../core/net/whole-route.ts";
import { readRecord, recordSchema, removeRecord, writeRecord } from "../../core/state/record.ts";
import type { Plan } from "./plan.ts";
import { decodeRule, encodeRule } from "./rules.ts";

/** Name of the record among those of an attachment. */
export const recordName = "sbr";

const routeText = parsedText(decodeRoute);

const sbrRecord = recordSchema({
  /** CNI_NETNS. */
  path: z.string(),
  /** As of `Netns.identity`. */
  netns: z.string(),
  /** The link whose addresses have got tables. */
  ifindex: z.number(),
  /** As of `encodeRule`. */
  rules: z.array(parsedText(decodeRule)),
  /** As of `encodeRoute`, like the next two: what the tables got. */
  routes: z.array(routeText),
  /** What the main table lost. */
  taken: z.array(z.object({ route: routeText, behind: z.boolean() })),
  /** What it got instead. */
  hints: z.array(routeText),
});
export type SbrRecord = z.output<typeof sbrRecord>;

/** The record; undefined without one that can be used. */
export function readApplied(attachment: Attachment): SbrRecord | undefined {
  return readRecord(attachment, recordName, sbrRecord);
}

/** Writes the record. Before the kernel is told, so that DEL finds all of it. */
export function recordApplied(
  attachment: Attachment,
  { path, netns, plan }: { path: string; netns: string; plan: Plan },
): void {
  const { ifindex, rules, routes, taken, hints } = plan;
  writeRecord(attachment, recordName, {
    path,
    netns,
    ifindex,
    rules: rules.map(encodeRule),
    routes: routes.map(encodeRoute),
    taken: taken.map(({ route, behind }) => ({ route: encodeRoute(route), behind })),
    hints: hints.map(encodeRoute),
  });
}

/** Removes the record. */
export function forgetApplied(attachment: Attachment): void {
  removeRecord(attachment, recordName);
}

/**
 * What the plugin of a link keeps of an attachment, for CHECK and GC.
 * @module
 */

import * as z from "zod/mini";

import type { Attachment } from "../attachment.ts";
import type { CniResult } from "../cni/result.ts";
import { formatMac } from "../net/address.ts";
import { routeKey } from "../net/check-interface.ts";
import type { Rollback } from "../rollback.ts";
import { recordSchema, removeRecord, writeRecord } from "../state/record.ts";

/** Fields of the record of every plugin that makes a link. */
export const linkRecordFields = {
  /** Whether the link was brought up. */
  up: z.boolean(),
  /** `10.1.0.5/24`, as in the result. */
  addresses: z.array(z.string()),
  /** `routeKey` of each route in the result. */
  routes: z.array(z.string()),
  /** The network leads nowhere, so no port of it is published. */
  internal: z.exactOptional(z.boolean()),
  /** The MAC address that the link was given. */
  mac: z.exactOptional(z.string()),
  /** The host has a way of its own to the link. */
  hostAccess: z.exactOptional(z.boolean()),
};

/** What else a record tells of a link. */
interface LinkFacts {
  internal?: boolean | undefined;
  hostAccess?: boolean | undefined;
  mac?: Uint8Array | undefined;
}

/** The record of a plugin that makes a link in the container and nothing else. */
export const linkRecord = recordSchema(linkRecordFields);
export type LinkRecord = z.output<typeof linkRecord>;

/** {@link LinkRecord} of an attachment whose link gets those addresses and routes, and is up. */
export function linkRecordOf(
  { ips = [], routes = [] }: CniResult = {},
  { internal = false, hostAccess = false, mac }: LinkFacts = {},
): LinkRecord {
  return {
    ...(internal && { internal }),
    ...(hostAccess && { hostAccess }),
    ...(mac && { mac: formatMac(mac) }),
    up: true,
    addresses: ips.map(({ address }) => address),
    routes: routes.map(routeKey),
  };
}

/** Writes a record, which a failing ADD removes. @param name of the plugin */
export function keepRecord(
  attachment: Attachment,
  name: string,
  record: object,
  rollback: Rollback,
): void {
  rollback.defer(() => removeRecord(attachment, name)); // before: the folder may be all that is made
  writeRecord(attachment, name, record);
}

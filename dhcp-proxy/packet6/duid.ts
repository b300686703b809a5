/**
 * Who a client is to a DHCPv6 server: a DUID, and the number of its one identity association.
 * @see RFC 8415 sections 11 and 12, RFC 6355
 * @module
 */

import { sha256 } from "@noble/hashes/sha2.js";
import type { Attachment } from "../../core/attachment.ts";
import { leaseName } from "../../core/dhcp/client-id.ts";

const DUID_UUID = 4;
const UUID_LENGTH = 16;

/**
 * The DUID of an attachment, 18 bytes: a UUID that is the hash of its lease's name. So it is the same after every restart, on
 * every host, and whatever MAC address the link was given.
 */
export function duidOf(attachment: Attachment): Uint8Array {
  const uuid = sha256(leaseName(attachment)).slice(0, UUID_LENGTH);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x80; // version 8: made by a rule of our own, RFC 9562
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return Uint8Array.of(0, DUID_UUID, ...uuid);
}

/** A client of its own has one link, so its association needs no other number. */
export const IAID = 1;

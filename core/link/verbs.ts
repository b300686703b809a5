/**
 * DEL and GC of the plugins that make one link in a container and nothing on the host.
 * @module
 */

import type { DelCall, GcCall } from "../cni/plugin.ts";
import { attemptAll } from "../errors.ts";
import { removeRecord } from "../state/record.ts";
import { removeStaleRecords } from "../state/stale-records.ts";
import { AddressReturn } from "./ask-ipam.ts";
import { deleteOwnedLink } from "./owned-link.ts";

/**
 * Deletes the link if it is the attachment's, gives back its addresses, forgets it. The link goes first if IPAM can do
 * without: so the address is out of use before IPAM hands it out again.
 * @param name of the plugin
 * @param kind the kernel's name for what it makes
 */
export function deleteAttachment(call: DelCall<unknown>, name: string, kind = name): void {
  const addresses = new AddressReturn(call.ipam, "del");
  attemptAll(
    () => addresses.beforeLink(),
    () => deleteOwnedLink(call, kind),
    () => addresses.last(),
    () => removeRecord(call.attachment, name),
  );
}

/** Forgets stale attachments, whose links have ended with their namespaces, and lets IPAM do the same. */
export function collectRecords(call: GcCall<unknown>, kind: string): void {
  attemptAll(
    () => removeStaleRecords(call, kind),
    () => call.ipam.gc(),
  );
}

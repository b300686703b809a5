/**
 * Who an attachment is to a DHCP server.
 * @module
 */

import type { Attachment } from "../attachment.ts";

/** The longest name behind the type byte: an option has 255 bytes. */
const LONGEST = 254;

/** The name a lease goes by, and the reference's: `<containerId>/<network>/<ifname>`, as UTF-8, its first 254 bytes. */
export function leaseName({ containerId, network, ifname }: Attachment): Uint8Array {
  return new TextEncoder().encode(`${containerId}/${network}/${ifname}`).slice(0, LONGEST);
}

/** Option 61: a zero, which says that no hardware address follows, and the {@link leaseName}. */
export function clientId(attachment: Attachment): Uint8Array {
  return Uint8Array.of(0, ...leaseName(attachment));
}

/**
 * Who has a MAC address that the kernel refuses: two links on one master cannot have the same.
 * @module
 */

import { ownerText } from "../../core/attachment.ts";
import type { AddCall } from "../../core/cni/plugin.ts";
import { during, isErrno } from "../../core/errors.ts";
import { linkRecord } from "../../core/link/record.ts";
import { formatMac } from "../../core/net/address.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { readRecord, recordedAttachments, recordedNetworks } from "../../core/state/record.ts";

/** Runs an ADD; when the MAC address is taken, the error tells by whom. */
export function namingMacOwner<T>(
  { attachment }: AddCall<unknown>,
  mac: Uint8Array,
  add: () => T,
): T {
  try {
    return add();
  } catch (cause) {
    if (!isErrno(cause, "EADDRINUSE")) throw cause;
    const text = formatMac(mac);
    const owner = recordedOwner(text, ownerText(attachment)) ?? hostOwner(text);
    const message = `MAC address ${text} is taken on the link below by ${owner ?? "a link of another namespace"}`;
    return during(message, () => {
      throw cause;
    });
  }
}

function recordedOwner(mac: string, self: string): string | undefined {
  for (const network of recordedNetworks()) {
    for (const attachment of recordedAttachments(network, "macvlan")) {
      const owner = ownerText(attachment);
      if (owner !== self && readRecord(attachment, "macvlan", linkRecord)?.mac === mac)
        return `"${owner}"`;
    }
  }
  return undefined;
}

function hostOwner(mac: string): string | undefined {
  using host = RouteSocket.open();
  const found = host.links().find((link) => link.address && formatMac(link.address) === mac);
  return found && `link "${found.ifname}" of the host`;
}

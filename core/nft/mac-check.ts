/**
 * Elements that bind a port of a bridge to the addresses of its pod.
 * @module
 */

import { type Attachment, ownerText } from "../attachment.ts";
import { isIpv4 } from "../net/address.ts";
import { ifnameField, type TableElement, tableElement } from "./table-element.ts";

/** Frames from the port must have this source MAC, else they are dropped. @param hostVeth the port's name @param mac 6 bytes */
export function macCheckElements(
  attachment: Attachment,
  hostVeth: string,
  mac: Uint8Array,
): TableElement[] {
  const owner = ownerText(attachment);
  const port = ifnameField(hostVeth);
  return [
    tableElement("mac_ports", [port], { owner }),
    tableElement("mac", [port, mac], { owner }),
  ];
}

/**
 * Packets from the port, ARP and neighbour discovery included, must have one of these addresses too. Give the link-local
 * address of the MAC with the others. Needs {@link macCheckElements} beside it, which the check of ARP reads.
 */
export function addressCheckElements(
  attachment: Attachment,
  hostVeth: string,
  addresses: Uint8Array[],
): TableElement[] {
  const owner = ownerText(attachment);
  const port = ifnameField(hostVeth);
  const allowed = addresses.flatMap((address) =>
    isIpv4(address)
      ? [tableElement("addr4", [port, address], { owner })]
      : [
          tableElement("addr6", [port, address], { owner }),
          tableElement("target6", [port, address], { owner }),
        ],
  );
  return [tableElement("ip_ports", [port], { owner }), ...allowed];
}

/**
 * Elements that masquerade a pod's traffic to elsewhere.
 * @module
 */

import { type Attachment, ownerNetworkText, ownerText } from "../attachment.ts";
import { broadcast, isIpv4, network, type Prefix } from "../net/address.ts";
import { type TableElement, tableElement } from "./table-element.ts";

/**
 * For each address of a pod: its traffic that leaves the address's own subnet is masqueraded, multicast and broadcast
 * excepted. What names the subnet belongs to the network and stays when the pod goes.
 * @param addresses with the prefix length of the subnet
 */
export function masqueradeElements(attachment: Attachment, addresses: Prefix[]): TableElement[] {
  const owner = ownerText(attachment);
  return addresses.flatMap((prefix) => [
    tableElement(isIpv4(prefix.address) ? "masq4" : "masq6", [prefix.address], { owner }),
    directElement(attachment.network, prefix, prefix),
  ]);
}

/** Traffic of pods of `subnet` to `destination` that keeps its source. Both of one family; host bits do not matter. */
export function directElement(
  networkName: string,
  subnet: Prefix,
  destination: Prefix,
): TableElement {
  const both = [subnet, destination];
  return tableElement(
    isIpv4(subnet.address) ? "direct4" : "direct6",
    both.map((prefix) => network(prefix).address),
    { keyEnd: both.map(broadcast), owner: ownerNetworkText(networkName) },
  );
}

/** Lets a pod's traffic through host firewalls that drop what they do not know. @param addresses 4 or 16 bytes each */
export function podElements(attachment: Attachment, addresses: Uint8Array[]): TableElement[] {
  const owner = ownerText(attachment);
  return addresses.map((address) =>
    tableElement(isIpv4(address) ? "pods4" : "pods6", [address], { owner }),
  );
}

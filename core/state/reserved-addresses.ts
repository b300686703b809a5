/**
 * What host-local has reserved on a network, for who has to know whose an address is when the container is gone. Only the usual
 * place is looked at; that a configuration of IPAM names another one, no other program is told.
 * @module
 */

import type { Attachment } from "../attachment.ts";
import { isErrno } from "../errors.ts";
import { host } from "../host.ts";
import { formatIp, parseIp } from "../net/address.ts";
import { readFileIfPresent } from "./file.ts";
import { parseOwner } from "./reservation-owner.ts";

/** Where host-local keeps the directories of networks, the reference's too. */
export const reservationRoot = "/var/lib/cni/networks";
const largestContent = 4096;

/** Addresses that are reserved for an attachment. */
export function reservedAddresses(attachment: Attachment): Uint8Array[] {
  const { network, containerId, ifname } = attachment;
  return namesIn(`${reservationRoot}/${network}`).flatMap((name) => {
    const address = addressOf(name);
    const owner = address && ownerIn(network, name);
    const isTheirs = owner?.containerId === containerId && (owner.ifname ?? ifname) === ifname;
    return address !== undefined && isTheirs ? [address] : [];
  });
}

/** True when the network has reserved an address for another container. */
export function isReservedForAnother(
  { network, containerId }: Attachment,
  address: Uint8Array,
): boolean {
  const owner = ownerIn(network, formatIp(address));
  return owner !== undefined && owner.containerId !== containerId;
}

function addressOf(name: string): Uint8Array | undefined {
  try {
    return parseIp(name);
  } catch {
    return undefined; // the lock, and what is not host-local's
  }
}

function ownerIn(network: string, name: string) {
  try {
    const bytes = readFileIfPresent(`${reservationRoot}/${network}/${name}`, largestContent);
    return bytes && parseOwner(new TextDecoder().decode(bytes));
  } catch {
    return undefined; // host-local itself says what is wrong with its files
  }
}

function namesIn(directory: string): string[] {
  try {
    return host.readdir(directory);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "EACCES")) return [];
    throw error;
  }
}

/**
 * Whose a reservation is: what its file says.
 * @module
 */

import type { Attachment } from "../attachment.ts";

/** The container and interface a reservation file names. */
export interface Owner {
  containerId: string;
  /** Absent in files of old releases, which name the container alone. */
  ifname?: string;
}

/** The owner of an attachment's reservations. */
export function ownerOf({ containerId, ifname }: Attachment): Required<Owner> {
  // an interface name may hold bytes that are no UTF-8; here it is what its file will read as
  const text = new TextDecoder().decode(new TextEncoder().encode(ifname));
  return { containerId, ifname: text };
}

/** A reservation file's content: id and interface name with CR LF between, and nothing behind. */
export function formatOwner({ containerId, ifname }: Required<Owner>): string {
  return `${containerId}\r\n${ifname}`;
}

/** Reads a reservation file's content; blanks around the parts and a lone LF are fine. Undefined when it is none. */
export function parseOwner(content: string): Owner | undefined {
  const [containerId = "", ifname, ...more] = content
    .trim()
    .split("\n")
    .map((line) => line.trim());
  if (more.length > 0 || !isWord(containerId)) return undefined;
  if (ifname === undefined) return { containerId };
  return isWord(ifname) ? { containerId, ifname } : undefined;
}

function isWord(text: string): boolean {
  return /^[^\s\0]+$/.test(text);
}

/**
 * Whose an element is, and what follows from it.
 * @module
 */

import { sets } from "./sets.ts";
import type { TableElement } from "./table-element.ts";

/** An attachment's own: `<network>/<container>:<ifname>`. Names of networks have no "/". */
export function belongsToPod({ owner }: TableElement): boolean {
  return owner?.includes("/") ?? false;
}

/** True when `owner` is that of an attachment to the network, or the network itself. @param networkText of `ownerNetworkText` */
export function belongsToNetwork({ owner }: TableElement, networkText: string): boolean {
  return owner === networkText || (owner?.startsWith(`${networkText}/`) ?? false);
}

/**
 * A published port: what maps to something. Two live pods cannot share one, while an address belongs to the pod that was
 * given it last, whatever an earlier owner has left.
 */
export function isPublishedPort({ set }: TableElement): boolean {
  return "data" in sets[set];
}

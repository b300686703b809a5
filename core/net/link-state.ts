/**
 * Packets flow when ADD returns.
 * @module
 */

import { CniError, cniCode, isErrno } from "../errors.ts";
import { askLink, type LinkState, type RouteSocket } from "./route-socket.ts";

/**
 * Makes the kernel act now on links that have just got their carrier, and tells how they are.
 *
 * Carrier changes are handled by the kernel's link watch, some time later; until then a bridge drops what its new port
 * sends, and a first connection waits a second for its second ARP. An RTM_GETLINK for one link (a dump does not) runs the
 * link watch for it. The order matters: first the host end, then its bridge, which gets its carrier from it.
 * @throws {CniError} 11 when one of the links has vanished: the bridge, if an ADD that failed had made it
 */
export function settledLinks(route: RouteSocket, ...ifnames: string[]): LinkState[] {
  try {
    return route.batch(...ifnames.map(askLink)).flat();
  } catch (cause) {
    if (!isErrno(cause, "ENODEV")) throw cause;
    const names = ifnames.map((name) => `"${name}"`).join(", ");
    throw new CniError(cniCode.tryAgain, `one of ${names} has vanished`, { cause });
  }
}

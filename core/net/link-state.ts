/**
 * Packets flow when ADD returns.
 * @module
 */

import { IF_OPER_UP } from "netlink-ts/route/link.ts";

import { CniError, cniCode, isErrno } from "../errors.ts";
import { ChangeWatch, RTNLGRP_LINK } from "./change-watch.ts";
import { askLink, type LinkState, type RouteSocket } from "./route-socket.ts";

/** For what has to be up. Longer than the reference's 1.5 s: for a busy machine. */
const patienceMs = 5000;
/** For what may stay down for other reasons, as a bridge whose ports wait for STP. The link watch runs each second at least. */
const linkWatchMs = 1000;

/**
 * How links are, after the kernel has acted on those that have just got their carrier.
 *
 * Carrier changes are handled by the kernel's link watch, some time later; until then a bridge drops what its new port
 * sends, and a first connection waits a second for its second ARP. In newer kernels (6.18 does, 6.1 does not) an
 * RTM_GETLINK for one link, not a dump, runs the link watch for it. The order matters: first a port, then its bridge, which
 * gets its carrier from it.
 * @throws {CniError} 11 when one of the links has vanished: the bridge, if an ADD that failed had made it
 */
export function linkStates(route: RouteSocket, ...ifnames: string[]): LinkState[] {
  try {
    const answers = route.batch(...ifnames.map(askLink));
    return answers.map(([link], index) => link ?? unanswered(ifnames[index]!));
  } catch (cause) {
    if (!isErrno(cause, "ENODEV")) throw cause;
    const names = ifnames.map((name) => `"${name}"`).join(", ");
    throw new CniError(cniCode.tryAgain, `one of ${names} has vanished`, { cause });
  }
}

function unanswered(ifname: string): never {
  throw new CniError(cniCode.internal, `the kernel told nothing of "${ifname}"`);
}

/**
 * {@link linkStates} once the port and then the others are up. Where the kernel takes its time, a few milliseconds mostly, it
 * is waited for, five seconds at most for the port; then they are told as they are.
 */
export function settledLinks(route: RouteSocket, port: string, ...others: string[]): LinkState[] {
  let links = linkStates(route, port, ...others);
  if (links.every(isUp)) return links;
  using watch = new ChangeWatch(RTNLGRP_LINK);
  const areUp = (count: number) => () => {
    links = linkStates(route, port, ...others);
    return links.slice(0, count).every(isUp);
  };
  if (watch.waitUntil(areUp(1), patienceMs)) watch.waitUntil(areUp(links.length), linkWatchMs);
  return links;
}

/**
 * Refuses a link that is not up after {@link settledLinks}: it has no carrier.
 * @param phrase what is wrong then
 * @throws {CniError} 11 that names the link
 */
export function requireCarrier({ ifname, operstate }: LinkState, phrase: string): void {
  if (operstate === IF_OPER_UP) return;
  throw new CniError(cniCode.tryAgain, `${phrase}: "${ifname}" has operstate ${operstate}`);
}

function isUp({ operstate }: LinkState): boolean {
  return operstate === IF_OPER_UP;
}

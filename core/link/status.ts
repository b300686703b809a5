/**
 * STATUS of the plugins that make links: could an ADD have its link?
 * @module
 */

import { CniError, cniCode, isErrno } from "../errors.ts";
import { RouteSocket } from "../net/route-socket.ts";
import { findMaster } from "./master.ts";

/** No link can have this name. */
const impossibleName = "a/b";
/** Attribute 1 of a kind, without a value: it is refused once the kind is found, before anything is allocated. */
const emptyAttribute = new Uint8Array([4, 0, 1, 0]);

/** Asks for a link that cannot be, which asks only whether the kernel has the kind. @throws {CniError} 50 if it has not */
export function requireKind(route: RouteSocket, kind: string): void {
  try {
    route.createLink({ ifname: impossibleName, linkInfo: { kind, data: emptyAttribute } });
  } catch (cause) {
    if (!isErrno(cause, "ERANGE", "EINVAL")) throw notAvailable(`cannot make a ${kind}`, cause);
  }
}

/** For a link on nothing. @throws {CniError} 50 when the kernel has no such kind */
export function requireLinkKind(kind: string): void {
  using route = RouteSocket.open();
  requireKind(route, kind);
}

/** @throws {CniError} 50 when the kernel has no such kind, or the link below is not there on the host */
export function requireLinkOn(
  kind: string,
  { master, linkInContainer }: { master?: string | undefined; linkInContainer: boolean },
): void {
  using route = RouteSocket.open();
  requireKind(route, kind);
  if (linkInContainer) return; // which container nobody knows yet
  try {
    findMaster(route, master);
  } catch (cause) {
    throw notAvailable("no ADD could have its link below", cause);
  }
}

/** Code 50. */
export function notAvailable(message: string, cause?: unknown): CniError {
  return new CniError(cniCode.notAvailable, message, cause === undefined ? {} : { cause });
}

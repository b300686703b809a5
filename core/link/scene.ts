/**
 * Where an attachment is made: both namespaces, with a socket each.
 * @module
 */

import type { AddCall } from "../cni/plugin.ts";
import type { Netns } from "../net/netns.ts";
import { RouteSocket } from "../net/route-socket.ts";

/** Both namespaces of an ADD or a CHECK. The caller disposes it. */
export class Scene implements Disposable {
  readonly netns: Netns;
  /** A socket of the namespace the process was started in. */
  readonly host: RouteSocket;
  /** A socket of the container's namespace. */
  readonly container: RouteSocket;

  private constructor(netns: Netns, host: RouteSocket, container: RouteSocket) {
    this.netns = netns;
    this.host = host;
    this.container = container;
  }

  /** Opens CNI_NETNS. @throws {CniError} 4, naming CNI_NETNS and the path */
  static open(call: Pick<AddCall<unknown>, "openNetns">): Scene {
    const netns = call.openNetns();
    try {
      return new Scene(netns, RouteSocket.open(), RouteSocket.dial(netns));
    } catch (error) {
      netns[Symbol.dispose](); // the sockets, if any, end with the process
      throw error;
    }
  }

  /** The socket of the side on which a link below is looked up, and its child made. */
  side(linkInContainer: boolean): RouteSocket {
    return linkInContainer ? this.container : this.host;
  }

  [Symbol.dispose](): void {
    this.container[Symbol.dispose]();
    this.host[Symbol.dispose]();
    this.netns[Symbol.dispose]();
  }
}

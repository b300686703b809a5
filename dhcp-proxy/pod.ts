/**
 * A pod: its namespace and the link in it that an address is wanted for. It is entered for a moment and left again.
 * @module
 */

import { IFF_UP } from "netlink-ts/route/link.ts";
import { CniError, cniCode } from "../core/errors.ts";
import { Netns } from "../core/net/netns.ts";
import { askLink, type Link, RouteSocket } from "../core/net/route-socket.ts";
import { identityOf, type NamespaceIdentity, visitAnywhere } from "./namespace.ts";

/** A link as it was found. */
export interface PodLink {
  ifindex: number;
  /** 6 bytes. */
  mac: Uint8Array;
  /** Bytes. */
  mtu: number;
  /** `macvlan`, `veth` and so on; empty when the kernel tells none. */
  kind: string;
}

/** The namespace, or the link in it, is not there. */
export class PodGone extends CniError {
  override readonly name = "PodGone";

  constructor(text: string) {
    super(cniCode.internal, text);
  }
}

/** A namespace at a path, and the name of a link. */
export class Pod {
  readonly ifname: string;
  readonly identity: NamespaceIdentity;
  #path: string;
  readonly #prefix: string;

  private constructor(path: string, ifname: string, identity: NamespaceIdentity, prefix: string) {
    this.#path = path;
    this.ifname = ifname;
    this.identity = identity;
    this.#prefix = prefix;
  }

  /**
   * The pod at a path.
   * @param prefix put before the paths at which it is looked for when it is not there any more
   * @throws {CniError} 4 for a path that leads to no namespace
   */
  static at(path: string, ifname: string, prefix: string): Pod {
    using netns = Netns.open(path);
    return new Pod(path, ifname, identityOf(netns), prefix);
  }

  /** A pod of before, that may have another path now. @returns undefined when its namespace is gone */
  static find(
    identity: NamespaceIdentity,
    hint: string,
    ifname: string,
    prefix: string,
  ): Pod | undefined {
    const pod = new Pod(hint, ifname, identity, prefix);
    return pod.isThere() ? pod : undefined;
  }

  /** Where it was last seen. */
  get path(): string {
    return this.#path;
  }

  /** True while its namespace is there; looks for it elsewhere when it has left its path. */
  isThere(): boolean {
    return this.#visit(() => {}) !== undefined;
  }

  /**
   * Runs `fn` in the namespace, with its rtnetlink and the link, which is brought up if it was down.
   * @throws {PodGone} the namespace is gone, or the link is not there; the latter in the reference's words
   */
  enter<T>(fn: (link: PodLink, route: RouteSocket, netns: Netns) => T): T {
    const visited = this.#visit((netns) => {
      using route = RouteSocket.open();
      return fn(upLink(route, this.ifname), route, netns);
    });
    if (visited === undefined) throw new PodGone(`namespace "${this.#path}" is gone`);
    return visited.value;
  }

  #visit<T>(fn: (netns: Netns) => T): { value: T } | undefined {
    const visited = visitAnywhere(this.identity, this.#path, this.#prefix, fn);
    if (visited !== undefined) this.#path = visited.path;
    return visited;
  }
}

function upLink(route: RouteSocket, ifname: string): PodLink {
  const link = route.linkByName(ifname);
  const { address, mtu } = link ?? {};
  if (link === undefined || address === undefined || mtu === undefined) {
    throw new PodGone(`error looking up "${ifname}": Link not found`);
  }
  if (address.length !== 6) {
    const text = `want an Ethernet link, got one whose address has ${address.length} bytes`;
    throw new CniError(cniCode.internal, `error looking up "${ifname}": ${text}`);
  }
  if ((link.flags & IFF_UP) === 0) {
    route.setLink({ ifindex: link.ifindex, flags: IFF_UP, change: IFF_UP });
    route.batch(askLink(ifname)); // makes the kernel act on the carrier now, or it drops what is sent first
  }
  return { ifindex: link.ifindex, mac: address, mtu, kind: kindOf(link) };
}

function kindOf({ linkInfo }: Link): string {
  return linkInfo?.kind ?? "";
}

/**
 * rtnetlink by intent: what the plugins ask of links, addresses and routes.
 * @see rtnetlink(7)
 * @module
 */

import { Connection } from "netlink-ts/netlink/connection.ts";
import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { answeredBy, type Call, call, type Request } from "netlink-ts/netlink/request.ts";
import { NETLINK_ROUTE } from "netlink-ts/netlink/socket.ts";
import type { Transport } from "netlink-ts/netlink/transport.ts";
import { addressMessage, getAddress } from "netlink-ts/route/address.ts";
import { type BridgeVlan, bridgeLinkMessage, getBridgeLink } from "netlink-ts/route/bridge-link.ts";
import { AF_BRIDGE } from "netlink-ts/route/family.ts";
import {
  deleteLink,
  getLink,
  type LinkInput,
  linkMessage,
  linkOverviewMessage,
  linkPortMessage,
  newLink,
  RTEXT_FILTER_BRVLAN_COMPRESSED,
  RTEXT_FILTER_SKIP_STATS,
  setLink,
} from "netlink-ts/route/link.ts";
import {
  getRoute,
  type RouteMessage,
  RT_TABLE_MAIN,
  RTN_UNICAST,
  routeMessage,
} from "netlink-ts/route/route.ts";
import type { Decoded } from "netlink-ts/wire/codec.ts";

import { attemptAll, isErrno } from "../errors.ts";
import { netlinkTrace } from "./netlink-debug.ts";
import { NetlinkSocket } from "./netlink-socket.ts";
import type { Netns } from "./netns.ts";
import { inParts } from "./parts.ts";

/** What is looked at of a link: a tenth of what the kernel tells. */
const linkSummary = linkOverviewMessage.pick(
  "ifname",
  "address",
  "mtu",
  "master",
  "link",
  "ifalias",
  "group",
  "operstate",
  "linkInfo",
);
/** A link as {@link RouteSocket} shows it: `linkInfo` has its kind alone. */
export type Link = Decoded<typeof linkSummary>;
/** A link with what its kind, and the kind of its master, tell. */
export type DetailedLink = Decoded<typeof detailedLink>;
const detailedLink = linkMessage.pick("ifname", "master", "linkInfo");

const addressSummary = addressMessage.pick("address", "local", "flags");
/** An address as {@link RouteSocket} shows it. */
export type LinkAddress = Decoded<typeof addressSummary>;

const getSummary = answeredBy(getLink, linkSummary);
const getDetailed = answeredBy(getLink, detailedLink);
const getAddresses = answeredBy(getAddress, addressSummary);
const getPortVlans = answeredBy(getBridgeLink, bridgeLinkMessage.pick("afSpec"));
const quiet = { extMask: RTEXT_FILTER_SKIP_STATS };

const routeHops = routeMessage.pick("table", "dst", "priority", "oif", "gateway", "multipath");
/** A route as {@link RouteSocket} shows it. */
export type Route = Decoded<typeof routeHops>;
const getRoutes = answeredBy(getRoute, routeHops);

const routeSummary = routeMessage.pick("oif");
/** What is looked at of a route to an address. */
export type FoundRoute = Decoded<typeof routeSummary>;
const findRoute = answeredBy(getRoute, routeSummary);
const AF_UNSPEC = 0;
const AF_INET = 2;
const AF_INET6 = 10;

const linkState = linkMessage.pick("ifname", "address", "mtu", "operstate");
/** What ADD tells of a link: every link has all of it, and it stands in the first half of the kernel's answer. */
export type LinkState = Decoded<typeof linkState>;
const getState = answeredBy(getLink, linkState);

/** Name or index of a link. */
type Which = { ifname: string } | { ifindex: number };

const linkIdentity = linkOverviewMessage.pick("ifname", "mtu", "address", "linkInfo");
/** What kind of link it is. Every link but lo and real devices has all of it, and the rest is not looked at. */
export type LinkIdentity = Decoded<typeof linkIdentity>;
const getIdentity = answeredBy(getLink, linkIdentity);

const linkPort = linkPortMessage.pick("ifname", "mtu", "master", "address", "linkInfo", "link");
/** The host end of a pair: whose port it is, its settings as that, and its other end. */
export type LinkPort = Decoded<typeof linkPort>;
const getPort = answeredBy(getLink, linkPort);

const linkOwner = linkMessage.pick("ifname", "ifalias");
/** A link with the mark of its owner. */
export type LinkOwner = Decoded<typeof linkOwner>;
const getOwner = answeredBy(getLink, linkOwner);

const linkEnd = linkMessage.pick("ifname", "mtu", "address", "link");
/** The container's end of a pair: `link` is the index of the other end. */
export type LinkEnd = Decoded<typeof linkEnd>;
const getEnd = answeredBy(getLink, linkEnd);

/** Call for {@link RouteSocket.lookUp} that asks for a link and its other end. */
export const askEnd = (which: Which): Call<LinkEnd> => call(getEnd, { ...which, ...quiet });

/** Call for {@link RouteSocket.lookUp} that asks what a link is. */
export const askIdentity = (which: Which): Call<LinkIdentity> =>
  call(getIdentity, { ...which, ...quiet });

/** Call for {@link RouteSocket.lookUp} that asks for a link with its settings as port. */
export const askPort = (which: Which): Call<LinkPort> => call(getPort, { ...which, ...quiet });

/** Call for {@link RouteSocket.lookUp} that asks for a link's mark. */
export const askOwner = (which: Which): Call<LinkOwner> => call(getOwner, { ...which, ...quiet });

/** Call for {@link RouteSocket.batch} that asks for one link; what it is answered with is a {@link LinkState}. */
export const askLink = (ifname: string): Call<LinkState> => call(getState, { ifname, ...quiet });

/** A transport that may know indexes without asking by message. */
export interface RouteTransport extends Transport {
  ifindexOf?(ifname: string): number | undefined;
}

/** Answers of {@link RouteSocket.lookUp}. */
type Found<C extends readonly Call[]> = {
  [K in keyof C]: C[K] extends Call<infer R> ? R | undefined : never;
};

/** An rtnetlink socket of one network namespace. Every method throws {@link NetlinkError} what the kernel refuses. */
export class RouteSocket implements Disposable {
  readonly #transport: RouteTransport;
  readonly #connection: Connection;

  constructor(transport: RouteTransport) {
    this.#transport = transport;
    this.#connection = new Connection(transport, { trace: netlinkTrace() });
  }

  /** Opens a socket in the namespace the process is in. The caller disposes it. */
  static open(): RouteSocket {
    return new RouteSocket(new NetlinkSocket(NETLINK_ROUTE));
  }

  /** Opens a socket in that namespace, where it stays; undefined where there is none. The caller disposes it. */
  static dial<N extends Netns | undefined>(netns: N): RouteSocket | Extract<N, undefined>;
  static dial(netns: Netns | undefined): RouteSocket | undefined {
    return netns?.run(() => RouteSocket.open());
  }

  /**
   * Sends requests in one datagram; the kernel works on each, in order, even when an earlier one failed.
   * @returns what each was answered with
   * @throws NetlinkError the first refusal
   */
  batch<const C extends readonly Call[]>(...calls: C) {
    return this.#connection.executeAll(...calls);
  }

  /** Asks for several links in one datagram. @returns them in order, undefined for one that is not there */
  lookUp<const C extends readonly Call[]>(...calls: C): Found<C> {
    const replies = this.#connection.getAll<readonly Call[]>(...calls);
    return replies.map((reply) => {
      if (!(reply instanceof NetlinkError)) return reply;
      if (isErrno(reply, "ENODEV")) return undefined;
      throw reply;
    }) as Found<C>;
  }

  /**
   * Sends requests for what may be so already, or may not be any more.
   * @param isFine whether that refusal of that request, told by its place, is none
   * @throws all other refusals, whatever else was done
   */
  settle(calls: readonly Call[], isFine: (refusal: NetlinkError, index: number) => boolean): void {
    const asked = calls.map((each, index) => ({ each, index }));
    attemptAll(...inParts(asked).map((part) => () => this.#settlePart(part, isFine)));
  }

  #settlePart(
    part: readonly { each: Call; index: number }[],
    isFine: (refusal: NetlinkError, index: number) => boolean,
  ): void {
    try {
      this.batch(...part.map(({ each }) => each));
      return;
    } catch (error) {
      if (!(error instanceof NetlinkError)) throw error;
      if (part.length === 1 && isFine(error, part[0]!.index)) return;
      if (part.length === 1) throw error;
    }
    // a batch tells of its first refusal alone
    attemptAll(...part.map((one) => () => this.#settlePart([one], isFine)));
  }

  /** All answers to a request: for objects that few programs ask for. */
  dump<I, R>(request: Request<I, R>, value: I): R[] {
    return this.#connection.dump(request, value);
  }

  /** Index of the link of that name; undefined when there is none. */
  ifindexOf(ifname: string): number | undefined {
    if (this.#transport.ifindexOf !== undefined) return this.#transport.ifindexOf(ifname);
    return this.linkByName(ifname)?.ifindex;
  }

  /** The link of that name; undefined when there is none. */
  linkByName(ifname: string): Link | undefined {
    return ifPresent(() => this.#connection.get(getSummary, { ifname, ...quiet }));
  }

  /** The link of that index; undefined when there is none. */
  linkByIndex(ifindex: number): Link | undefined {
    return ifPresent(() => this.#connection.get(getSummary, { ifindex, ...quiet }));
  }

  /** The link of that index with what its kind tells; undefined when there is none. */
  detailedLink(ifindex: number): DetailedLink | undefined {
    return ifPresent(() => this.#connection.get(getDetailed, { ifindex, ...quiet }));
  }

  /** All links of the namespace. */
  links(): Link[] {
    return this.#connection.dump(getSummary, quiet);
  }

  /** The links whose master is that link. */
  portsOf(master: number): Link[] {
    const ports = this.#connection.dump(getSummary, { master, ...quiet });
    return ports.filter((port) => port.master === master);
  }

  /** VLAN entries of a bridge port; ranges are two entries, first and last. */
  portVlans(ifindex: number): BridgeVlan[] {
    const extMask = RTEXT_FILTER_BRVLAN_COMPRESSED;
    const ports = this.#connection.dump(getPortVlans, { family: AF_BRIDGE, extMask });
    const port = ports.find((each) => each.ifindex === ifindex);
    return (port?.afSpec?.vlanInfo ?? []) as BridgeVlan[];
  }

  /** Makes a link. @throws NetlinkError EEXIST when its name is taken */
  createLink(link: LinkInput): void {
    this.#connection.execute(newLink, link);
  }

  /** Changes what is given of a link. Same as `ip link set`. @throws NetlinkError ENODEV */
  setLink(change: LinkInput): void {
    this.#connection.execute(setLink, change);
  }

  /** Deletes a link; one that is gone already is no error. */
  deleteLinkIfPresent(ifindex: number): void {
    ifPresent(() => this.#connection.execute(deleteLink, { ifindex }));
  }

  /** Deletes all links of a group; an empty group is no error. */
  deleteGroup(group: number): void {
    ifPresent(() => this.#connection.execute(deleteLink, { group }));
  }

  /** Addresses of one link. @param family AF_*: only that one's; by default of all */
  addresses(ifindex: number, family = AF_UNSPEC): LinkAddress[] {
    const all = this.#connection.dump(getAddresses, { family, ifindex });
    return all.filter((address) => address.ifindex === ifindex); // kernels before 4.20 tell of every link
  }

  /** Routes of a family in all tables. */
  routes(family: number): Route[] {
    return this.#connection.dump(getRoutes, { family });
  }

  /** Routes of a family in all tables that lead out of that link to other hosts; kernels before 4.20 tell of all. */
  routesBy(oif: number, family: number): Route[] {
    return this.#connection.dump(getRoutes, { family, type: RTN_UNICAST, oif });
  }

  /** Default routes of a family in the main table, with all that the kernel tells of them. */
  defaultRoutes(family: number): RouteMessage[] {
    const all = this.#connection.dump(getRoute, { family, type: RTN_UNICAST });
    return all.filter(
      ({ dstLength, type, table, headerTable }) =>
        dstLength === 0 && type === RTN_UNICAST && (table ?? headerTable) === RT_TABLE_MAIN,
    );
  }

  /** The route a packet to that address would take, of 4 or 16 bytes; undefined when it would take none. */
  routeTo(address: Uint8Array): FoundRoute | undefined {
    const family = address.length === 4 ? AF_INET : AF_INET6;
    try {
      return this.#connection.get(findRoute, {
        family,
        dstLength: address.length * 8,
        dst: address,
      });
    } catch (error) {
      // no route, one that refuses, or no IPv6 on this host
      if (isErrno(error, "ENETUNREACH", "EHOSTUNREACH", "EACCES", "EINVAL", "ENOENT")) {
        return undefined;
      }
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }
}

/** @throws whatever but that the link is not there */
function ifPresent<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (isErrno(error, "ENODEV")) return undefined;
    throw error;
  }
}

/**
 * The link that what a container sends is led through: it is held back there, since nothing can be on its way in.
 * @see drivers/net/ifb.c
 * @module
 */

import { sha512 } from "@noble/hashes/sha2.js";
import { call } from "netlink-ts/netlink/request.ts";
import { IFF_UP, newLink, setLink } from "netlink-ts/route/link.ts";

import { type Attachment, ownerNetworkText, ownerText } from "../../core/attachment.ts";
import { CniError, cniCode, during } from "../../core/errors.ts";
import { randomMac } from "../../core/net/mac.ts";
import type { Link, RouteSocket } from "../../core/net/route-socket.ts";

/** What these links are called, the reference's too. */
export const ifbName = /^bwp[0-9a-f]{12}$/;
/** Of one that has classes, whose queues take their length from it; with a token bucket it is 0, as the reference has it. */
const CLASSFUL_QUEUE_LENGTH = 1000;

/**
 * The names that an attachment's may have. The first is the reference's, and the same for all interfaces of a container on a
 * network: so a second interface takes the second.
 */
export function ifbNames({ network, containerId, ifname }: Attachment): [string, string] {
  const first = network + containerId;
  return [nameOf(first), nameOf(`${first}:${ifname}`)];
}

function nameOf(text: string): string {
  const digest = sha512(new TextEncoder().encode(text)).subarray(0, 6);
  return `bwp${Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** What is made. */
export interface Ifb {
  readonly ifindex: number;
  readonly ifname: string;
  readonly mac: Uint8Array;
}

/**
 * Makes it: up, and marked as the attachment's.
 * @throws {CniError} when both names are taken
 */
export function createIfb(
  route: RouteSocket,
  attachment: Attachment,
  { mtu, classful }: { mtu: number; classful: boolean },
): Ifb {
  const names = ifbNames(attachment);
  // looked at before: the mark is set by name, and must not go to a link that was there already
  const ifname = names.find((name) => route.ifindexOf(name) === undefined);
  if (ifname === undefined) {
    const details = `both names that it may have are taken: ${names.join(", ")}`;
    throw new CniError(cniCode.internal, "adding link", { details });
  }
  const mac = randomMac();
  during("adding link", () =>
    route.batch(
      call(newLink, {
        ...{ ifname, mtu, address: mac, flags: IFF_UP, change: IFF_UP },
        txqlen: classful ? CLASSFUL_QUEUE_LENGTH : 0,
        linkInfo: { kind: "ifb" },
      }),
      call(setLink, { ifname, ifalias: ownerText(attachment) }),
    ),
  );
  const ifindex = route.ifindexOf(ifname);
  if (ifindex === undefined) throw new CniError(cniCode.tryAgain, `"${ifname}" has vanished`);
  return { ifindex, ifname, mac };
}

/** Those that bear the attachment's mark: one, or none. */
export function ownedIfbs(route: RouteSocket, attachment: Attachment): Link[] {
  const owner = ownerText(attachment);
  return candidates(route, attachment).filter(({ ifalias }) => ifalias === owner);
}

/** The one that the reference has made for the container, or whose mark somebody has removed. */
export function unmarkedIfb(route: RouteSocket, attachment: Attachment): Link | undefined {
  const [first] = ifbNames(attachment);
  return candidates(route, attachment).find(
    ({ ifname, ifalias, linkInfo }) =>
      ifname === first && ifalias === undefined && linkInfo?.kind === "ifb",
  );
}

function candidates(route: RouteSocket, attachment: Attachment): Link[] {
  return ifbNames(attachment).flatMap((ifname) => {
    if (route.ifindexOf(ifname) === undefined) return [];
    return route.linkByName(ifname) ?? [];
  });
}

/** Those that bear the mark of an attachment of that network, but not one of `kept`. */
export function strayIfbs(route: RouteSocket, network: string, kept: ReadonlySet<string>): Link[] {
  const prefix = `${ownerNetworkText(network)}/`;
  return route.links().filter(({ ifname = "", ifalias = "" }) => {
    return ifbName.test(ifname) && ifalias.startsWith(prefix) && !kept.has(ifalias);
  });
}

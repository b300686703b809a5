/**
 * Links: RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK, RTM_GETLINK.
 * @see include/uapi/linux/if_link.h, rtnetlink(7)
 * @module
 */

import { NLM_F_CREATE, NLM_F_EXCL } from "../netlink/flags.ts";
import { request } from "../netlink/request.ts";
import { attributes, selectedBy, unflagged } from "../wire/attributes.ts";
import type { Codec, Decoded } from "../wire/codec.ts";
import { type MessageInput, message } from "../wire/message.ts";
import { bytes, cstring } from "../wire/scalars.ts";
import { ifinfomsg, rowsAfterLinkInfo, rowsBeforeLinkInfo } from "./link-attributes.ts";
import { bridgePort } from "./link-kinds/bridge-port.ts";
import { linkKinds, slaveKinds } from "./link-kinds/kinds.ts";
import { RTM_DELLINK, RTM_GETLINK, RTM_NEWLINK, RTM_SETLINK } from "./message-types.ts";

/** Up, as wanted by the administrator. */
export const IFF_UP = 0x1;
/** Has a broadcast address. */
export const IFF_BROADCAST = 0x2;
/** The loopback link. */
export const IFF_LOOPBACK = 0x8;
/** Has a peer instead of a network. */
export const IFF_POINTOPOINT = 0x10;
/** Up and with a carrier. */
export const IFF_RUNNING = 0x40;
/** Neighbours are not asked for. */
export const IFF_NOARP = 0x80;
/** Takes packets for anyone. */
export const IFF_PROMISC = 0x100;
/** Takes all multicast. */
export const IFF_ALLMULTI = 0x200;
/** Can multicast. */
export const IFF_MULTICAST = 0x1000;
/** Has a carrier. */
export const IFF_LOWER_UP = 0x10000;

/** In `operstate`: packets pass. */
export const IF_OPER_UP = 6;

/** In `extMask`: with the VLANs of bridge ports. */
export const RTEXT_FILTER_BRVLAN = 0x2;
/** In `extMask`: likewise, consecutive VLANs as ranges. */
export const RTEXT_FILTER_BRVLAN_COMPRESSED = 0x4;
/** In `extMask`: without counters, which are a third of a link's message. */
export const RTEXT_FILTER_SKIP_STATS = 0x8;

const linkInfoWith = <S extends Parameters<typeof selectedBy>[1]>(slaves: S) =>
  attributes({
    /** IFLA_INFO_KIND: as "veth"; absent for real devices and lo. */
    kind: [1, cstring],
    xstats: [3, bytes],
    /** IFLA_INFO_DATA: by kind; bytes for a kind that `link-kinds/kinds.ts` does not list. */
    data: [2, unflagged(selectedBy("kind", linkKinds))],
    /** IFLA_INFO_SLAVE_KIND: kind of the master, as "bridge". */
    slaveKind: [4, cstring],
    /** IFLA_INFO_SLAVE_DATA: by slaveKind. */
    slaveData: [5, unflagged(selectedBy("slaveKind", slaves))],
  });

/** IFLA_LINKINFO. Most of a dumped link: who needs the kind alone makes his message of `linkInfo.pick("kind")`. */
export const linkInfo = linkInfoWith(slaveKinds);

const portInfo = linkInfoWith({ bridge: bridgePort.pick("mode", "isolated") });

/** The rows of a link around its IFLA_LINKINFO, in the order of the kernel's dumps. */
const linkRows = <C extends Codec<unknown>>(info: C) =>
  ({
    ...rowsBeforeLinkInfo,
    /** IFLA_LINKINFO: what kind of link it is. */
    linkInfo: [18, info],
    ...rowsAfterLinkInfo,
  }) as const;

/** Payload of every RTM_*LINK message but those of bridges and their ports (`bridge-link.ts`). */
export const linkMessage = message("link", ifinfomsg, attributes(linkRows(unflagged(linkInfo))));
/** The same, with only `kind` and `slaveKind` of `linkInfo`: what most callers want, at a fraction of the price. */
export const linkOverviewMessage = message(
  "link",
  ifinfomsg,
  attributes(linkRows(unflagged(linkInfo.pick("kind", "slaveKind")))),
);
/** The same, with the kinds and, of the port of a bridge, only what its maker sets. */
export const linkPortMessage = message(
  "link",
  ifinfomsg,
  attributes(linkRows(unflagged(portInfo.pick("kind", "slaveKind", "slaveData")))),
);
export type LinkMessage = Decoded<typeof linkMessage>;
export type LinkInput = MessageInput<typeof linkMessage>;

/** Data of a link by its kind. */
export type LinkData<K extends keyof typeof linkKinds> = Decoded<(typeof linkKinds)[K]>;
/** Data of a link by the kind of its master. */
export type SlaveData<K extends keyof typeof slaveKinds> = Decoded<(typeof slaveKinds)[K]>;

/** Makes a link. @throws {NetlinkError} EEXIST when its name is taken, EOPNOTSUPP when the kernel has no such kind */
export const newLink = request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, linkMessage);
/** Changes what is given of a link found by `ifindex`, or by `ifname` when that is 0. @throws {NetlinkError} ENODEV */
export const setLink = request(RTM_NEWLINK, 0, linkMessage);
/**
 * As {@link setLink}, but cannot change `linkInfo.data` or `slaveData`.
 * Same as `ip link set eth0 name lan0` with `ifindex` and `ifname`.
 */
export const renameLink = request(RTM_SETLINK, 0, linkMessage);
/** Deletes a link by `ifindex` or `ifname`, or all of a `group`. @throws {NetlinkError} ENODEV when there is none */
export const deleteLink = request(RTM_DELLINK, 0, linkMessage);
/**
 * Gets one link by `ifindex` or `ifname`, which also makes the kernel settle its link state; or, as a dump, all (with
 * `master`: those enslaved to it; with `linkInfo.kind`: those of it). @throws {NetlinkError} ENODEV
 */
export const getLink = request(RTM_GETLINK, 0, linkMessage);

/** The data of a link, if it is of that kind. */
export function linkData<K extends keyof typeof linkKinds>(
  link: Pick<LinkMessage, "linkInfo">,
  kind: K,
): LinkData<K> | undefined {
  const { linkInfo } = link;
  return linkInfo?.kind === kind ? (linkInfo.data as LinkData<K> | undefined) : undefined;
}

/** What its master knows of a link, if the master is of that kind. */
export function slaveData<K extends keyof typeof slaveKinds>(
  link: Pick<LinkMessage, "linkInfo">,
  kind: K,
): SlaveData<K> | undefined {
  const { linkInfo } = link;
  return linkInfo?.slaveKind === kind
    ? (linkInfo.slaveData as SlaveData<K> | undefined)
    : undefined;
}

/**
 * The settings of a link, read and changed one by one.
 * @module
 */

import { answeredBy, call } from "netlink-ts/netlink/request.ts";
import {
  getLink,
  IFF_ALLMULTI,
  IFF_PROMISC,
  type LinkInput,
  linkMessage,
  RTEXT_FILTER_SKIP_STATS,
} from "netlink-ts/route/link.ts";

import { during, explain, isErrno } from "../../core/errors.ts";
import { formatMac } from "../../core/net/address.ts";
import type { RouteSocket } from "../../core/net/route-socket.ts";
import type { Rollback } from "../../core/rollback.ts";
import type { LinkSettings } from "./config.ts";

const getSettings = answeredBy(getLink, linkMessage.pick("ifname", "address", "mtu", "txqlen"));

/** A link and all of its settings. */
export interface TunedLink extends Required<LinkSettings> {
  readonly ifindex: number;
}

/** The link of that name; undefined when there is none. */
export function findLink(route: RouteSocket, ifname: string): TunedLink | undefined {
  const [link] = route.lookUp(call(getSettings, { ifname, extMask: RTEXT_FILTER_SKIP_STATS }));
  if (link === undefined) return undefined;
  return {
    ifindex: link.ifindex,
    mac: link.address ?? new Uint8Array(),
    // the flags are those that were asked for by name: a packet capture does not set them
    promisc: (link.flags & IFF_PROMISC) !== 0,
    mtu: link.mtu ?? 0,
    allmulti: (link.flags & IFF_ALLMULTI) !== 0,
    txQLen: link.txqlen ?? 0,
  };
}

/** Names of the settings. */
export type SettingName = keyof LinkSettings;

const inAddOrder: readonly SettingName[] = ["mac", "promisc", "mtu", "allmulti", "txQLen"];
/** A MAC address or a queue does not depend on the rest; the MTU is first, as in the reference. */
const inDelOrder: readonly SettingName[] = ["mtu", "mac", "promisc", "allmulti", "txQLen"];

/** Names of settings that are there, in the order in which they are made. */
export function namesOf(settings: LinkSettings): SettingName[] {
  return inAddOrder.filter((name) => settings[name] !== undefined);
}

/** A setting as text, for messages. */
export function settingText(settings: LinkSettings, name: SettingName): string {
  const value = settings[name];
  return value instanceof Uint8Array ? formatMac(value) : String(value);
}

/** Names of the settings that are wanted and that the link does not have. */
export function differing(link: LinkSettings, wanted: LinkSettings): SettingName[] {
  return namesOf(wanted).filter((name) => settingText(link, name) !== settingText(wanted, name));
}

/** Those of `link` that have a name in `wanted`. */
export function pickSettings(link: LinkSettings, wanted: LinkSettings): LinkSettings {
  return Object.fromEntries(namesOf(wanted).map((name) => [name, link[name]]));
}

/** Gives the link what it does not have; an undo each goes to the rollback. @throws {CniError} that names the key */
export function changeLink(
  route: RouteSocket,
  link: TunedLink,
  wanted: LinkSettings,
  rollback: Rollback,
): void {
  for (const name of differing(link, wanted)) {
    rollback.defer(() => setOne(route, link.ifindex, link, name));
    during(`set "${name}" to ${settingText(wanted, name)}`, () =>
      setOne(route, link.ifindex, wanted, name),
    );
  }
}

/** Errnos with which a driver refuses a setting, today as at every later try. */
const refusals = ["EOPNOTSUPP", "EBUSY", "EINVAL", "ERANGE", "EADDRNOTAVAIL"];

/** Steps that give the link its earlier settings back. What its driver refuses is said with `warn`. */
export function restoreSteps(
  route: RouteSocket,
  link: TunedLink,
  saved: LinkSettings,
  warn: (text: string) => void,
): (() => void)[] {
  const left = differing(link, saved);
  return inDelOrder
    .filter((name) => left.includes(name))
    .map((name) => () => {
      try {
        during(`set "${name}" back to ${settingText(saved, name)}`, () =>
          setOne(route, link.ifindex, saved, name),
        );
      } catch (error) {
        if (isErrno(error, "ENODEV")) return; // it has gone meanwhile
        if (!isErrno(error, ...refusals)) throw error;
        warn(explain(error));
      }
    });
}

function setOne(
  route: RouteSocket,
  ifindex: number,
  settings: LinkSettings,
  name: SettingName,
): void {
  route.setLink({ ifindex, ...changes[name](settings) });
}

const flagged = (bit: number, on: boolean | undefined) => ({ flags: on ? bit : 0, change: bit });

const changes: Readonly<Record<SettingName, (settings: LinkSettings) => LinkInput>> = {
  mac: ({ mac }) => ({ address: mac }),
  promisc: ({ promisc }) => flagged(IFF_PROMISC, promisc),
  mtu: ({ mtu }) => ({ mtu }),
  allmulti: ({ allmulti }) => flagged(IFF_ALLMULTI, allmulti),
  txQLen: ({ txQLen }) => ({ txqlen: txQLen }),
};

/**
 * ADD of a plugin that makes one link in a container.
 * @module
 */

import type { LinkInput } from "netlink-ts/route/link.ts";

import type { AddCall } from "../cni/plugin.ts";
import type { CniResult, IpamResult } from "../cni/result.ts";
import type { RouteSocket } from "../net/route-socket.ts";
import { Rollback } from "../rollback.ts";
import { askIpam, releaseBeforeLink } from "./ask-ipam.ts";
import { connectLink, type LinkConfig } from "./connect.ts";
import { createOwnedLink, requireFreeName } from "./owned-link.ts";
import { keepRecord, linkRecordOf } from "./record.ts";
import { settleRoutes } from "./routes.ts";
import { Scene } from "./scene.ts";

/** What a plugin has decided before anybody is asked for anything. */
export interface PlannedLink {
  /** The side that the link below is on. */
  side: RouteSocket;
  /** `link`, `mtu`, `address`, `linkInfo`. */
  link: LinkInput;
  connected?: Connected | undefined;
}

/** Makes a link; what it leaves goes into the rollback before it is done. @returns a MAC address for the record */
export type MakeLink = (rollback: Rollback) => Uint8Array | undefined;

/** What more there is to do when the link has its addresses and is up. What it leaves goes into the rollback before. */
export type Connected = (answer: IpamResult | undefined, rollback: Rollback) => void;

/**
 * Makes the link, gives it what IPAM answers, brings it up. Whatever fails, nothing stays.
 * @param name of the plugin
 * @param prepare refuses what cannot be, before anybody is asked for anything. @returns what makes the link, under its
 * final name and marked as the attachment's
 * @param given addresses that come from elsewhere, for a network without IPAM
 * @returns the result of ADD
 */
export function attachLink<C extends LinkConfig>(
  call: AddCall<C>,
  name: string,
  prepare: (scene: Scene) => MakeLink,
  given?: IpamResult,
  connected: Connected = () => {},
): CniResult {
  const { attachment, ifName } = call;
  using scene = Scene.open(call);
  using rollback = new Rollback();
  const make = prepare(scene);
  const { asked, mac } = scene.netns.locked(() => {
    requireFreeName(scene, ifName); // what IPAM has for an attachment that exists is not ours to release
    const asked = askIpam(call, rollback); // it works while we make the link
    const mac = make(rollback);
    releaseBeforeLink(call, asked, rollback);
    return { asked, mac };
  });
  const answer = settleRoutes(call, scene, asked?.answer() ?? given, rollback);
  keepRecord(attachment, name, linkRecordOf(answer, { ...call.config, mac }), rollback);
  const result = connectLink(call, scene, answer);
  connected(answer, rollback);
  rollback.commit();
  return result;
}

/**
 * {@link attachLink} for a link that one message makes.
 * @param kind the plugin's name, and the kernel's for what it makes
 * @param plan refuses what cannot be, and tells what is wanted
 */
export function addLink<C extends LinkConfig>(
  call: AddCall<C>,
  kind: string,
  plan: (scene: Scene) => PlannedLink,
  given?: IpamResult,
): CniResult {
  let connected: Connected | undefined;
  const prepare = (scene: Scene): MakeLink => {
    const planned = plan(scene);
    connected = planned.connected;
    return (rollback) => {
      createOwnedLink(scene, { attachment: call.attachment, kind, ...planned }, rollback);
      return planned.link.address;
    };
  };
  return attachLink(call, kind, prepare, given, (...how) => connected?.(...how));
}

/**
 * The link of the host by which the container is reached: the other end of its pair.
 * @module
 */

import type { AddCall } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import type { Scene } from "../../core/link/scene.ts";
import { hostInterfaces } from "../../core/link/veth-check.ts";
import type { Link, RouteSocket } from "../../core/net/route-socket.ts";

/** A link of the host that is shaped. */
export interface HostLink {
  readonly ifindex: number;
  readonly ifname: string;
  /** Bytes. */
  readonly mtu: number;
}

/** Finds it. @throws {CniError} when the container's interface is none of a pair, or the result tells nothing of its other end */
export function hostLinkOf(
  { host, container, netns }: Scene,
  { ifName, prevResult = {} }: Pick<AddCall<unknown>, "ifName" | "prevResult">,
): HostLink {
  if ((prevResult.interfaces ?? []).length === 0) {
    throw new CniError(cniCode.badConfig, "no interfaces provided", {
      details:
        '"prevResult.interfaces" tells of none: chain bandwidth behind the plugin that makes the link',
    });
  }
  const peer = peerIndexOf(container, ifName, netns.path);
  const link = host.linkByIndex(peer);
  if (link === undefined) throw failed(`veth peer with index ${peer} is not in host ns`);
  const { ifindex, ifname = "", mtu = 0 } = link;
  if (hostInterfaces(prevResult).some(({ name }) => name === ifname)) {
    return { ifindex, ifname, mtu };
  }
  throw failed("no veth peer of container interface found in host ns", {
    details: `"prevResult.interfaces" has no "${ifname}" that is on the host`,
  });
}

/** The other end's index. */
function peerIndexOf(container: RouteSocket, ifName: string, path: string): number {
  const inside = container.linkByName(ifName);
  const peer = vethPeer(inside);
  if (peer !== undefined) return peer;
  const { kind = "link of no kind" } = inside?.linkInfo ?? {};
  const why = inside === undefined ? `there is no such link in "${path}"` : `it is a ${kind}`;
  throw failed(`container interface ${ifName} has no veth peer: ${why}`);
}

/** Index of the other end of a pair; undefined for any other link. */
export function vethPeer(link: Link | undefined): number | undefined {
  return link?.linkInfo?.kind === "veth" ? link.link : undefined;
}

function failed(message: string, options: { details?: string } = {}): CniError {
  return new CniError(cniCode.internal, message, options);
}

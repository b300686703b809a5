/**
 * ipvlan: the container has a link of its own, with addresses of its own, that shares the MAC address of a link of the host.
 * @see README.md beside this file
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { type AddCall, type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import type { CniResult, IpamResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { addLink, type PlannedLink } from "../../core/link/add.ts";
import { checkOwnLink } from "../../core/link/check.ts";
import { findMaster } from "../../core/link/master.ts";
import type { Scene } from "../../core/link/scene.ts";
import { requireLinkOn } from "../../core/link/status.ts";
import { collectRecords, deleteAttachment } from "../../core/link/verbs.ts";
import type { DetailedLink } from "../../core/net/route-socket.ts";
import { type IpvlanConfig, ipvlanConfig, modes } from "./config.ts";

const kind = "ipvlan";

/** The program: see README.md beside this file for its keys. */
export const ipvlan = definePlugin({
  type: kind,
  config: ipvlanConfig,
  ipam: "optional",

  add(call) {
    const given = call.ipam.configured ? undefined : givenAddresses(call);
    // those addresses are the container's: the result has them once, on the link that they are on now
    const { ips: _, ...earlier } = call.prevResult ?? {};
    const own = given === undefined ? call : { ...call, prevResult: withoutRoutes(earlier) };
    return addLink(own, kind, (scene) => planLink(call, scene), given);
  },

  del: (call) => deleteAttachment(call, kind),
  check: (call) => checkOwnLink(call, kind, (link) => checkMode(call, link)),
  gc: (call) => collectRecords(call, kind),

  status({ config, ipam }) {
    requireLinkOn(kind, config);
    ipam.status();
  },
});

/** What the plugin before has got from its IPAM, in a chain without one of ours. @throws {CniError} 7 when it is nothing */
function givenAddresses({ prevResult }: AddCall<IpvlanConfig>): IpamResult {
  const { ips = [], routes, dns } = prevResult ?? {};
  if (ips.length === 0) {
    const message = '"ipam.type" is missing, and no "prevResult" has addresses';
    throw new CniError(cniCode.badConfig, message);
  }
  const addresses = ips.map(({ interface: _, ...ip }) => ip);
  return { ips: addresses, ...(routes && { routes }), ...(dns && { dns }) };
}

function withoutRoutes({ routes: _, ...result }: CniResult): CniResult {
  return result;
}

function planLink(call: AddCall<IpvlanConfig>, scene: Scene): PlannedLink {
  const { config } = call;
  const side = scene.side(config.linkInContainer);
  const master = findMaster(side, config.master ?? chainedMaster(call.prevResult));
  const mtu = config.mtu === "auto" || config.mtu <= 0 ? undefined : config.mtu; // undefined: the master's
  const linkInfo = { kind, data: { mode: modes.numberOf(config.mode), flags: 0 } };
  return { side, link: { link: master.ifindex, mtu, linkInfo } };
}

/** In a chain the link that the plugin before has made is the one below. */
function chainedMaster(result: CniResult | undefined): string | undefined {
  if (result === undefined) return undefined;
  const [first, ...others] = result.interfaces ?? [];
  if (first?.name && others.length === 0) return first.name;
  const message = "chained master failure. PrevResult lacks a single named interface";
  throw new CniError(cniCode.badConfig, message);
}

function checkMode({ config }: CheckCall<IpvlanConfig>, link: DetailedLink): void {
  const mode = linkData(link, kind)?.mode;
  if (mode === modes.numberOf(config.mode)) return;
  const message = `Container IPVlan mode ${modes.nameOf(mode)} does not match expected value: ${config.mode}`;
  throw new CniError(cniCode.internal, message);
}

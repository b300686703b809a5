/**
 * tap: the container has a link whose other end is a program, a virtual machine mostly.
 * @see README.md beside this file
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { ownerText } from "../../core/attachment.ts";
import { type AddCall, type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { host } from "../../core/host.ts";
import { attachLink, type MakeLink } from "../../core/link/add.ts";
import { checkOwnLink } from "../../core/link/check.ts";
import { hostMtu } from "../../core/link/mtu.ts";
import { deleteMarkedLink } from "../../core/link/owned-link.ts";
import type { Scene } from "../../core/link/scene.ts";
import { collectRecords, deleteAttachment } from "../../core/link/verbs.ts";
import { randomMac, requestedMac } from "../../core/net/mac.ts";
import { askIdentity, type DetailedLink, type RouteSocket } from "../../core/net/route-socket.ts";
import { type TapConfig, tapConfig } from "./config.ts";
import { makeTap, openDriver, type WantedTap } from "./device.ts";
import { makeLabelledTap, withLabel } from "./labelled.ts";

const name = "tap";
/** The kernel's name for taps, too. */
const kind = "tun";
/** IFLA_TUN_TYPE of a tap. */
const TYPE_TAP = 2;

/** The program: see README.md beside this file for its keys. */
export const tap = definePlugin({
  type: name,
  config: tapConfig,
  argKeys: ["MAC"],
  ipam: "optional",

  add: (call) => attachLink(call, name, (scene) => prepare(call, scene)),
  del: (call) => deleteAttachment(call, name, kind),
  check: (call) => checkOwnLink(call, name, (link, scene) => checkTap(call, link, scene), kind),
  gc: (call) => collectRecords(call, name),

  status({ config, ipam }) {
    host.close(openDriver());
    const { selinuxContext } = config;
    if (selinuxContext !== undefined) withLabel(selinuxContext, () => {});
    ipam.status();
  },
});

function prepare(call: AddCall<TapConfig>, scene: Scene): MakeLink {
  const { config, attachment } = call;
  const { netns, container } = scene;
  const wanted = wantedOf(call, scene);
  return (rollback) => {
    rollback.defer(() => deleteMarkedLink(container, attachment)); // before: it may be killed behind it
    netns.run(() => {
      if (config.selinuxContext === undefined) makeTap(wanted);
      else makeLabelledTap(config.selinuxContext, wanted);
    });
  };
}

function wantedOf(
  { config, args, attachment }: AddCall<TapConfig>,
  { host: outside, container }: Scene,
): WantedTap {
  const { multiQueue, owner, group, bridge } = config;
  const mtu = hostMtu(outside, config.mtu);
  const address = requestedMac(
    ["runtimeConfig.mac", config.runtimeConfig?.mac],
    ["CNI_ARGS MAC", args["MAC"]],
    ["mac", config.mac],
  );
  return {
    ifname: attachment.ifname,
    ifalias: ownerText(attachment),
    address: [...(address ?? randomMac())],
    multiQueue,
    ...(owner !== undefined && { owner }),
    ...(group !== undefined && { group }),
    ...(mtu > 0 && { mtu }),
    ...(bridge !== undefined && { master: findBridge(container, bridge) }),
  };
}

function findBridge(container: RouteSocket, bridge: string): number {
  const [link] = container.lookUp(askIdentity({ ifname: bridge }));
  if (link?.linkInfo?.kind === "bridge") return link.ifindex;
  const found = link === undefined ? "Link not found" : "it is no bridge";
  throw new CniError(cniCode.badConfig, `failed to get bridge "${bridge}": ${found}`, {
    details: '"bridge" names a bridge of the container',
  });
}

function checkTap({ config }: CheckCall<TapConfig>, link: DetailedLink, scene: Scene): void {
  const data = linkData(link, kind);
  if (data?.type !== TYPE_TAP) throw differs(`"${link.ifname}" is no tap`);
  compare(link, "owner", data.owner, config.owner);
  compare(link, "group", data.group, config.group);
  compare(link, "multiQueue", data.multiQueue === 1, config.multiQueue);
  if (config.bridge === undefined) return;
  if (link.master === findBridge(scene.container, config.bridge)) return;
  throw differs(`"${link.ifname}" is no port of bridge "${config.bridge}"`);
}

function compare({ ifname }: DetailedLink, key: string, found: unknown, wanted: unknown): void {
  if (found === wanted) return;
  throw differs(`"${key}" of "${ifname}" is ${found ?? "not set"}, not ${wanted ?? "unset"}`);
}

function differs(message: string): CniError {
  return new CniError(cniCode.internal, message);
}

/**
 * macvlan: the container has a link of its own, with a MAC address of its own, on a link of the host.
 * @see README.md beside this file
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { type AddCall, type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { addLink, type PlannedLink } from "../../core/link/add.ts";
import { checkOwnLink } from "../../core/link/check.ts";
import { findMaster, mtuOn } from "../../core/link/master.ts";
import type { Scene } from "../../core/link/scene.ts";
import { requireLinkOn } from "../../core/link/status.ts";
import { collectRecords, deleteAttachment } from "../../core/link/verbs.ts";
import { randomMac, requestedMac } from "../../core/net/mac.ts";
import { type MacvlanConfig, macvlanConfig, modes } from "./config.ts";

const kind = "macvlan";

/** The program: see README.md beside this file for its keys. */
export const macvlan = definePlugin({
  type: kind,
  config: macvlanConfig,
  argKeys: ["MAC"],
  ipam: "optional",

  add: (call) => addLink(call, kind, (scene) => planLink(call, scene)),
  del: (call) => deleteAttachment(call, kind),
  check: (call) => checkOwnLink(call, kind, (link, scene) => checkMode(call, link, scene)),
  gc: (call) => collectRecords(call, kind),

  status({ config, ipam }) {
    requireLinkOn(kind, config);
    ipam.status();
  },
});

function planLink(call: AddCall<MacvlanConfig>, scene: Scene): PlannedLink {
  const { config } = call;
  const address = containerMac(call) ?? randomMac();
  const side = scene.side(config.linkInContainer);
  const master = findMaster(side, config.master);
  const data = { mode: modes.numberOf(config.mode), bcQueueLen: config.bcqueuelen || undefined };
  const mtu = mtuOn(master, config.mtu);
  return { side, link: { link: master.ifindex, mtu, address, linkInfo: { kind, data } } };
}

function containerMac({ config, args }: AddCall<MacvlanConfig>): Uint8Array | undefined {
  return requestedMac(
    ["runtimeConfig.mac", config.runtimeConfig?.mac],
    ["CNI_ARGS MAC", args["MAC"]],
    ["mac", config.mac],
  );
}

function checkMode(
  { config }: CheckCall<MacvlanConfig>,
  link: Parameters<typeof linkData>[0],
  scene: Scene,
): void {
  findMaster(scene.side(config.linkInContainer), config.master);
  const mode = linkData(link, kind)?.mode;
  if (mode === modes.numberOf(config.mode)) return;
  const message = `container macvlan mode ${modes.nameOf(mode)} does not match expected value: ${config.mode}`;
  throw new CniError(cniCode.internal, message);
}

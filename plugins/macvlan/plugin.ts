/**
 * macvlan: the container has a link of its own, with a MAC address of its own, on a link of the host.
 * @see README.md beside this file
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { type AddCall, type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import { attemptAll, CniError, cniCode } from "../../core/errors.ts";
import { addLink, type Connected, type PlannedLink } from "../../core/link/add.ts";
import { checkOwnLink } from "../../core/link/check.ts";
import { findMaster, mtuOn } from "../../core/link/master.ts";
import { type LinkRecord, linkRecord } from "../../core/link/record.ts";
import type { Scene } from "../../core/link/scene.ts";
import { requireLinkOn } from "../../core/link/status.ts";
import { collectRecords, deleteAttachment } from "../../core/link/verbs.ts";
import { randomMac, requestedMac } from "../../core/net/mac.ts";
import { readRecord } from "../../core/state/record.ts";
import { type MacvlanConfig, macvlanConfig, modes, requireConsistent } from "./config.ts";
import {
  checkHostAccess,
  collectHostAccess,
  grantHostAccess,
  withdrawHostAccess,
} from "./host-access.ts";
import { namingMacOwner } from "./mac-owner.ts";

const kind = "macvlan";

/** The program: see README.md beside this file for its keys. */
export const macvlan = definePlugin({
  type: kind,
  config: macvlanConfig,
  argKeys: ["MAC"],
  ipam: "optional",

  add(call) {
    requireConsistent(call);
    const mac = containerMac(call) ?? randomMac();
    return namingMacOwner(call, mac, () =>
      addLink(call, kind, (scene) => planLink(call, scene, mac)),
    );
  },

  del(call) {
    const { attachment, config } = call;
    const record = readRecord(attachment, kind, linkRecord);
    const isGranted = record === undefined ? config.hostAccess : record.hostAccess;
    attemptAll(
      () => (isGranted ? withdrawHostAccess(attachment) : undefined),
      () => deleteAttachment(call, kind),
    );
  },

  check: (call) => checkOwnLink(call, kind, (...found) => checkMode(call, ...found)),

  gc(call) {
    const { network, validAttachments: valid } = call;
    attemptAll(
      () => (valid === undefined ? undefined : collectHostAccess(network, valid)),
      () => collectRecords(call, kind),
    );
  },

  status({ config, ipam }) {
    requireLinkOn(kind, config);
    ipam.status();
  },
});

function planLink(
  { config, attachment }: AddCall<MacvlanConfig>,
  scene: Scene,
  address: Uint8Array,
): PlannedLink {
  const side = scene.side(config.linkInContainer);
  const master = findMaster(side, config.master);
  const data = { mode: modes.numberOf(config.mode), bcQueueLen: config.bcqueuelen || undefined };
  const mtu = mtuOn(master, config.mtu);
  const link = { link: master.ifindex, mtu, address, linkInfo: { kind, data } };
  const connected: Connected = (answer, rollback) =>
    grantHostAccess(scene, attachment, master, answer, rollback);
  return { side, link, connected: config.hostAccess ? connected : undefined };
}

function containerMac({ config, args }: AddCall<MacvlanConfig>): Uint8Array | undefined {
  return requestedMac(
    ["runtimeConfig.mac", config.runtimeConfig?.mac],
    ["CNI_ARGS MAC", args["MAC"]],
    ["mac", config.mac],
  );
}

function checkMode(
  { config, attachment }: CheckCall<MacvlanConfig>,
  link: Parameters<typeof linkData>[0],
  scene: Scene,
  own: LinkRecord | undefined,
): void {
  findMaster(scene.side(config.linkInContainer), config.master);
  const mode = linkData(link, kind)?.mode;
  if (mode !== modes.numberOf(config.mode)) {
    const message = `container macvlan mode ${modes.nameOf(mode)} does not match expected value: ${config.mode}`;
    throw new CniError(cniCode.internal, message);
  }
  if (own?.hostAccess) checkHostAccess(scene.host, attachment, own.addresses);
}

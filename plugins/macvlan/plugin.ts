/**
 * macvlan: the container has a link of its own, with a MAC address of its own, on a link of the host.
 * @see README.md beside this file
 * @module
 */

import { linkData } from "netlink-ts/route/link.ts";

import { type AddCall, type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { askIpam } from "../../core/link/ask-ipam.ts";
import { checkOwnLink } from "../../core/link/check.ts";
import { connectLink } from "../../core/link/connect.ts";
import { findMaster, mtuOn } from "../../core/link/master.ts";
import { createOwnedLink, requireFreeName } from "../../core/link/owned-link.ts";
import { keepRecord, linkRecordOf } from "../../core/link/record.ts";
import { Scene } from "../../core/link/scene.ts";
import { requireLinkOn } from "../../core/link/status.ts";
import { collectRecords, deleteAttachment } from "../../core/link/verbs.ts";
import { randomMac, requestedMac } from "../../core/net/mac.ts";
import { Rollback } from "../../core/rollback.ts";
import { type MacvlanConfig, macvlanConfig, modeName, modeOf } from "./config.ts";

const kind = "macvlan";

/** The program: see README.md beside this file for its keys. */
export const macvlan = definePlugin({
  type: kind,
  config: macvlanConfig,
  argKeys: ["MAC"],
  ipam: "optional",

  add(call) {
    const { config, attachment, ifName } = call;
    const address = containerMac(call) ?? randomMac();
    using scene = Scene.open(call);
    using rollback = new Rollback();

    const side = scene.side(config.linkInContainer);
    const master = findMaster(side, config.master);
    const mtu = mtuOn(master, config.mtu);
    const linkInfo = {
      kind,
      data: { mode: modeOf(config), bcQueueLen: config.bcqueuelen || undefined },
    };
    const link = { link: master.ifindex, mtu, address, linkInfo };
    const asked = scene.netns.locked(() => {
      requireFreeName(scene, ifName);
      const asked = askIpam(call, rollback); // it works while we make the link
      createOwnedLink(scene, { attachment, side, link, kind }, rollback);
      return asked;
    });
    const answer = asked?.answer();
    keepRecord(attachment, kind, linkRecordOf(answer), rollback);

    const result = connectLink(call, scene, answer);
    rollback.commit();
    return result;
  },

  del: (call) => deleteAttachment(call, kind),
  check: (call) => checkOwnLink(call, kind, (link, scene) => checkMode(call, link, scene)),
  gc: (call) => collectRecords(call, kind),

  status({ config, ipam }) {
    requireLinkOn(kind, config);
    ipam.status();
  },
});

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
  if (mode === modeOf(config)) return;
  const message = `container macvlan mode ${modeName(mode)} does not match expected value: ${config.mode}`;
  throw new CniError(cniCode.internal, message);
}

/**
 * bandwidth: holds back what a container receives and sends.
 * @see README.md beside this file
 * @module
 */

import { definePlugin } from "../../core/cni/plugin.ts";
import { Scene } from "../../core/link/scene.ts";
import { Rollback } from "../../core/rollback.ts";
import { requireRecordable } from "../../core/state/record.ts";
import { checkShaped } from "./check.ts";
import { bandwidthConfig, type Limits, limitsOf, scopeOf } from "./config.ts";
import { type HostLink, hostLinkOf } from "./host-link.ts";
import { shape } from "./shape.ts";
import { requireTrafficControl } from "./status.ts";
import { collectGarbage, unshape } from "./unshape.ts";

/** bandwidth: chained behind the plugin that made the container's pair of links. */
export const bandwidth = definePlugin({
  type: "bandwidth",
  versions: ["0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"],
  config: bandwidthConfig,
  chained: true,

  add(call) {
    const { config, prevResult = {}, attachment } = call;
    const limits = limitsOf(config);
    if (limits === undefined) return prevResult;
    using scene = Scene.open(call);
    using rollback = new Rollback();
    const link = hostLinkOf(scene, call);
    const { host, netns } = scene;
    sayTooSmall(limits, link, call.warn);
    const made = netns.locked(() => shape({ host, attachment, link, limits }, rollback));
    rollback.commit();
    return { ...prevResult, interfaces: [...(prevResult.interfaces ?? []), ...made] };
  },

  del: unshape,

  check(call) {
    const limits = limitsOf(call.config);
    using scene = Scene.open(call);
    const link = hostLinkOf(scene, call);
    if (limits !== undefined) checkShaped(scene.host, call.attachment, link, limits);
  },

  gc: collectGarbage,

  status({ config }) {
    limitsOf(config); // refuses what no ADD could be given
    requireRecordable();
    requireTrafficControl(scopeOf(config));
  },
});

/** Bytes of an Ethernet header, which the kernel counts and an MTU does not. */
const HEADER = 14;

function sayTooSmall(
  limits: Limits,
  { ifname, mtu }: HostLink,
  warn: (text: string) => void,
): void {
  for (const direction of ["ingress", "egress"] as const) {
    const burst = limits[direction] && limits[direction].burst / 8n;
    if (burst === undefined || burst >= mtu + HEADER) continue;
    warn(
      `"${direction}Burst" is ${burst} bytes: larger packets are dropped, and "${ifname}" has an MTU of ${mtu}`,
    );
  }
}

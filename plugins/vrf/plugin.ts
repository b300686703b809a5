/**
 * vrf: the container's interface in a VRF, a routing domain of its own.
 * @see README.md beside this file
 * @module
 */

import { definePlugin } from "../../core/cni/plugin.ts";
import { requireLinkKind } from "../../core/link/status.ts";
import { requireRecordable } from "../../core/state/record.ts";
import { attach, collect, detach } from "./attach.ts";
import { checkAttached } from "./check.ts";
import { vrfConfig, vrfNameOf } from "./config.ts";

/** vrf: chained behind the plugin that made the container's interface. */
export const vrf = definePlugin({
  type: "vrf",
  versions: ["0.3.1", "0.4.0", "1.0.0", "1.1.0"],
  config: vrfConfig,
  chained: true,

  add(call) {
    vrfNameOf(call.config);
    using netns = call.openNetns();
    attach(call, netns);
    return call.prevResult ?? {};
  },

  del: detach,

  check(call) {
    using netns = call.openNetns();
    checkAttached(call, netns);
  },

  gc: collect,

  status({ config }) {
    vrfNameOf(config);
    requireLinkKind("vrf");
    requireRecordable();
  },
});

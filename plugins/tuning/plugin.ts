/**
 * tuning: settings of the container's interface, and kernel parameters of its namespace.
 * @see README.md beside this file
 * @module
 */

import { definePlugin } from "../../core/cni/plugin.ts";
import { requireRecordable } from "../../core/state/record.ts";
import { requireAllowed } from "./allow-list.ts";
import { checkTuned } from "./check.ts";
import { dataDirOf, refuseRepeatedSysctls, tuningConfig, type Wanted, wantedOf } from "./config.ts";
import { namesOf } from "./link.ts";
import { collect, restore } from "./restore.ts";
import { requireSavable } from "./saved.ts";
import { changedResult, tune } from "./tune.ts";

/** tuning: chained behind the plugin that made the container's interface. */
export const tuning = definePlugin({
  type: "tuning",
  config: tuningConfig,
  argKeys: ["MAC"],
  chained: true,
  checkSource: refuseRepeatedSysctls,

  add(call) {
    const wanted = wantedOf(call.config, call.ifName, call.args);
    requireAllowed(wanted.sysctls.map(({ key }) => key));
    using netns = call.openNetns();
    if (wantsAnything(wanted)) tune(call, wanted, netns);
    return changedResult(call, wanted.link);
  },

  del: restore,

  check(call) {
    const wanted = wantedOf(call.config, call.ifName, call.args);
    using netns = call.openNetns();
    checkTuned(call, wanted, netns);
  },

  gc: collect,

  status({ config }) {
    const wanted = wantedOf(config, "eth0");
    requireAllowed(wanted.sysctls.map(({ key }) => key));
    if (!wantsAnything(wanted)) return;
    requireRecordable();
    if (namesOf(wanted.link).length > 0) requireSavable(dataDirOf(config));
  },
});

function wantsAnything({ sysctls, link }: Wanted): boolean {
  return sysctls.length > 0 || namesOf(link).length > 0;
}

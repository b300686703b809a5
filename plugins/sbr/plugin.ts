/**
 * sbr: source based routing, so that what an address of the container sends leaves by its own interface and gateway.
 * @see README.md beside this file
 * @module
 */

import { AF_INET, AF_INET6 } from "netlink-ts/route/family.ts";
import { getRule } from "netlink-ts/route/rule.ts";

import { definePlugin } from "../../core/cni/plugin.ts";
import { isErrno } from "../../core/errors.ts";
import { notAvailable } from "../../core/link/status.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { requireRecordable } from "../../core/state/record.ts";
import { apply } from "./apply.ts";
import { checkApplied } from "./check.ts";
import { fixedGateways, sbrConfig, wantedOf } from "./config.ts";
import { collect, end } from "./release.ts";

/** sbr: chained behind the plugin that made the container's interface. */
export const sbr = definePlugin({
  type: "sbr",
  config: sbrConfig,
  chained: true,

  add(call) {
    const wanted = wantedOf(call.config, call);
    using netns = call.openNetns();
    apply(call, wanted, netns);
    return call.prevResult ?? {};
  },

  del: end,

  check(call) {
    const wanted = wantedOf(call.config, call);
    using netns = call.openNetns();
    checkApplied(call, wanted, netns);
  },

  gc: collect,

  status({ config, warn }) {
    if (config.table === undefined) fixedGateways(config);
    requirePolicyRouting(warn);
    requireRecordable();
  },
});

/** @throws {CniError} 50 when the kernel has no rules; for IPv6 alone, it is said on stderr */
function requirePolicyRouting(warn: (text: string) => void): void {
  using route = RouteSocket.open();
  if (!hasRules(route, AF_INET)) {
    throw notAvailable("this kernel has no policy routing (CONFIG_IP_MULTIPLE_TABLES)");
  }
  if (!hasRules(route, AF_INET6)) {
    warn("this kernel has no policy routing for IPv6 (CONFIG_IPV6_MULTIPLE_TABLES)");
  }
}

function hasRules(route: RouteSocket, family: number): boolean {
  try {
    return route.dump(getRule, { family }).length > 0;
  } catch (error) {
    if (isErrno(error, "EOPNOTSUPP", "EAFNOSUPPORT")) return false;
    throw error;
  }
}

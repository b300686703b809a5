/**
 * bridge: the containers of a network hang on a switch of the host, which may be their gateway.
 * @see README.md beside this file
 * @module
 */

import { definePlugin } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { hostMtu } from "../../core/link/mtu.ts";
import { settleRoutes } from "../../core/link/routes.ts";
import { Scene } from "../../core/link/scene.ts";
import { keepVeth } from "../../core/link/veth-record.ts";
import { beginVeth, collectVethGarbage, deleteVethAttachment } from "../../core/link/veth-verbs.ts";
import {
  type Bridge,
  deleteBridgeIfUnused,
  ensureBridge,
  type WantedBridge,
} from "../../core/net/bridge-device.ts";
import type { BridgePort } from "../../core/net/veth.ts";
import { Rollback } from "../../core/rollback.ts";
import { checkAttachment } from "./check.ts";
import {
  type BridgeConfig,
  bridgeConfig,
  containerMac,
  requireConsistent,
  tellsVlans,
} from "./config.ts";
import { connect } from "./connect.ts";
import { planGateways } from "./gateways.ts";
import {
  bridgesOfStale,
  hasPolicy,
  keepingPolicy,
  releasePolicy,
  releasePolicyOf,
} from "./policy.ts";
import { bridgeVeth, recordOf } from "./record.ts";
import { isPortOf } from "./reference-pair.ts";
import { requireBridges } from "./status.ts";
import { setPortVlans } from "./vlans.ts";

/** The program: see README.md beside this file for its keys. */
export const bridge = definePlugin({
  type: "bridge",
  config: bridgeConfig,
  argKeys: ["MAC"],
  ipam: "optional",

  add(call) {
    requireConsistent(call);
    const { config, attachment } = call;
    const mac = containerMac(call);
    using scene = Scene.open(call);
    using rollback = new Rollback();

    const { asked, bridge, veth } = beginVeth(call, scene, rollback, () => {
      const mtu = hostMtu(scene.host, config.mtu);
      const bridge = ensureBridge(scene.host, wantedBridge(config, mtu));
      if (bridge.isNew) rollback.defer(() => deleteBridgeIfUnused(scene.host, bridge));
      if (hasPolicy(config)) rollback.defer(() => releasePolicyOf(config));
      return { bridge, mac, mtu, port: wantedPort(config, bridge) };
    });
    const vlans = setPortVlans(scene.host, bridge, veth.host, config);
    const plan = asked && planGateways(config, asked.answer());
    if (plan !== undefined) plan.result = settleRoutes(call, scene, plan.result, rollback);

    const record = recordOf({ config, bridge, veth, vlans, result: plan?.result });
    const isNews = !record.known && plan !== undefined && plan.gateways.length > 0;
    keepingPolicy(config, isNews, () => keepVeth(bridgeVeth, attachment, record, rollback));

    const result = connect(call, { scene, bridge, veth, plan });
    rollback.commit();
    return result;
  },

  del: (call) =>
    deleteVethAttachment(
      call,
      bridgeVeth,
      (ends) => isPortOf(ends, call.config.bridge),
      (record) => releasePolicyOf(record ?? call.config),
    ),
  check: checkAttachment,

  gc(call) {
    const bridges = bridgesOfStale(call);
    attemptAll(
      () => collectVethGarbage(call, bridgeVeth),
      ...bridges.map((bridge) => () => releasePolicy(bridge)),
    );
  },

  status({ config, ipam }) {
    requireBridges(config);
    ipam.status();
  },
});

function wantedPort(config: BridgeConfig, { ifindex: bridge }: Bridge): BridgePort {
  const { hairpinMode: hairpin, portIsolation: isolated } = config;
  return { bridge, hairpin, isolated };
}

function wantedBridge(config: BridgeConfig, mtu: number): WantedBridge {
  const { bridge: ifname, promiscMode: promiscuous } = config;
  return { ifname, mtu, promiscuous, vlanFiltering: tellsVlans(config) };
}

/**
 * bridge: the containers of a network hang on a switch of the host, which may be their gateway.
 * @see README.md beside this file
 * @module
 */

import { type AddCall, definePlugin } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { askIpam } from "../../core/link/ask-ipam.ts";
import { Scene } from "../../core/link/scene.ts";
import {
  type Bridge,
  deleteBridgeIfUnused,
  ensureBridge,
  type WantedBridge,
} from "../../core/net/bridge-device.ts";
import { deleteLinkNamed } from "../../core/net/link-owner.ts";
import { createVeth, requireUnattached, type Veth } from "../../core/net/veth.ts";
import { Rollback } from "../../core/rollback.ts";
import { removeRecord, writeRecord } from "../../core/state/record.ts";
import { checkAttachment } from "./check.ts";
import {
  type BridgeConfig,
  bridgeConfig,
  containerMac,
  requireConsistent,
  tellsVlans,
} from "./config.ts";
import { connect } from "./connect.ts";
import { collectGarbage } from "./garbage.ts";
import { planGateways } from "./gateways.ts";
import { recordedElements, recordName, recordOf } from "./record.ts";
import { removeAttachment } from "./remove.ts";
import { addRules, removeRules } from "./rules.ts";
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

    const { asked, bridge, veth } = scene.netns.locked(() => {
      // IPAM's part of an attachment that exists already, or that another ADD makes, is not ours to release
      requireUnattached(scene.host, scene.container, attachment);
      const bridge = ensureBridge(scene.host, wantedBridge(config));
      if (bridge.isNew) rollback.defer(() => deleteBridgeIfUnused(scene.host, bridge));
      const asked = askIpam(call, rollback); // it works while we make the link
      return { asked, bridge, veth: makeVeth(call, scene, { bridge, mac }, rollback) };
    });
    const vlans = setPortVlans(scene.host, bridge, veth.host, config);
    const plan = asked && planGateways(config, asked.answer());

    const record = recordOf({ config, bridge, veth, vlans, result: plan?.result });
    rollback.defer(() => removeRecord(attachment, recordName)); // before: the folder may be all that is made
    writeRecord(attachment, recordName, record);
    rollback.defer(() => removeRules(attachment, record));
    addRules(recordedElements(attachment, record));

    const result = connect(call, { scene, bridge, veth, plan });
    rollback.commit();
    return result;
  },

  del(call) {
    attemptAll(
      () => removeAttachment(call),
      () => call.ipam.del(),
    );
  },

  check: checkAttachment,
  gc: collectGarbage,

  status({ config, ipam }) {
    requireBridges(config);
    ipam.status();
  },
});

/** The pair, which a failing ADD deletes. */
function makeVeth(
  { config, attachment }: AddCall<BridgeConfig>,
  { netns, host, container }: Scene,
  { bridge, mac }: { bridge: Bridge; mac: Uint8Array | undefined },
  rollback: Rollback,
): Veth {
  const { mtu, hairpinMode: hairpin, portIsolation: isolated } = config;
  const port = { bridge: bridge.ifindex, hairpin, isolated };
  const veth = createVeth(host, container, { attachment, netns, mtu, mac, port });
  rollback.defer(() => deleteLinkNamed(host, veth.host));
  return veth;
}

function wantedBridge(config: BridgeConfig): WantedBridge {
  const { bridge: ifname, mtu, promiscMode: promiscuous } = config;
  return { ifname, mtu, promiscuous, vlanFiltering: tellsVlans(config) };
}

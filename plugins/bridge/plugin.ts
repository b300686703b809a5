/**
 * bridge: the containers of a network hang on a switch of the host, which may be their gateway.
 * @see README.md beside this file
 * @module
 */

import { type AddCall, definePlugin } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import {
  type Bridge,
  deleteBridgeIfUnused,
  ensureBridge,
  type WantedBridge,
} from "../../core/net/bridge-device.ts";
import { deleteLinkNamed } from "../../core/net/link-owner.ts";
import type { Netns } from "../../core/net/netns.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { createVeth, requireUnattached, type WantedVeth } from "../../core/net/veth.ts";
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
    const { config, attachment, ipam } = call;
    const mac = containerMac(call);
    using netns = call.openNetns();
    using host = RouteSocket.open();
    using container = RouteSocket.dial(netns);
    using rollback = new Rollback();

    // IPAM's part of an attachment that exists already is not ours to release; nor is that of one which another ADD makes
    netns.lock();
    requireUnattached(host, container, attachment);
    const bridge = ensureBridge(host, wantedBridge(config));
    if (bridge.isNew) rollback.defer(() => deleteBridgeIfUnused(host, bridge));
    const asked = ipam.configured ? ipam.ask() : undefined; // it works while we make the link
    if (asked !== undefined) rollback.defer(() => asked.release());
    const veth = createVeth(host, container, wantedVeth(call, netns, bridge, mac));
    rollback.defer(() => deleteLinkNamed(host, veth.host));
    const vlans = setPortVlans(host, bridge, veth.host, config);
    const plan = asked && planGateways(config, asked.answer());

    const record = recordOf({ config, bridge, veth, vlans, result: plan?.result });
    rollback.defer(() => removeRecord(attachment, recordName)); // before: the folder may be all that is made
    writeRecord(attachment, recordName, record);
    rollback.defer(() => removeRules(attachment, record));
    addRules(recordedElements(attachment, record));

    const result = connect(call, { netns, host, container, bridge, veth, plan });
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

function wantedVeth(
  { config, attachment }: AddCall<BridgeConfig>,
  netns: Netns,
  { ifindex: bridge }: Bridge,
  mac: Uint8Array | undefined,
): WantedVeth {
  const { mtu, hairpinMode: hairpin, portIsolation: isolated } = config;
  return { attachment, netns, mtu, mac, port: { bridge, hairpin, isolated } };
}

function wantedBridge(config: BridgeConfig): WantedBridge {
  const { bridge: ifname, mtu, promiscMode: promiscuous } = config;
  return { ifname, mtu, promiscuous, vlanFiltering: tellsVlans(config) };
}

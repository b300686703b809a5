/**
 * What ADD of bridge keeps of an attachment: what DEL and CHECK go by, whatever the configuration says then.
 * @module
 */

import type { BridgeVlan } from "netlink-ts/route/bridge-link.ts";
import * as z from "zod/mini";

import type { CniResult } from "../../core/cni/result.ts";
import {
  masqueradeOf,
  type VethPlugin,
  vethRecordFields,
  vethRecordOf,
} from "../../core/link/veth-record.ts";
import { parseMac } from "../../core/net/address.ts";
import type { Bridge } from "../../core/net/bridge-device.ts";
import type { Veth } from "../../core/net/veth.ts";
import { routedBridgeElements } from "../../core/nft/bridges.ts";
import { macCheckElements } from "../../core/nft/mac-check.ts";
import { recordSchema } from "../../core/state/record.ts";
import { type BridgeConfig, isGateway, isolateField } from "./config.ts";
import { bridgeName, hasPolicy, policyOf } from "./policy.ts";

/** What ADD made, for DEL, CHECK and GC. */
const bridgeRecord = recordSchema({
  ...vethRecordFields,
  /** Name of the bridge. */
  bridge: bridgeName,
  promiscuous: z.boolean(),
  hairpin: z.boolean(),
  isolated: z.boolean(),
  /** VLAN entries of the port: BRIDGE_VLAN_INFO_* bits and VLAN. */
  vlans: z.array(z.object({ flags: z.int(), vid: z.int() })),
  macspoofchk: z.boolean(),
  /** Whether the bridge was made known to isolation. Records of earlier releases have none of these two. */
  known: z._default(z.boolean(), false),
  isolate: z._default(isolateField, false),
});
export type BridgeRecord = z.output<typeof bridgeRecord>;

/** Bridge's part of the verbs that plugins of veth pairs share. */
export const bridgeVeth: VethPlugin<BridgeRecord> = {
  name: "bridge",
  record: bridgeRecord,
  sets: ["masq4", "masq6", "mac_ports", "mac"],
  elements: (attachment, record) => [
    ...masqueradeOf(attachment, record),
    ...(record.known ? routedBridgeElements(record.bridge, policyOf(record)) : []),
    ...(record.macspoofchk ? macCheckElements(attachment, record.host, parseMac(record.mac)) : []),
  ],
};

/** What has been made, and of what. */
interface Recorded {
  config: BridgeConfig;
  bridge: Bridge;
  veth: Veth;
  vlans: BridgeVlan[];
  result: CniResult | undefined;
}

/** The record of an attachment. */
export function recordOf({ config, bridge, veth, vlans, result }: Recorded): BridgeRecord {
  return {
    ...vethRecordOf(veth, result, config),
    up: !config.disableContainerInterface,
    bridge: bridge.ifname,
    promiscuous: config.promiscMode,
    hairpin: config.hairpinMode,
    isolated: config.portIsolation,
    vlans,
    macspoofchk: config.macspoofchk,
    known: hasPolicy(config) || (result !== undefined && isGateway(config) && config.ipMasq),
    isolate: config.isolate,
  };
}

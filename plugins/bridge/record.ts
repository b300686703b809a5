/**
 * What ADD of bridge keeps of an attachment: what DEL and CHECK go by, whatever the configuration says then.
 * @module
 */

import type { BridgeVlan } from "netlink-ts/route/bridge-link.ts";
import * as z from "zod/mini";

import type { Attachment } from "../../core/attachment.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { formatMac, parseCidr, parseMac } from "../../core/net/address.ts";
import type { Bridge } from "../../core/net/bridge-device.ts";
import { routeKey } from "../../core/net/check-interface.ts";
import type { Veth } from "../../core/net/veth.ts";
import { macCheckElements } from "../../core/nft/mac-check.ts";
import { masqueradeElements } from "../../core/nft/masquerade.ts";
import type { TableElement } from "../../core/nft/table-element.ts";
import type { BridgeConfig } from "./config.ts";

/** Name of the record among those of an attachment. */
export const recordName = "bridge";

const cidr = z.string().check(z.refine(isCidr));

function isCidr(text: string): boolean {
  try {
    return parseCidr(text) !== undefined;
  } catch {
    return false; // the record is broken, which its reader says
  }
}

/** What ADD made, for DEL, CHECK and GC. Values that nobody can have written make it a broken one. */
export const bridgeRecord = z.object({
  /** Name of the bridge. */
  bridge: z.string(),
  promiscuous: z.boolean(),
  /** Name of the host's end. */
  host: z.string().check(z.regex(/^veth[0-9a-f]{8}$/)),
  hairpin: z.boolean(),
  isolated: z.boolean(),
  /** VLAN entries of the port: BRIDGE_VLAN_INFO_* bits and VLAN. */
  vlans: z.array(z.object({ flags: z.int(), vid: z.int() })),
  /** MAC address of the container's end. */
  mac: z.string().check(z.regex(/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/)),
  /** Whether the container's end was brought up. */
  up: z.boolean(),
  /** `10.1.0.5/24`, as in the result. */
  addresses: z.array(cidr),
  /** `routeKey` of each route in the result. */
  routes: z.array(z.string()),
  ipMasq: z.boolean(),
  macspoofchk: z.boolean(),
});
export type BridgeRecord = z.output<typeof bridgeRecord>;

/** The elements of nf_tables sets that go with an attachment, what its network shares included. */
export function recordedElements(attachment: Attachment, record: BridgeRecord): TableElement[] {
  const { ipMasq, macspoofchk, addresses, host, mac } = record;
  return [
    ...(ipMasq ? masqueradeElements(attachment, addresses.map(parseCidr)) : []),
    ...(macspoofchk ? macCheckElements(attachment, host, parseMac(mac)) : []),
  ];
}

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
    bridge: bridge.ifname,
    promiscuous: config.promiscMode,
    host: veth.host,
    hairpin: config.hairpinMode,
    isolated: config.portIsolation,
    vlans,
    mac: formatMac(veth.mac),
    up: !config.disableContainerInterface,
    addresses: (result?.ips ?? []).map(({ address }) => address),
    routes: (result?.routes ?? []).map(routeKey),
    ipMasq: config.ipMasq,
    macspoofchk: config.macspoofchk,
  };
}

/**
 * The last steps of ADD: addresses on both sides, and packets flow.
 * @module
 */

import { IFF_UP } from "netlink-ts/route/link.ts";

import type { AddCall } from "../../core/cni/plugin.ts";
import type { CniInterface, CniResult } from "../../core/cni/result.ts";
import {
  configureLink,
  describeContainerLink,
  describeLink,
  linkResult,
} from "../../core/link/connect.ts";
import type { Scene } from "../../core/link/scene.ts";
import { announce } from "../../core/net/announce.ts";
import type { Bridge } from "../../core/net/bridge-device.ts";
import { enableForwarding } from "../../core/net/forwarding.ts";
import { ensureGatewayAddresses } from "../../core/net/gateway-address.ts";
import { linkStates, requireCarrier, settledLinks } from "../../core/net/link-state.ts";
import type { LinkState } from "../../core/net/route-socket.ts";
import type { Veth } from "../../core/net/veth.ts";
import type { BridgeConfig } from "./config.ts";
import type { GatewayPlan } from "./gateways.ts";
import { ensureVlanGateway, type VlanGateway } from "./vlan-gateway.ts";
import { newPortVlans } from "./vlans.ts";

/** What ADD has made before. */
export interface Attached {
  scene: Scene;
  bridge: Bridge;
  veth: Veth;
  /** Absent: without IPAM the container is on layer 2 alone. */
  plan: GatewayPlan | undefined;
}

/** Configures both sides and sees that packets flow. @returns the result of ADD */
export function connect(call: AddCall<BridgeConfig>, attached: Attached): CniResult {
  const { plan } = attached;
  const gateway = plan && makeGateway(call.config, attached, plan);
  const ifindex = bringUp(call, attached);
  const [hostEnd, bridgeLink, ...gatewayLink] = settled(call, attached, gateway);
  const container = containerEnd(call, attached, ifindex);
  const onHost = [bridgeLink, hostEnd].map(describeLink);
  const interfaces = [...onHost, container, ...gatewayLink.map(describeLink)];
  return linkResult(call, { interfaces, container: onHost.length }, plan?.result);
}

/** The links of the host that ADD tells of, when what they carry flows: host end, bridge, and the gateway's link, if any. */
function settled(
  { config }: AddCall<BridgeConfig>,
  { scene: { host }, bridge, veth }: Attached,
  gateway: VlanGateway | undefined,
): [LinkState, LinkState, ...LinkState[]] {
  const ofVlan = gateway === undefined ? [] : [gateway.ifname];
  const port = gateway?.port === undefined ? [] : [gateway.port]; // is settled, and not told of
  // a container's end that is down leaves the other one without a carrier
  const ask = config.disableContainerInterface ? linkStates : settledLinks;
  const links = ask(host, veth.host, bridge.ifname, ...ofVlan, ...port);
  const told = links.slice(0, 2 + ofVlan.length) as [LinkState, LinkState, ...LinkState[]];
  if (!config.disableContainerInterface) requireCarrier(told[0], "bridge port in error state");
  return told;
}

/** Makes the host the gateway. @returns the link of the VLAN that has the addresses, if the bridge itself has not */
function makeGateway(
  config: BridgeConfig,
  { scene: { host }, bridge }: Attached,
  { gateways }: GatewayPlan,
): VlanGateway | undefined {
  if (gateways.length === 0) return undefined;
  const ofVlan =
    config.vlan === 0
      ? undefined
      : ensureVlanGateway(host, bridge, config.vlan, newPortVlans(host, bridge, config));
  ensureGatewayAddresses(host, ofVlan ?? bridge, gateways, config.forceAddress);
  const families = gateways.map(({ address }) => address);
  if (!config.internal) enableForwarding(host, families);
  return ofVlan;
}

/** @returns the index of the container's end if it has got addresses */
function bringUp(call: AddCall<BridgeConfig>, attached: Attached): number | undefined {
  const { config, ifName: ifname } = call;
  const { plan, scene } = attached;
  if (plan !== undefined) return configureLink(call, scene, plan.result, { dad: config.enabledad });
  if (!config.disableContainerInterface)
    scene.container.setLink({ ifname, flags: IFF_UP, change: IFF_UP });
  return undefined;
}

function containerEnd(
  call: AddCall<BridgeConfig>,
  { scene: { container }, veth: { mac } }: Attached,
  ifindex: number | undefined,
): CniInterface {
  const { ifName: ifname } = call;
  const link =
    ifindex === undefined
      ? container.linkByName(ifname)
      : announce(container, { ifname, ifindex, mac });
  return describeContainerLink(call, link);
}

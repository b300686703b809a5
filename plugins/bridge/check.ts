/**
 * CHECK of bridge: the kernel against prevResult and the record of ADD. Changes nothing.
 * @module
 */

import { BRIDGE_VLAN_INFO_PVID } from "netlink-ts/route/bridge-link.ts";
import { IFF_PROMISC, linkData, slaveData } from "netlink-ts/route/link.ts";

import type { CheckCall } from "../../core/cni/plugin.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import {
  type CheckedVeth,
  checkVethAttachment,
  hostInterfaces,
  isCheckedHostEnd,
} from "../../core/link/veth-check.ts";
import { describeVlans } from "../../core/net/bridge-vlans.ts";
import { checkLink } from "../../core/net/check-interface.ts";
import {
  askIdentity,
  askPort,
  type LinkIdentity,
  type LinkPort,
  type RouteSocket,
} from "../../core/net/route-socket.ts";
import { type BridgeConfig, vlanGatewayName } from "./config.ts";
import { type BridgeRecord, bridgeVeth } from "./record.ts";

/** IPAM checks its part beside us. @throws {CniError} that names what is missing or different */
export function checkAttachment(call: CheckCall<BridgeConfig>): void {
  const isUp = !call.config.disableContainerInterface;
  checkVethAttachment(call, bridgeVeth, isUp, (found) => checkHostSide(call.config, found));
}

function checkHostSide(config: BridgeConfig, found: CheckedVeth<BridgeRecord>): void {
  const { scene, prevResult, inside, record } = found;
  const { host } = scene;
  const name = record?.bridge ?? config.bridge;
  const [link, port] = host.lookUp(
    askIdentity({ ifname: name }),
    ...(inside.link === undefined ? [] : [askPort({ ifindex: inside.link })]),
  );
  const bridge = checkBridge(link, prevResult, name, promiscuous(config, record));
  const own = checkPort(port, bridge, found);
  checkVlanGateway(host, prevResult, vlanGatewayName(name, accessVlan(config, record)));
  if (record !== undefined) checkPortSettings(host, own, record);
}

function promiscuous({ promiscMode }: BridgeConfig, record: BridgeRecord | undefined): boolean {
  return record?.promiscuous ?? promiscMode;
}

function checkBridge(
  link: LinkIdentity | undefined,
  result: CniResult,
  name: string,
  promiscuous: boolean,
): LinkIdentity {
  const entry = hostInterfaces(result).find((each) => each.name === name);
  if (entry === undefined) throw failed(`"prevResult" has no host interface "${name}"`);
  if (link === undefined) throw failed(`Interface name ${name} not found`);
  if (link.linkInfo?.kind !== "bridge") throw failed(`"${name}" is not a bridge`);
  checkLink(link, { name, ...(entry.mac && { mac: entry.mac }) }, true);
  if (promiscuous && (link.flags & IFF_PROMISC) === 0) {
    throw failed(`bridge "${name}" is not in promiscuous mode`);
  }
  return link;
}

/** The VLAN of packets without a tag; 0 for none. */
function accessVlan({ vlan }: BridgeConfig, record: BridgeRecord | undefined): number {
  if (record === undefined) return vlan;
  return record.vlans.find(({ flags }) => (flags & BRIDGE_VLAN_INFO_PVID) !== 0)?.vid ?? 0;
}

/** The link with the gateway's address, if ADD told of one: without it the container reaches nothing but its VLAN. */
function checkVlanGateway(host: RouteSocket, result: CniResult, name: string): void {
  const entry = hostInterfaces(result).find((each) => each.name === name);
  if (entry === undefined) return;
  const [link] = host.lookUp(askIdentity({ ifname: name }));
  if (link === undefined) throw failed(`Interface name ${name} not found`);
  checkLink(link, { name, ...(entry.mac && { mac: entry.mac }) }, true);
}

/** The host's end: the other end of the container's link, port of the bridge, with the MAC address of prevResult. */
function checkPort(
  port: LinkPort | undefined,
  bridge: LinkIdentity,
  found: CheckedVeth<BridgeRecord>,
): LinkPort {
  if (port?.master === bridge.ifindex && isCheckedHostEnd(port, found)) return port;
  throw failed(`CNI veth created for bridge ${bridge.ifname} was not found`);
}

function checkPortSettings(host: RouteSocket, port: LinkPort, record: BridgeRecord): void {
  const found = slaveData(port, "bridge");
  const settings = [
    ["hairpin mode", found?.mode, record.hairpin],
    ["isolation", found?.isolated, record.isolated],
  ] as const;
  for (const [what, is, wanted] of settings) {
    if (is === Number(wanted)) continue;
    throw failed(`bridge port "${port.ifname}" has ${what} ${is === 1 ? "on" : "off"}`);
  }
  if (record.vlans.length > 0) checkVlans(host, port, record);
}

function checkVlans(host: RouteSocket, port: LinkPort, record: BridgeRecord): void {
  const bridge = linkData(host.detailedLink(port.master ?? 0) ?? {}, "bridge");
  if (bridge?.vlanFiltering !== 1) {
    throw failed(`bridge "${record.bridge}" does not filter VLANs, and the container has some`);
  }
  const present = describeVlans(host.portVlans(port.ifindex));
  const missing = describeVlans(record.vlans).filter((vlan) => !present.includes(vlan));
  if (missing.length > 0) {
    throw failed(`bridge port "${port.ifname}" is not in VLAN ${missing.join(", ")}`);
  }
}

function failed(message: string): CniError {
  return new CniError(cniCode.internal, message);
}

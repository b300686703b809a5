/**
 * CHECK of bridge: the kernel against prevResult and the record of ADD. Changes nothing.
 * @module
 */

import { BRIDGE_VLAN_INFO_PVID } from "netlink-ts/route/bridge-link.ts";
import { IFF_PROMISC, linkData, slaveData } from "netlink-ts/route/link.ts";

import { ownerText } from "../../core/attachment.ts";
import type { CheckCall } from "../../core/cni/plugin.ts";
import type { CniInterface, CniResult } from "../../core/cni/result.ts";
import { attemptAll, CniError, cniCode } from "../../core/errors.ts";
import { describeVlans } from "../../core/net/bridge-vlans.ts";
import { checkInterface, checkLink } from "../../core/net/check-interface.ts";
import type { Netns } from "../../core/net/netns.ts";
import {
  askIdentity,
  askPort,
  type LinkEnd,
  type LinkIdentity,
  type LinkPort,
  RouteSocket,
} from "../../core/net/route-socket.ts";
import { describeElement } from "../../core/nft/describe-element.ts";
import { missingElements } from "../../core/nft/missing-elements.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { hasRecord, readRecord, recordPath } from "../../core/state/record.ts";
import { type BridgeConfig, vlanGatewayName } from "./config.ts";
import { type BridgeRecord, bridgeRecord, recordedElements, recordName } from "./record.ts";

/** IPAM checks its part beside us. @throws {CniError} that names what is missing or different */
export function checkAttachment(call: CheckCall<BridgeConfig>): void {
  using netns = call.openNetns();
  const waitForIpam = call.ipam.startCheck();
  attemptAll(() => checkOwnPart(call, netns), waitForIpam);
}

function checkOwnPart(call: CheckCall<BridgeConfig>, netns: Netns): void {
  const { config, ifName, netnsPath, prevResult } = call;
  if (prevResult === undefined) {
    throw new CniError(cniCode.badConfig, "Required prevResult missing");
  }
  using host = RouteSocket.open();
  using container = RouteSocket.dial(netns);
  const record = usableRecord(call);

  const inside = checkInterface(container, {
    ifname: ifName,
    sandbox: netnsPath,
    prevResult,
    own: record,
    up: record?.up ?? !config.disableContainerInterface,
  });
  const name = record?.bridge ?? config.bridge;
  const [found, port] = host.lookUp(
    askIdentity({ ifname: name }),
    ...(inside.link === undefined ? [] : [askPort({ ifindex: inside.link })]),
  );
  const bridge = checkBridge(found, prevResult, name, promiscuous(config, record));
  const own = checkPort(port, prevResult, { bridge, inside, record });
  checkVlanGateway(host, prevResult, vlanGatewayName(name, accessVlan(config, record)));
  // without a record the reference's bridge may have made it, and that has no elements here
  if (record === undefined) return;
  checkPortSettings(host, own, record);
  checkRules(call, record);
}

/** The record of ADD; undefined when there is none: the reference's bridge may have made the attachment. */
function usableRecord({ attachment }: CheckCall<BridgeConfig>): BridgeRecord | undefined {
  const record = readRecord(attachment, recordName, bridgeRecord);
  if (record !== undefined || !hasRecord(attachment, recordName)) return record;
  throw failed(`the record "${recordPath(attachment, recordName)}" cannot be used`);
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

function hostInterfaces({ interfaces = [] }: CniResult): CniInterface[] {
  return interfaces.filter(({ sandbox = "" }) => sandbox === "");
}

interface Port {
  bridge: LinkIdentity;
  inside: LinkEnd;
  record: BridgeRecord | undefined;
}

/** The host's end: the other end of the container's link, port of the bridge, with the MAC address of prevResult. */
function checkPort(
  port: LinkPort | undefined,
  result: CniResult,
  { bridge, inside, record }: Port,
): LinkPort {
  const entry = hostInterfaces(result).find(({ name }) => name === port?.ifname);
  const isEnd = port?.linkInfo?.kind === "veth" && port.link === inside.ifindex;
  const isOurs = port?.master === bridge.ifindex && (record?.host ?? port.ifname) === port.ifname;
  if (port === undefined || entry === undefined || !isEnd || !isOurs) {
    throw failed(`CNI veth created for bridge ${bridge.ifname} was not found`);
  }
  checkLink(port, entry, true);
  return port;
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

function checkRules({ attachment }: CheckCall<BridgeConfig>, record: BridgeRecord): void {
  const elements = recordedElements(attachment, record);
  if (elements.length === 0) return;
  using nft = NftSocket.open();
  const [missing] = missingElements(nft, elements);
  if (missing === undefined) return;
  const message = `nf_tables has no ${describeElement(missing)} of "${ownerText(attachment)}"`;
  throw failed(message);
}

function failed(message: string): CniError {
  return new CniError(cniCode.internal, message);
}

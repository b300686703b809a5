/**
 * Ports that the reference's portmap has published, before its program was replaced by ours.
 * @module
 */

import { type Attachment, ownerText } from "../../core/attachment.ts";
import type { AddCall, CheckCall, DelCall, GcCall } from "../../core/cni/plugin.ts";
import { CniError } from "../../core/errors.ts";
import { othersAddresses } from "../../core/link/others-addresses.ts";
import { compareIp, formatIp } from "../../core/net/address.ts";
import { portTaken } from "../../core/nft/add-elements.ts";
import { hasAnyOwn } from "../../core/nft/missing-elements.ts";
import type { NftSocket } from "../../core/nft/nft-socket.ts";
import { portText } from "../../core/nft/port-claim.ts";
import { isInLegacy, legacyText } from "../../core/nft/reference/legacy.ts";
import { describeChain } from "../../core/nft/reference/names.ts";
import { portFaults } from "../../core/nft/reference/port-faults.ts";
import { portsOf, referencePorts, stalePorts } from "../../core/nft/reference/ports.ts";
import { type Doomed, removeFound } from "../../core/nft/reference/removal.ts";
import { elementOf, type TakenPort, takenPorts } from "../../core/nft/reference/taken-ports.ts";
import type { PortmapConfig } from "./config.ts";
import type { Published } from "./publication.ts";
import { endFlowsToPod } from "./stale-flows.ts";

/** Takes away what the reference has published of an attachment, and ends the flows that it led to the container. */
export function unpublishReferences(nft: NftSocket, call: DelCall<PortmapConfig>): void {
  const { attachment, config, warn } = call;
  const isOthers = othersAddresses(call);
  const gone = removeFound(nft, () => portsOf(nft, attachment, isOthers));
  endFlows(nft, gone, warn);
  const hasPorts = (config.runtimeConfig?.portMappings ?? []).length > 0;
  if (gone.rules.length === 0 && hasPorts && isInLegacy("nat")) {
    warn(legacyText(`published ports of "${ownerText(attachment)}"`, "nat"));
  }
}

/** The same for attachments of a network that are not among the valid ones, as far as rules name it: iptables' do. */
export function unpublishStaleReferences(
  nft: NftSocket,
  {
    network,
    valid,
    warn,
  }: Pick<GcCall<unknown>, "network" | "warn"> & { valid: readonly Attachment[] },
): void {
  endFlows(
    nft,
    removeFound(nft, () => stalePorts(nft, network, valid)),
    warn,
  );
}

function endFlows(nft: NftSocket, { rules }: Doomed, warn: (text: string) => void): void {
  const ports = referencePorts(rules);
  if (ports.length > 0) endFlowsToPod(nft.connection, ports.map(elementOf), warn);
}

/**
 * Rules of the reference's that publish one of the ports and lead nowhere any more, to be removed once ours are there: those to
 * an address that the container has now or had before.
 * @throws {CniError} 100 when a port belongs to another container, which it names
 */
export function outlivedRules(
  nft: NftSocket,
  call: AddCall<PortmapConfig>,
  { elements, pods }: Published,
): Doomed {
  const isOthers = othersAddresses(call);
  const outlived = takenPorts(nft, elements).filter((port) => {
    if (pods.some(({ address }) => compareIp(address, port.pod) === 0)) return true;
    if (port.containerId !== call.containerId) throw taken(port);
    if (!isOthers(port.pod)) return true;
    call.warn(
      `${portText(elementOf(port))} goes on leading to ${formatIp(port.pod)}: ${placeOf(port)} says so`,
    );
    return false;
  });
  return { rules: outlived.map(({ rule }) => rule), chains: [] };
}

function taken(port: TakenPort): CniError {
  const { containerId, network } = port;
  const whose = containerId === undefined ? "a container" : `container "${containerId}"`;
  const where = network === undefined ? "" : ` of network "${network}"`;
  const message = `${portText(elementOf(port))} is already published by ${whose}${where}`;
  const details = `by ${placeOf(port)}, which leads to ${formatIp(port.pod)}; it goes with DEL of that container`;
  return new CniError(portTaken, message, { details });
}

function placeOf({ rule }: TakenPort): string {
  return `the reference's portmap in ${describeChain(rule.place)}`;
}

/** For CHECK of an attachment without record: what is missing in words, undefined when the reference has published nothing of it. */
export function referenceFaults(
  nft: NftSocket,
  { attachment, config, warn }: CheckCall<PortmapConfig>,
  { pods, ports, elements }: Published,
): string[] | undefined {
  const { snat = true, masqAll = false, externalSetMarkChain, markMasqBit } = config;
  const wanted = { pods, ports, snat, masqAll, externalSetMarkChain, markMasqBit };
  const faults = portFaults(nft, attachment, wanted);
  if (faults !== undefined || !isInLegacy("nat") || hasAnyOwn(nft, elements)) return faults;
  warn(legacyText(`published ports of "${ownerText(attachment)}"`, "nat"));
  return [];
}

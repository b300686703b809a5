/**
 * What a configuration publishes of a pod.
 * @module
 */

import { type Attachment, ownerText } from "../../core/attachment.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { formatIp, type Prefix } from "../../core/net/address.ts";
import { type LinkIdentity, RouteSocket } from "../../core/net/route-socket.ts";
import {
  nearElement,
  PortTwice,
  type PublishedPort,
  publishElements,
} from "../../core/nft/published-ports.ts";
import type { TableElement } from "../../core/nft/table-element.ts";
import { type PortmapConfig, publishedPorts, requireConsistent } from "./config.ts";
import { linkTowards } from "./host-link.ts";
import { podAddresses } from "./pod.ts";

/** What is to be there after ADD. */
export interface Published {
  readonly elements: TableElement[];
  /** The addresses that ports lead to, with the length of their subnets. */
  readonly pods: readonly Prefix[];
  readonly ports: readonly PublishedPort[];
  /** Links of the host that lead to the pod and have to take packets from 127.0.0.1. */
  readonly localnetLinks: string[];
}

/** What goes into a publication. */
interface Wanted {
  readonly config: PortmapConfig;
  readonly attachment: Attachment;
  readonly ifName: string;
  readonly prevResult?: CniResult;
  warn(text: string): void;
}

/**
 * Works out what to publish; undefined when there is nothing to.
 * @throws {CniError} 7 for keys that cannot be kept, and for a result without an address
 */
export function publicationOf(wanted: Wanted): Published | undefined {
  const { config, attachment, ifName, prevResult = {}, warn } = wanted;
  requireConsistent(config);
  const ports = publishedPorts(config);
  if (ports.length === 0) return undefined;
  const { v4, v6 } = podAddresses(prevResult, ifName);
  const prefixes = [v4, v6].filter((prefix) => prefix !== undefined);
  const pods = prefixes.map(({ address }) => address);
  if (pods.length === 0) {
    const message = `"prevResult" has no address of "${ifName}" that ports could lead to`;
    throw new CniError(cniCode.badConfig, message);
  }
  sayUnreachable(ports, pods, warn);
  const { snat = true, masqAll = false } = config;
  const owner = ownerText(attachment);
  const elements = pods.flatMap((pod) => elementsOf({ owner, pod, ports, snat, masqAll }));
  if (elements.length === 0) return undefined;
  const link = linkTowardsPod(pods[0]!);
  if (link?.linkInfo?.kind === "bridge") elements.push(nearElement(link.ifname!));
  const isAsked = snat && v4 !== undefined && link?.ifname !== undefined;
  return { elements, pods: prefixes, ports, localnetLinks: isAsked ? [link.ifname!] : [] };
}

function elementsOf(publication: Parameters<typeof publishElements>[0]): TableElement[] {
  try {
    return publishElements(publication);
  } catch (error) {
    if (!(error instanceof PortTwice)) throw error;
    const { hostPort, hostIp } = error.port;
    const where = hostIp === undefined ? "" : ` of ${formatIp(hostIp)}`;
    const message = `"runtimeConfig.portMappings" leads host port ${hostPort}${where} to two ports of the container`;
    throw new CniError(cniCode.badConfig, message, { cause: error });
  }
}

function linkTowardsPod(pod: Uint8Array): LinkIdentity | undefined {
  using route = RouteSocket.open();
  return linkTowards(route, pod);
}

function sayUnreachable(
  ports: readonly PublishedPort[],
  pods: readonly Uint8Array[],
  warn: (text: string) => void,
): void {
  for (const { hostIp, hostPort } of ports) {
    if (hostIp === undefined) continue;
    if (!pods.some((pod) => pod.length === hostIp.length)) {
      warn(`port ${hostPort} of ${formatIp(hostIp)} leads nowhere: the pod has no such address`);
    } else if (formatIp(hostIp) === "::1") {
      warn(`port ${hostPort} of ::1 is not published: no kernel routes ::1 to a pod`);
    }
  }
}

/**
 * What a configuration lets through of a pod.
 * @module
 */

import { NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";

import type { Attachment } from "../../core/attachment.ts";
import { interfaceNameProblem } from "../../core/cni/interface-name.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { isIpv4, type Prefix, parseCidr } from "../../core/net/address.ts";
import { apartPortElement, closedBridgeElements } from "../../core/nft/bridges.ts";
import { podElements } from "../../core/nft/masquerade.ts";
import type { ForwardOptions } from "../../core/nft/open-forward.ts";
import { samePlace, type TableElement } from "../../core/nft/table-element.ts";
import type { FirewallConfig, IngressPolicy } from "./config.ts";
import { sourcesOf, type ZoneSource } from "./sources.ts";

/** What is to be there after ADD. */
export interface Allowance {
  /** The pod's own, and those of its bridge. */
  readonly elements: TableElement[];
  /** The pod's addresses with their prefix lengths, each once. */
  readonly addresses: Prefix[];
  /** What firewalld is told, if it is. */
  readonly sources: ZoneSource[];
  /** Which of iptables' tables have to let our mark through, and behind which chain. */
  readonly forward: ForwardOptions & { readonly families: readonly number[] };
  /** Whether there are ports that are kept from each other. */
  readonly hasPorts: boolean;
  /** The host's link that the pod hangs on, as the result tells it. */
  readonly hostLink: string | undefined;
}

/** What goes into it. */
interface Wanted {
  readonly config: FirewallConfig;
  readonly attachment: Attachment;
  readonly prevResult?: CniResult;
}

/** Works it out. @throws {CniError} 7 for keys that cannot be kept */
export function allowanceOf({ config, attachment, prevResult = {} }: Wanted): Allowance {
  const { iptablesAdminChainName: admin, ingressPolicy = "open" } = config;
  const prefixes = (prevResult.ips ?? []).map(({ address }) => parseCidr(address));
  const all = podElements(
    attachment,
    prefixes.map(({ address }) => address),
  );
  const isFirst = (_: unknown, at: number): boolean =>
    all.findIndex((other) => samePlace(other, all[at]!)) === at;
  const addresses = prefixes.filter(isFirst);
  const families = [
    ...(addresses.some(({ address }) => isIpv4(address)) ? [NFPROTO_IPV4] : []),
    ...(addresses.some(({ address }) => !isIpv4(address)) ? [NFPROTO_IPV6] : []),
  ];
  const apart = ingressPolicy === "isolated" ? portsOf(prevResult) : [];
  return {
    elements: [
      ...all.filter(isFirst),
      ...bridgeElementsFor(ingressPolicy, prevResult),
      ...apart.map((port) => apartPortElement(attachment, port)),
    ],
    hasPorts: apart.length > 0,
    addresses,
    sources: sourcesOf(
      config,
      addresses.map(({ address }) => address),
    ),
    forward: { admin, families },
    hostLink: hostLinkOf(prevResult),
  };
}

/** The policy is the bridge's, which is the first interface of the result, as the bridge plugin has it. */
function bridgeElementsFor(policy: IngressPolicy, { interfaces = [] }: CniResult): TableElement[] {
  if (policy === "open") return [];
  const [first] = interfaces;
  if (first === undefined) {
    throw badConfig(
      `interface needs to be set for ingress policy "${policy}", make sure to chain "firewall" plugin with "bridge"`,
    );
  }
  const { name = "" } = first;
  if (name === "") throw badConfig(`got empty bridge name for ingress policy "${policy}"`);
  const problem = interfaceNameProblem(name);
  if (problem !== undefined) {
    throw badConfig(`"prevResult.interfaces[0].name": ${problem}, got ${JSON.stringify(name)}`);
  }
  return closedBridgeElements(name, { apart: policy === "isolated" });
}

/** The pod's own links on the host, behind the bridge. */
function portsOf({ interfaces = [] }: CniResult): string[] {
  const ports = interfaces.slice(1).filter(({ sandbox }) => !sandbox);
  return [
    ...new Set(
      ports.flatMap(({ name = "" }) => (interfaceNameProblem(name) === undefined ? [name] : [])),
    ),
  ];
}

function hostLinkOf({ interfaces: [first] = [] }: CniResult): string | undefined {
  return first === undefined || first.sandbox ? undefined : first.name;
}

function badConfig(message: string): CniError {
  return new CniError(cniCode.badConfig, message);
}

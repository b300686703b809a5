/**
 * What CHECK wants to know of ports that portmap of the reference has published: is all of it there?
 * @module
 */

import { NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";

import type { Attachment } from "../../attachment.ts";
import { formatCidr, formatIp, isIpv4, network, type Prefix } from "../../net/address.ts";
import { protocolName } from "../describe-element.ts";
import type { NftSocket } from "../nft-socket.ts";
import { isUnspecified, type PublishedPort } from "../published-ports.ts";
import { missingTexts, presentChains, rulesIn } from "./chains.ts";
import { type ChainPlace, describeChain, hostportChain, natChain, ports } from "./names.ts";
import { markText } from "./rule-fields.ts";
import { destinationText } from "./xt-words.ts";

/** What was asked for. */
export interface WantedPorts {
  /** The container's addresses that ports lead to, with the length of their subnets. */
  readonly pods: readonly Prefix[];
  readonly ports: readonly PublishedPort[];
  readonly snat: boolean;
  readonly masqAll: boolean;
  /** Key `externalSetMarkChain`. */
  readonly externalSetMarkChain: string | undefined;
  /** Key `markMasqBit`. */
  readonly markMasqBit: number | undefined;
}

/** What of one family was asked for. */
interface FamilyPorts extends WantedPorts {
  readonly family: number;
  readonly pod: Prefix;
}

const defaultMarkBit = 13;

/** What is missing, in words; undefined when the reference has nothing of this attachment. */
export function portFaults(
  nft: NftSocket,
  attachment: Attachment,
  wanted: WantedPorts,
): string[] | undefined {
  const families = wanted.pods.flatMap((pod) => ofFamily(wanted, pod));
  const chain = ports.chain(attachment);
  const chains = families.map(({ family }) => natChain(family, chain));
  if (presentChains(nft, chains).length > 0) {
    return families.flatMap((each) => chainFaults(nft, chain, each));
  }
  const { containerId } = attachment;
  const isThere = ({ family }: FamilyPorts) => ownTexts(nft, family, containerId).size > 0;
  if (!families.some(isThere)) return undefined;
  return families.flatMap((each) => tableFaults(nft, containerId, each));
}

function ofFamily(wanted: WantedPorts, pod: Prefix): FamilyPorts[] {
  const fitting = wanted.ports.filter(
    ({ hostIp }) => hostIp === undefined || hostIp.length === pod.address.length,
  );
  const family = isIpv4(pod.address) ? NFPROTO_IPV4 : NFPROTO_IPV6;
  return fitting.length === 0 ? [] : [{ ...wanted, family, pod, ports: fitting }];
}

/** tcp dport 8080, ip daddr 192.0.2.1 tcp dport 8080 */
function portCondition({ hostIp, protocol, hostPort }: PublishedPort): string {
  const daddr = hostIp === undefined || isUnspecified(hostIp) ? "" : `daddr ${whole(hostIp)} `;
  return `${daddr}l4proto ${protocolName(protocol)} dport ${hostPort}`;
}

function dnatText(pod: Prefix, port: PublishedPort): string {
  return `${portCondition(port)} dnat ${destinationText(pod.address, port.containerPort)}`;
}

function whole(address: Uint8Array): string {
  return formatCidr({ address, length: address.length * 8 });
}

// ---- iptables

function chainFaults(nft: NftSocket, chain: string, wanted: FamilyPorts): string[] {
  const { family, pod } = wanted;
  const in_ = (name: string) => natChain(family, name);
  const toDnat = [`daddr type local jump ${ports.dnat}`];
  return [
    ...missingTexts(nft, in_(chain), [
      ...wanted.ports.map((port) => dnatText(pod, port)),
      ...(wanted.snat ? wanted.ports.flatMap((port) => markTexts(wanted, port)) : []),
    ]),
    ...entryFaults(nft, in_(ports.dnat), chain, wanted.ports),
    ...missingTexts(nft, in_("PREROUTING"), toDnat),
    ...missingTexts(nft, in_("OUTPUT"), toDnat),
    ...(wanted.snat && wanted.externalSetMarkChain === undefined ? snatFaults(nft, wanted) : []),
  ];
}

function markTexts(wanted: FamilyPorts, port: PublishedPort): string[] {
  const { pod, masqAll, externalSetMarkChain = ports.setMark } = wanted;
  const mark = `${portCondition(port)} jump ${externalSetMarkChain}`;
  if (masqAll) return [mark];
  const own = `saddr ${formatCidr(network(pod))} ${mark}`;
  return isIpv4(pod.address) ? [own, `saddr 127.0.0.1/32 ${mark}`] : [own];
}

function snatFaults(nft: NftSocket, { family, markMasqBit }: FamilyPorts): string[] {
  const bit = (1 << (markMasqBit ?? defaultMarkBit)) >>> 0;
  const mark = markText(bit, bit);
  return [
    ...missingTexts(nft, natChain(family, ports.setMark), [`set mark ${mark}`]),
    ...missingTexts(nft, natChain(family, ports.masq), [`mark ${mark} masquerade`]),
    ...missingTexts(nft, natChain(family, "POSTROUTING"), [`jump ${ports.masq}`]),
  ];
}

/** Ports stand in groups of up to 15. */
function entryFaults(
  nft: NftSocket,
  place: ChainPlace,
  chain: string,
  wanted: readonly PublishedPort[],
): string[] {
  const entries = rulesIn(nft, place, chain).filter(({ target }) => target === chain);
  const led = new Set(
    entries.flatMap(({ words }) =>
      (words.get("dport") ?? "").split(",").map((port) => `${words.get("l4proto")} ${port}`),
    ),
  );
  const missing = wanted.filter(
    ({ protocol, hostPort }) => !led.has(`${protocolName(protocol)} ${hostPort}`),
  );
  return missing.map(
    (port) => `${describeChain(place)} does not lead ${portCondition(port)} to "${chain}"`,
  );
}

// ---- nft

function ownTexts(nft: NftSocket, family: number, containerId: string): Set<string> {
  const places = [...ports.hostports, ports.masquerading].map((name) =>
    hostportChain(family, name),
  );
  const rules = places.flatMap((place) => rulesIn(nft, place, containerId));
  return new Set(rules.filter(({ comment }) => comment === containerId).map(({ text }) => text));
}

function tableFaults(nft: NftSocket, containerId: string, wanted: FamilyPorts): string[] {
  const { family, pod } = wanted;
  const there = ownTexts(nft, family, containerId);
  const [hostports = ""] = ports.hostports;
  const own = [
    ...wanted.ports.map((port) => [hostports, dnatText(pod, port)] as const),
    ...(wanted.snat
      ? masqueradeTexts(wanted).map((text) => [ports.masquerading, text] as const)
      : []),
  ];
  return [
    ...own
      .filter(([, text]) => !there.has(text))
      .map(
        ([chain, text]) => `${describeChain(hostportChain(family, chain))} has no rule "${text}"`,
      ),
    ...["prerouting", "output"].flatMap((chain) =>
      jumpFaults(nft, hostportChain(family, chain), ports.all),
    ),
    ...jumpFaults(nft, hostportChain(family, ports.all), hostports),
  ];
}

function masqueradeTexts({ pod: { address }, masqAll }: FamilyPorts): string[] {
  const to = `daddr ${whole(address)} masquerade`;
  if (masqAll) return [to];
  const own = `saddr ${formatIp(address)}/${address.length * 8} ${to}`;
  return isIpv4(address) ? [own, `saddr 127.0.0.1/32 ${to}`] : [own];
}

/** Conditions may stand before the jump. */
function jumpFaults(nft: NftSocket, place: ChainPlace, chain: string): string[] {
  if (rulesIn(nft, place).some(({ target }) => target === chain)) return [];
  return [`${describeChain(place)} does not lead to "${chain}"`];
}

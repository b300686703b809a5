/**
 * Ports that portmap of the reference has published.
 * @module
 */

import type { Attachment } from "../../attachment.ts";
import { parseCidr, parseIp } from "../../net/address.ts";
import { protocolNumber } from "../describe-element.ts";
import type { NftSocket } from "../nft-socket.ts";
import type { PublishedPort } from "../published-ports.ts";
import { type PresentChain, presentChains } from "./chains.ts";
import { hostportChain, ipFamilies, natChain, ports } from "./names.ts";
import {
  type Doomed,
  type PlacedRule,
  placedRules,
  staleChains,
  together,
  withJumps,
} from "./removal.ts";

/** A port, where it leads to, and the rule that says so. */
export interface ReferencePort extends PublishedPort {
  /** The container's address, 4 or 16 bytes. */
  readonly pod: Uint8Array;
  readonly rule: PlacedRule;
}

/** Reads a rule that publishes a port; undefined for any other. */
export function referencePort(rule: PlacedRule): ReferencePort | undefined {
  const { words } = rule;
  const [, bracketed, plain = "", port] =
    /^(?:\[(.+)\]|([^:]+))(?::(\d+))?$/.exec(words.get("dnat") ?? "") ?? [];
  const protocol = protocolNumber(words.get("l4proto") ?? "");
  const hostPort = Number(words.get("dport"));
  const address = bracketed ?? plain;
  if (address === "" || protocol === undefined || !Number.isInteger(hostPort)) return undefined;
  const daddr = words.get("daddr");
  return {
    protocol,
    hostPort,
    hostIp: daddr === undefined || daddr.startsWith("!") ? undefined : parseCidr(daddr).address,
    containerPort: Number(port ?? hostPort),
    pod: parseIp(address),
    rule,
  };
}

/** The ports among rules. */
export function referencePorts(rules: readonly PlacedRule[]): ReferencePort[] {
  return rules.flatMap((rule) => referencePort(rule) ?? []);
}

const nftChains = ipFamilies.flatMap((family) =>
  [...ports.hostports, ports.masquerading].map((chain) => hostportChain(family, chain)),
);

/**
 * All that a container has of published ports on a network, of both back ends. nft's rules name the container alone.
 * @param isOthers tells addresses of the container's other attachments, whose ports stay
 */
export function portsOf(
  nft: NftSocket,
  attachment: Attachment,
  isOthers: (address: Uint8Array) => boolean,
): Doomed {
  const [own, old] = [ports.chain(attachment), ports.oldSnatChain(attachment)];
  const there = presentChains(nft, [
    ...ipFamilies.flatMap((family) => [natChain(family, own), natChain(family, old)]),
    ...nftChains,
  ]);
  return together(
    there.map((place) => {
      if (place.table === ports.table) return inTable(nft, place, attachment, isOthers);
      if (place.chain === old)
        return withJumps(nft, place, natChain(place.family, ports.oldSnat), any);
      return chainOf(nft, place, attachment, isOthers);
    }),
  );
}

const any = () => true;

/** iptables: all of the chain, or of one that leads to other attachments too, what leads to this one. */
function chainOf(
  nft: NftSocket,
  place: PresentChain,
  attachment: Attachment,
  isOthers: (address: Uint8Array) => boolean,
): Doomed {
  const found = referencePorts(placedRules(nft, place));
  const own = found.filter(({ pod }) => !isOthers(pod));
  if (own.length < found.length) return { rules: own.map(({ rule }) => rule), chains: [] };
  const comment = ports.comment(attachment);
  const from = natChain(place.family, ports.dnat);
  return withJumps(nft, place, from, (jump) => (jump.comment ?? comment) === comment);
}

function inTable(
  nft: NftSocket,
  place: PresentChain,
  { containerId }: Attachment,
  isOthers: (address: Uint8Array) => boolean,
): Doomed {
  const rules = placedRules(nft, place, containerId).filter((rule) => {
    if (rule.comment !== containerId) return false;
    const pod = podOf(rule);
    return pod === undefined || !isOthers(pod);
  });
  return { rules, chains: [] };
}

/** The container's address in a rule of table `cni_hostport`. */
function podOf(rule: PlacedRule): Uint8Array | undefined {
  const isPort = rule.words.has("dnat");
  const daddr = rule.words.get("daddr");
  if (isPort || daddr === undefined) return referencePort(rule)?.pod;
  return parseCidr(daddr).address;
}

/** iptables' chains that containers of a network have left; nft's rules do not name the network. */
export function stalePorts(
  nft: NftSocket,
  networkName: string,
  valid: readonly Attachment[],
): Doomed {
  const hooks = ipFamilies.map((family) => natChain(family, ports.dnat));
  const there = presentChains(nft, hooks);
  return together(
    there.map((from) => staleChains(nft, from, { networkName, valid, chainOf: ports.chain })),
  );
}

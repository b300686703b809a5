/**
 * Ports of the host that portmap of the reference has given to containers: its chains come before ours, so a port that both
 * publish leads where the reference says.
 * @module
 */

import type { NftSocket } from "../nft-socket.ts";
import { isPublishedPort } from "../ownership.ts";
import { claimsMeet, type PortClaim, portClaim } from "../port-claim.ts";
import { portElement } from "../published-ports.ts";
import type { TableElement } from "../table-element.ts";
import { presentChains } from "./chains.ts";
import {
  type ChainPlace,
  containerInComment,
  hostportChain,
  ipFamilies,
  natChain,
  ports,
} from "./names.ts";
import { type ReferencePort, referencePorts } from "./ports.ts";
import { type PlacedRule, placedRules } from "./removal.ts";

/** A port that is taken, and by whom as far as the rules tell. */
export interface TakenPort extends ReferencePort {
  readonly containerId: string | undefined;
  /** nft's rules do not name it. */
  readonly network: string | undefined;
}

/** The port as an element of ours would publish it. */
export function elementOf(port: ReferencePort): TableElement {
  return portElement(undefined, port.pod, port);
}

const hooks: readonly ChainPlace[] = ipFamilies.flatMap((family) => [
  natChain(family, ports.dnat),
  ...ports.hostports.map((chain) => hostportChain(family, chain)),
]);

/** Those of the reference's ports that meet one of `elements`. One exchange with the kernel where the reference has none. */
export function takenPorts(nft: NftSocket, elements: readonly TableElement[]): TakenPort[] {
  const wanted = elements.filter(isPublishedPort);
  if (wanted.length === 0) return [];
  return presentChains(nft, hooks)
    .flatMap((place) =>
      place.table === ports.table ? takenInTable(nft, place) : takenInChains(nft, place, wanted),
    )
    .filter((port) => meetsAny(port, wanted));
}

function meetsAny(port: ReferencePort, wanted: readonly TableElement[]): boolean {
  const theirs = elementOf(port);
  const isOfFamily = ({ set }: TableElement) => set.endsWith("4") === (port.pod.length === 4);
  return wanted.some((each) => isOfFamily(each) && claimsMeet(portClaim(each), portClaim(theirs)));
}

function takenInTable(nft: NftSocket, place: ChainPlace): TakenPort[] {
  return referencePorts(placedRules(nft, place)).map((port) => {
    return { ...port, containerId: port.rule.comment, network: undefined };
  });
}

/** The chains of containers that may have one of the ports are read, and no others. */
function takenInChains(
  nft: NftSocket,
  from: ChainPlace,
  wanted: readonly TableElement[],
): TakenPort[] {
  const claims = wanted.map(portClaim);
  const named = new Map<string, PlacedRule>();
  for (const jump of placedRules(nft, from)) {
    if (jump.target !== undefined && mayMeet(jump, claims)) named.set(jump.target, jump);
  }
  return [...named].flatMap(([chain, { comment }]) => {
    const { network, containerId } = containerInComment(comment) ?? {};
    const found = referencePorts(placedRules(nft, natChain(from.family, chain)));
    return found.map((port) => ({ ...port, network, containerId }));
  });
}

function mayMeet({ words }: PlacedRule, claims: readonly PortClaim[]): boolean {
  const theirs = (words.get("dport") ?? "").split(",").map(Number);
  return claims.some(({ firstPort, lastPort }) =>
    theirs.some((port) => port >= firstPort && port <= lastPort),
  );
}

/**
 * Letting a pod through.
 * @module
 */

import type { AddCall } from "../../core/cni/plugin.ts";
import { addElements } from "../../core/nft/add-elements.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { openForward } from "../../core/nft/open-forward.ts";
import { removeElements } from "../../core/nft/remove-elements.ts";
import { samePlace, type TableElement } from "../../core/nft/table-element.ts";
import { Rollback } from "../../core/rollback.ts";
import type { Allowance } from "./allowance.ts";
import type { FirewallConfig } from "./config.ts";
import { type Allowed, forgetAllowed, recordAllowed, recordedAsAllowed } from "./record.ts";
import { openFirewalld, trust, withdraw, type ZoneSource } from "./sources.ts";

const nothing: Allowed = { elements: [], sources: [] };

/** Record, kernel, iptables' tables, and firewalld where it is told; all of it or nothing. */
export function allow(
  call: AddCall<FirewallConfig>,
  { elements, sources, forward }: Allowance,
): void {
  const { attachment, config, warn } = call;
  using nft = NftSocket.open();
  using firewalld = openFirewalld(config, warn);
  using rollback = new Rollback();
  const earlier = recordedAsAllowed(attachment); // of an ADD that no DEL followed
  const wanted: Allowed = { elements, sources: firewalld === undefined ? [] : sources };
  const outdated = outdatedBy(wanted, earlier ?? nothing);

  // each undo goes before its step: a folder may be all that is made, or the kernel's answer all that fails
  rollback.defer(() => {
    if (earlier === undefined) forgetAllowed(attachment);
    else recordAllowed(attachment, earlier);
  });
  recordAllowed(attachment, {
    elements: [...wanted.elements, ...outdated.elements],
    sources: [...wanted.sources, ...outdated.sources],
  });
  rollback.defer(() =>
    removeElements(
      nft,
      elements.filter((each) => !isIn(earlier?.elements ?? [], each)),
    ),
  );
  addElements(nft, elements);
  openForward(nft, forward);
  // out of one zone before into another: firewalld has a source once
  rollback.defer(() => {
    for (const { zone, source } of outdated.sources) firewalld?.addSource(zone, source);
  });
  withdraw({ attachment, sources: outdated.sources });
  if (firewalld !== undefined) trust(firewalld, sources, rollback);
  if (outdated.elements.length + outdated.sources.length > 0) {
    removeElements(nft, outdated.elements);
    recordAllowed(attachment, wanted);
  }
  rollback.commit();
}

/** What an earlier ADD was let through and this one is not. */
function outdatedBy(wanted: Allowed, earlier: Allowed): Allowed {
  return {
    elements: earlier.elements.filter((each) => !isIn(wanted.elements, each)),
    sources: earlier.sources.filter((each) => !wanted.sources.some((one) => isSame(one, each))),
  };
}

function isIn(list: readonly TableElement[], one: TableElement): boolean {
  return list.some((each) => samePlace(each, one));
}

function isSame(one: ZoneSource, other: ZoneSource): boolean {
  return one.zone === other.zone && one.source === other.source;
}

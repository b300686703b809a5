/**
 * Taking away what was let through.
 * @module
 */

import { ownerText } from "../../core/attachment.ts";
import type { DelCall, GcCall } from "../../core/cni/plugin.ts";
import { attemptAll, explain } from "../../core/errors.ts";
import { parseCidr } from "../../core/net/address.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { ownedElements } from "../../core/nft/owned-elements.ts";
import { removeElements } from "../../core/nft/remove-elements.ts";
import type { SetName } from "../../core/nft/sets.ts";
import type { TableElement } from "../../core/nft/table-element.ts";
import { recordedAttachments } from "../../core/state/record.ts";
import { removeStaleRecords } from "../../core/state/stale-records.ts";
import { type FirewallConfig, firewalldIsTold } from "./config.ts";
import { forgetAllowed, recordedAsAllowed, recordName } from "./record.ts";
import { forbidReferences } from "./reference.ts";
import { sourcesOf, type Trusted, withdraw } from "./sources.ts";

/** Where the elements of pods are; a bridge's are shared and stay. */
const podSets: readonly SetName[] = ["pods4", "pods6", "apart_ports"];

/** Removes all that an attachment is let through: what the record says or, without one, what can be found. */
export function forbid(call: DelCall<FirewallConfig>): void {
  const { attachment } = call;
  const recorded = recordedAsAllowed(attachment);
  attemptAll(
    () => removeOwn(call, recorded?.elements),
    () =>
      recorded === undefined ? withdrawUnrecorded(call) : withdraw({ attachment, ...recorded }),
  );
  forgetAllowed(attachment); // last: until here another DEL finds all of it
}

function removeOwn(
  call: DelCall<FirewallConfig>,
  recorded: readonly TableElement[] | undefined,
): void {
  using nft = NftSocket.openIfSupported();
  if (nft === undefined) return;
  const owner = ownerText(call.attachment);
  attemptAll(
    () => removeElements(nft, recorded ?? ownedElements(nft, { owner }, podSets)),
    () => (recorded === undefined ? forbidReferences(nft, call) : undefined),
  );
}

/**
 * Without a record, as behind another program's ADD, the configuration and the result tell what firewalld was told. It may
 * never have been: that it cannot be asked is no failure.
 */
function withdrawUnrecorded(call: DelCall<FirewallConfig>): void {
  const { attachment, config, prevResult, warn } = call;
  if (firewalldIsTold(config) === "never") return;
  const addresses = (prevResult?.ips ?? []).map(({ address }) => parseCidr(address).address);
  try {
    withdraw({ attachment, sources: sourcesOf(config, addresses) });
  } catch (error) {
    warn(explain(error));
  }
}

/** Removes what attachments of this network left that are valid no more, going on past failures. */
export function collectGarbage(call: GcCall<FirewallConfig>): void {
  const { network, validAttachments } = call;
  if (validAttachments === undefined) return;
  const valid = new Set(validAttachments.filter((each) => each.network === network).map(ownerText));
  attemptAll(
    () => removeStale(network, valid),
    () => {
      withdraw(...staleSources(call));
      removeStaleRecords(call, recordName); // where firewalld did not answer they stay for the next time
    },
  );
}

function staleSources(call: GcCall<FirewallConfig>): Trusted[] {
  const stale = recordedAttachments(call.network, recordName).filter((each) => call.isStale(each));
  return stale.map((attachment) => {
    return { attachment, sources: recordedAsAllowed(attachment)?.sources ?? [] };
  });
}

function removeStale(network: string, valid: ReadonlySet<string>): void {
  using nft = NftSocket.openIfSupported();
  if (nft === undefined) return;
  const there = ownedElements(nft, { network }, podSets);
  removeElements(
    nft,
    there.filter(({ owner = "" }) => !valid.has(owner)),
  );
}

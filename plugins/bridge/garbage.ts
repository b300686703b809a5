/**
 * GC of bridge: what attachments of this network left that are valid no more.
 * @module
 */

import { ownerText } from "../../core/attachment.ts";
import type { GcCall } from "../../core/cni/plugin.ts";
import { attemptAll } from "../../core/errors.ts";
import { deleteLinks, strayHostLinks } from "../../core/net/link-owner.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { ownedElements } from "../../core/nft/owned-elements.ts";
import { removeElements } from "../../core/nft/remove-elements.ts";
import {
  recordedAttachments,
  removeEmptyDirectories,
  removeRecord,
} from "../../core/state/record.ts";
import type { BridgeConfig } from "./config.ts";
import { recordName } from "./record.ts";
import { bridgeSets } from "./rules.ts";

/** Removes rules, links and records of stale attachments, and lets IPAM do the same. Goes on past failures. */
export function collectGarbage(call: GcCall<BridgeConfig>): void {
  const { network, validAttachments: valid } = call;
  if (valid === undefined) {
    call.ipam.gc();
    return;
  }
  const kept = new Set(valid.map(ownerText));
  attemptAll(
    () => removeStaleRules(network, kept),
    () => removeStaleLinks(network, kept),
    () => removeStaleRecords(call),
    () => removeEmptyDirectories(network), // of a DEL that was killed behind the record
    () => call.ipam.gc(),
  );
}

function removeStaleRules(network: string, kept: ReadonlySet<string>): void {
  using nft = NftSocket.open();
  const elements = ownedElements(nft, { network }, bridgeSets);
  removeElements(
    nft,
    elements.filter(({ owner = "" }) => !kept.has(owner)),
  );
}

function removeStaleLinks(network: string, kept: ReadonlySet<string>): void {
  using host = RouteSocket.open();
  deleteLinks(host, strayHostLinks(host, network, kept));
}

function removeStaleRecords({ network, isStale }: GcCall<BridgeConfig>): void {
  const stale = recordedAttachments(network, recordName).filter((each) => isStale(each));
  attemptAll(...stale.map((attachment) => () => removeRecord(attachment, recordName)));
}

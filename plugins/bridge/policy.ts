/**
 * `internal` and `isolate`: what a bridge exchanges with the world and with other bridges. Elements that name the bridge say so; all
 * its attachments share them, and they go with the last.
 * @module
 */

import { NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";
import * as z from "zod/mini";

import { interfaceNameProblem } from "../../core/cni/interface-name.ts";
import type { GcCall } from "../../core/cni/plugin.ts";
import { addRules } from "../../core/link/rules.ts";
import { addElements } from "../../core/nft/add-elements.ts";
import { type BridgePolicy, policyElements, routedBridgeElements } from "../../core/nft/bridges.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { removeShared } from "../../core/nft/remove-elements.ts";
import { samePlace } from "../../core/nft/table-element.ts";
import {
  hasRecord,
  readRecord,
  recordedAttachments,
  recordedNetworks,
  recordSchema,
} from "../../core/state/record.ts";
import { withSharedLock } from "../../core/state/shared-lock.ts";
import { type BridgeConfig, isolateField } from "./config.ts";

/** A bridge's name in a record. What no link can be called makes it a broken one. */
export const bridgeName = z
  .string()
  .check(z.refine((name: string) => interfaceNameProblem(name) === undefined));

/** All of it, for taking it away. */
const everything: readonly BridgePolicy[] = [
  { internal: true, isolate: true },
  { internal: false, isolate: "strict" },
];

/** The policy that a configuration, what can be read of one, or a record has. */
export function policyOf({
  internal = false,
  isolate = false,
}: Partial<BridgePolicy>): BridgePolicy {
  return { internal, isolate };
}

/** True when there is anything that goes with the last attachment. */
export function hasPolicy({ internal = false, isolate = false }: Partial<BridgePolicy>): boolean {
  return internal || isolate !== false;
}

/**
 * Runs what adds the attachment's elements. Those of a policy are added while nobody takes the bridge's away as those of the last
 * attachment; and other bridges and this one come to know each other.
 * @param isNews whether the bridge is a gateway, and `add` makes it known to nobody
 */
export function keepingPolicy(config: BridgeConfig, isNews: boolean, add: () => void): void {
  if (hasPolicy(config)) {
    withSharedLock(() => {
      add();
      if (config.isolate === "strict") makeBridgesKnown();
    });
  } else {
    add();
    if (isNews) makeKnown(config.bridge);
  }
}

/** A strict bridge has to know all others. Those that come later make themselves known. */
function makeBridgesKnown(): void {
  const bridges = new Set([...recordedBridges()].flatMap((each) => each?.bridge ?? []));
  addRules([...bridges].flatMap((bridge) => routedBridgeElements(bridge, policyOf({}))));
}

/**
 * A bridge without elements of its own, when there is a table: without one no bridge is strict. The record is written
 * before, so that one which becomes strict at this moment finds the bridge there.
 */
function makeKnown(bridge: string): void {
  using nft = NftSocket.openIfSupported();
  if (nft?.tableComment(NFPROTO_INET) === undefined) return;
  addElements(nft, routedBridgeElements(bridge, policyOf({})));
}

/** {@link releasePolicy} for what a record has, or a configuration where there is no record. */
export function releasePolicyOf(gone: Partial<BridgePolicy & { bridge: string }>): void {
  if (gone.bridge !== undefined && hasPolicy(gone)) releasePolicy(gone.bridge, policyOf(gone));
}

/**
 * Takes the policy of a bridge away, as far as no attachment that is recorded still wants it.
 * @param policy that of the attachment that has gone; by default all that there can be
 */
export function releasePolicy(bridge: string, policy?: BridgePolicy): void {
  const gone = policy === undefined ? everything : [policy];
  const elements = gone.flatMap((each) => policyElements(bridge, each));
  using nft = NftSocket.openIfSupported();
  if (nft === undefined || nft.lookUp({ elements }).found.every((each) => each === undefined))
    return;
  withSharedLock(() => {
    let left = elements;
    for (const kept of recordedBridges()) {
      if (kept === undefined) return; // a record that cannot be read speaks for all there is
      if (kept.bridge !== bridge) continue;
      const wanted = policyElements(bridge, policyOf(kept));
      left = left.filter((each) => !wanted.some((other) => samePlace(each, other)));
      if (left.length === 0) return;
    }
    removeShared(nft, left);
  });
}

/** The bridges whose policy GC looks at: the configuration's, and those of attachments that are valid no more. */
export function bridgesOfStale(call: GcCall<Partial<BridgeConfig>>): string[] {
  if (call.validAttachments === undefined) return [];
  const stale = recordedAttachments(call.network, "bridge").filter((each) => call.isStale(each));
  const recorded = stale.flatMap(
    (each) => readRecord(each, "bridge", recordedPolicy)?.bridge ?? [],
  );
  return [...new Set([...recorded, call.config.bridge ?? []].flat())];
}

const recordedPolicy = recordSchema({
  bridge: bridgeName,
  internal: z.exactOptional(z.boolean()),
  isolate: z._default(isolateField, false),
});

/** What the attachments to bridges say of theirs; undefined for a record that cannot be read. */
function* recordedBridges(): Generator<z.output<typeof recordedPolicy> | undefined> {
  for (const network of recordedNetworks()) {
    for (const attachment of recordedAttachments(network, "bridge")) {
      const record = readRecord(attachment, "bridge", recordedPolicy);
      if (record !== undefined || hasRecord(attachment, "bridge")) yield record;
    }
  }
}

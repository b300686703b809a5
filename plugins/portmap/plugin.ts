/**
 * portmap: ports of the host lead to ports of the container.
 * @see README.md beside this file
 * @module
 */

import { NFPROTO_INET } from "netlink-ts/nftables/nfgenmsg.ts";

import { type Attachment, ownerText } from "../../core/attachment.ts";
import { type AddCall, definePlugin } from "../../core/cni/plugin.ts";
import { CniError, during } from "../../core/errors.ts";
import { requirePublic } from "../../core/link/internal.ts";
import { readSysctlIfPresent, writeSysctl } from "../../core/net/sysctl.ts";
import { addElements } from "../../core/nft/add-elements.ts";
import { describePlace } from "../../core/nft/describe-element.ts";
import { missingElements } from "../../core/nft/missing-elements.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { removeFound } from "../../core/nft/reference/removal.ts";
import { samePlace, type TableElement } from "../../core/nft/table-element.ts";
import { requireUsable, setUpFaults } from "../../core/nft/table-state.ts";
import { Rollback } from "../../core/rollback.ts";
import { hasRecord, recordFault, requireRecordable } from "../../core/state/record.ts";
import { removeAll, unpublish, unpublishStale } from "./cleanup.ts";
import { type PortmapConfig, portmapConfig, requireConsistent } from "./config.ts";
import { handBack } from "./hand-back.ts";
import { type Published, publicationOf } from "./publication.ts";
import {
  forgetPublished,
  isGone,
  isOfContainer,
  readPublished,
  recordedAsPublished,
  recordName,
  recordPublished,
} from "./record.ts";
import { outlivedRules, referenceFaults } from "./reference.ts";
import { endFlowsElsewhere } from "./stale-flows.ts";

/** CHECK found something missing. */
const notAsPublished = 101;

/** portmap: chained behind the plugin that made the container's interface. */
export const portmap = definePlugin({
  type: "portmap",
  config: portmapConfig,
  chained: true,

  add(call) {
    const { config, prevResult = {}, warn } = call;
    const published = publicationOf(call);
    if (published !== undefined) {
      requirePublic(call.attachment);
      sayUnused(config, warn);
      publish(call, published);
    }
    return prevResult;
  },

  del(call) {
    unpublish(call);
  },

  check(call) {
    const published = publicationOf(call);
    if (published === undefined) return;
    const missing = missingParts(call, published);
    if (missing.length === 0) return;
    const details = missing.slice(1, 9).join("; ");
    throw new CniError(notAsPublished, missing[0]!, details === "" ? {} : { details });
  },

  gc(call) {
    const { network, validAttachments } = call;
    if (validAttachments === undefined) return;
    unpublishStale(
      call,
      validAttachments.filter((each) => each.network === network),
    );
  },

  status({ config }) {
    requireConsistent(config);
    requireUsable();
    requireRecordable();
  },
});

/** Record, kernel, and what depends on both; all of it or nothing. */
function publish(call: AddCall<PortmapConfig>, published: Published): void {
  const { elements, localnetLinks } = published;
  const { attachment, netnsPath, warn } = call;
  using nft = NftSocket.open();
  using rollback = new Rollback();
  const outlived = outlivedRules(nft, call, published);
  const earlier = recordedAsPublished(attachment); // of an ADD that no DEL followed
  const isIn = (list: readonly TableElement[] | undefined, one: TableElement) =>
    list?.some((each) => samePlace(each, one)) === true;
  const outdated = earlier?.elements.filter((old) => !isIn(elements, old)) ?? [];
  const displaced = new Set(earlier?.displaced);

  // each undo goes before its step: a folder may be all that is made, or the kernel's answer all that fails
  rollback.defer(() => {
    if (earlier === undefined) forgetPublished(attachment);
    else recordPublished(attachment, netnsPath, earlier);
  });
  const before = [...displaced];
  recordPublished(attachment, netnsPath, {
    elements: [...elements, ...outdated],
    displaced: before,
  });
  rollback.defer(() => {
    removeAll(
      nft,
      elements.filter((each) => !isIn(earlier?.elements, each)),
      warn,
    );
    handBack(nft, [...displaced], warn);
  });
  addElements(nft, elements, { isGone: (owner) => mayYield(owner, attachment, displaced) });
  if (outlived.rules.length > 0) removeFound(nft, () => outlivedRules(nft, call, published));
  for (const link of localnetLinks) routeLoopback(link);
  endFlowsElsewhere(nft.connection, elements, warn);
  if (outdated.length > 0) removeAll(nft, outdated, warn);
  if (outdated.length > 0 || displaced.size > before.length) {
    recordPublished(attachment, netnsPath, { elements, displaced: [...displaced] });
  }
  rollback.commit();
}

/**
 * A container on two networks is called with the same ports for both: the network attached last has them, and notes those
 * that had them before. A pod that is gone yields to anybody.
 */
function mayYield(owner: string, attachment: Attachment, displaced: Set<string>): boolean {
  if (!isOfContainer(owner, attachment)) return isGone(owner);
  displaced.add(owner);
  for (const earlier of readPublished(owner)?.displaced ?? []) displaced.add(earlier);
  return true;
}

const routeLocalnet = (link: string): string => `net/ipv4/conf/${link}/route_localnet`;

/** Lets the host send packets from 127.0.0.1 out of a link; chain guard drops those that come in. */
function routeLoopback(link: string): void {
  during("unable to enable route_localnet", () => {
    if (readSysctlIfPresent(routeLocalnet(link)) !== "1") writeSysctl(routeLocalnet(link), "1");
  });
}

function missingParts(call: AddCall<PortmapConfig>, published: Published): string[] {
  using nft = NftSocket.open();
  const isRecorded = recordedAsPublished(call.attachment) !== undefined;
  const isOurs = hasRecord(call.attachment, recordName);
  const references = isOurs ? undefined : referenceFaults(nft, call, published);
  return [
    ...(references ?? missingOfOurs(nft, call.attachment, published.elements)),
    ...published.localnetLinks
      .filter((link) => readSysctlIfPresent(routeLocalnet(link)) !== "1")
      .map((link) => `kernel parameter "${routeLocalnet(link)}" is not 1`),
    ...(isRecorded || references !== undefined ? [] : [recordFault(call.attachment, recordName)]),
  ];
}

function missingOfOurs(
  nft: NftSocket,
  attachment: Attachment,
  elements: readonly TableElement[],
): string[] {
  const ownText = ownerText(attachment);
  const missing = missingElements(nft, elements).filter((each) => {
    const owner = nft.find(each)?.owner ?? ownText;
    return owner === ownText || !isOfContainer(owner, attachment); // not lent to another network
  });
  return [
    ...missing.map((each) => `nf_tables has no ${describePlace(each)}`),
    ...setUpFaults(nft, [NFPROTO_INET]),
  ];
}

/** Keys that say how iptables is to do it. */
function sayUnused(config: PortmapConfig, warn: (text: string) => void): void {
  if (config.backend === "iptables") {
    warn('"backend" is "iptables": ports are published by nf_tables all the same');
  }
  for (const key of ["markMasqBit", "externalSetMarkChain"] as const) {
    if (config[key] !== undefined)
      warn(`"${key}" is not used: clients are masqueraded without marks`);
  }
}

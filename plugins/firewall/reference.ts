/**
 * What the reference's firewall has let through, before its program was replaced by ours. Its rules name addresses alone.
 * @module
 */

import { type Attachment, ownerText } from "../../core/attachment.ts";
import type { AttachmentCall, CheckCall } from "../../core/cni/plugin.ts";
import { explain } from "../../core/errors.ts";
import { parseCidr } from "../../core/net/address.ts";
import { RouteSocket } from "../../core/net/route-socket.ts";
import { hasAnyOwn } from "../../core/nft/missing-elements.ts";
import type { NftSocket } from "../../core/nft/nft-socket.ts";
import { allowanceOf, allowingChains, forwardFaults } from "../../core/nft/reference/forward.ts";
import { isInLegacy, legacyText } from "../../core/nft/reference/legacy.ts";
import { removeFound } from "../../core/nft/reference/removal.ts";
import { isReservedForAnother, reservedAddresses } from "../../core/state/reserved-addresses.ts";
import type { Allowance } from "./allowance.ts";
import type { FirewallConfig } from "./config.ts";
import { missingSources, openFirewalld } from "./sources.ts";

/**
 * Takes away the rules of the attachment's addresses: those of prevResult or, without one, those that its link has and those that
 * host-local has reserved for it. An address that host-local has given to another container by now keeps its rules.
 */
export function forbidReferences(nft: NftSocket, call: AttachmentCall): void {
  const { attachment, warn } = call;
  if (allowingChains(nft).length === 0) {
    if (isInLegacy("filter")) warn(hiddenText(attachment));
    return;
  }
  const own = addressesOf(call).filter((each) => !isReservedForAnother(attachment, each));
  removeFound(nft, () => allowanceOf(nft, own));
}

function addressesOf(call: AttachmentCall): Uint8Array[] {
  const { attachment, prevResult } = call;
  if (prevResult?.ips !== undefined)
    return prevResult.ips.map(({ address }) => parseCidr(address).address);
  return [...linkAddresses(call), ...reservedAddresses(attachment)];
}

function linkAddresses({ ifName, openNetnsIfPresent }: AttachmentCall): Uint8Array[] {
  using netns = openNetnsIfPresent();
  using container = RouteSocket.dial(netns);
  const link = container?.linkByName(ifName);
  const all = link === undefined ? [] : (container?.addresses(link.ifindex) ?? []);
  return all.flatMap(({ local, address }) => local ?? address ?? []);
}

/** For CHECK of an attachment without record: what is missing in words, undefined when the reference lets nothing of it through. */
export function referenceFaults(
  nft: NftSocket,
  call: CheckCall<FirewallConfig>,
  allowance: Allowance,
): string[] | undefined {
  const { ingressPolicy: policy = "open" } = call.config;
  const faults = forwardFaults(nft, {
    addresses: allowance.addresses.map(({ address }) => address),
    admin: allowance.forward.admin,
    bridge: policy === "open" ? undefined : allowance.hostLink,
    isApart: policy === "isolated",
  });
  if (faults !== undefined || hasAnyOwn(nft, allowance.elements)) return faults;
  if (isTrusted(call, allowance)) return [];
  if (!isInLegacy("filter")) return undefined;
  call.warn(hiddenText(call.attachment));
  return [];
}

/** True when firewalld trusts all of its addresses: with that back end the reference does no more. */
function isTrusted({ config, warn }: CheckCall<FirewallConfig>, { sources }: Allowance): boolean {
  if (sources.length === 0) return false;
  try {
    using firewalld = openFirewalld(config, warn);
    return firewalld !== undefined && missingSources(firewalld, sources).length === 0;
  } catch (error) {
    warn(explain(error));
    return false;
  }
}

function hiddenText(attachment: Attachment): string {
  return legacyText(`what is let through of "${ownerText(attachment)}"`, "filter");
}

/**
 * Rules of attachments that the reference's plugins have made, before their programs were replaced by ours: those of no record.
 * @module
 */

import { type Attachment, ownerText } from "../attachment.ts";
import type { CheckCall, DelCall } from "../cni/plugin.ts";
import { interfaceAddresses } from "../cni/result-addresses.ts";
import { attemptAll, CniError, cniCode } from "../errors.ts";
import { NftSocket } from "../nft/nft-socket.ts";
import { ownedElements } from "../nft/owned-elements.ts";
import { isInLegacy, legacyText } from "../nft/reference/legacy.ts";
import { macCheckFaults, macCheckOf } from "../nft/reference/mac-check.ts";
import { masqueradeFaults, masqueradeOf, staleMasquerade } from "../nft/reference/masquerade.ts";
import { removeFound } from "../nft/reference/removal.ts";
import { removeElements } from "../nft/remove-elements.ts";
import type { SetName } from "../nft/sets.ts";
import { othersAddresses } from "./others-addresses.ts";

/** What of a configuration makes rules. */
export interface RuleKeys {
  readonly ipMasq?: boolean;
  readonly macspoofchk?: boolean;
}

/**
 * Takes away what an attachment without record has: elements of ours with its mark, and rules of the reference's.
 * @param among our sets where there may be some
 * @param isOthersPort tells links of the host that are not the attachment's
 */
export function removeUnrecordedRules(
  call: DelCall<RuleKeys>,
  among: readonly SetName[],
  isOthersPort: (port: string) => boolean,
): void {
  const { attachment } = call;
  using nft = NftSocket.open();
  attemptAll(
    () => removeElements(nft, ownedElements(nft, { owner: ownerText(attachment) }, among)),
    () => removeMasquerade(nft, call),
    () => {
      if (among.includes("mac")) removeFound(nft, () => macCheckOf(nft, attachment, isOthersPort));
    },
  );
}

function removeMasquerade(nft: NftSocket, call: DelCall<RuleKeys>): void {
  const { attachment, config, warn } = call;
  const isOthers = othersAddresses(call);
  const { rules } = removeFound(nft, () => masqueradeOf(nft, attachment, isOthers));
  if (rules.length === 0 && config.ipMasq && isInLegacy("nat")) {
    warn(legacyText(`masquerade of "${ownerText(attachment)}"`, "nat"));
  }
}

/** Takes away what the reference has left of a network's attachments that are not among these, as far as its rules name them. */
export function removeStaleReferenceRules(network: string, valid: readonly Attachment[]): void {
  using nft = NftSocket.open();
  removeFound(nft, () => staleMasquerade(nft, network, valid));
}

/** For CHECK of an attachment without record. @throws {CniError} that names the first rule of the reference's that is missing */
export function checkReferenceRules(
  { attachment, config, prevResult = {}, warn }: CheckCall<RuleKeys>,
  { port, mac }: { port: string; mac: Uint8Array },
): void {
  const { ipMasq = false, macspoofchk = false } = config;
  if (!ipMasq && !macspoofchk) return;
  using nft = NftSocket.open();
  const addresses = interfaceAddresses(prevResult, attachment.ifname);
  const unmasked = ipMasq ? masqueradeFaults(nft, attachment, addresses) : [];
  const isHidden = unmasked.length > 0 && isInLegacy("nat");
  if (isHidden) warn(legacyText(`masquerade of "${ownerText(attachment)}"`, "nat"));
  const [fault] = [
    ...(isHidden ? [] : unmasked),
    ...(macspoofchk ? macCheckFaults(nft, attachment, port, mac) : []),
  ];
  if (fault === undefined) return;
  throw new CniError(cniCode.internal, `rules of "${ownerText(attachment)}": ${fault}`);
}

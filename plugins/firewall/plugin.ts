/**
 * firewall: lets a container's traffic through the host's firewall, and closes its bridge to others.
 * @see README.md beside this file
 * @module
 */

import { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";

import type { Attachment } from "../../core/attachment.ts";
import { type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { readSysctlIfPresent } from "../../core/net/sysctl.ts";
import { addElements } from "../../core/nft/add-elements.ts";
import { describePlace } from "../../core/nft/describe-element.ts";
import { missingElements } from "../../core/nft/missing-elements.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { missingForwardRules, openForward } from "../../core/nft/open-forward.ts";
import { removeElements } from "../../core/nft/remove-elements.ts";
import { samePlace, type TableElement } from "../../core/nft/table-element.ts";
import { requireUsable, setUpFaults } from "../../core/nft/table-state.ts";
import { Rollback } from "../../core/rollback.ts";
import { hasRecord, recordPath, requireRecordable } from "../../core/state/record.ts";
import { type Allowance, allowanceOf } from "./allowance.ts";
import { collectGarbage, forbid } from "./cleanup.ts";
import { type FirewallConfig, firewallConfig, requireBackend, sayUnused } from "./config.ts";
import { dropsOfAnyPod, dropsOfPod } from "./diagnosis.ts";
import { forgetAllowed, recordAllowed, recordedAsAllowed, recordName } from "./record.ts";

/** CHECK found something missing, or somebody who drops the container's packets. */
const notAsAllowed = 101;

/** firewall: chained behind the plugin that made the container's interface. */
export const firewall = definePlugin({
  type: "firewall",
  versions: ["0.4.0", "1.0.0", "1.1.0"],
  config: firewallConfig,
  chained: true,

  add(call) {
    const { config, prevResult = {}, attachment, warn } = call;
    const allowance = allowanceOf(call);
    sayUnused(config, warn);
    sayBridged(config, allowance, warn);
    if (allowance.elements.length > 0) allow(attachment, allowance);
    return prevResult;
  },

  del({ attachment }) {
    forbid(attachment);
  },

  check(call) {
    const allowance = allowanceOf(call);
    if (allowance.elements.length === 0) return;
    const faults = faultsOf(call, allowance);
    if (faults.length === 0) return;
    const details = faults.slice(1, 9).join("; ");
    throw new CniError(notAsAllowed, faults[0]!, details === "" ? {} : { details });
  },

  gc(call) {
    collectGarbage(call);
  },

  status({ config, warn }) {
    requireBackend(config);
    requireUsable();
    requireRecordable();
    requireForwarding(warn);
  },
});

/** Record, kernel, and iptables' tables; all of it or nothing. */
function allow(attachment: Attachment, { elements, forward }: Allowance): void {
  using nft = NftSocket.open();
  using rollback = new Rollback();
  const earlier = recordedAsAllowed(attachment); // of an ADD that no DEL followed
  const isIn = (list: readonly TableElement[] | undefined, one: TableElement) =>
    list?.some((each) => samePlace(each, one)) === true;
  const outdated = earlier?.filter((old) => !isIn(elements, old)) ?? [];

  // each undo goes before its step: a folder may be all that is made, or the kernel's answer all that fails
  rollback.defer(() => {
    if (earlier === undefined) forgetAllowed(attachment);
    else recordAllowed(attachment, earlier);
  });
  recordAllowed(attachment, [...elements, ...outdated]);
  rollback.defer(() =>
    removeElements(
      nft,
      elements.filter((each) => !isIn(earlier, each)),
    ),
  );
  addElements(nft, elements);
  openForward(nft, forward);
  if (outdated.length > 0) {
    removeElements(nft, outdated);
    recordAllowed(attachment, elements);
  }
  rollback.commit();
}

function faultsOf({ attachment }: CheckCall<FirewallConfig>, allowance: Allowance): string[] {
  const { elements, forward } = allowance;
  using nft = NftSocket.open();
  const isRecorded = recordedAsAllowed(attachment) !== undefined;
  return [
    ...missingElements(nft, elements).map((each) => `nf_tables has no ${describePlace(each)}`),
    ...setUpFaults(nft, [NFPROTO_INET]),
    ...missingForwardRules(nft, forward),
    ...(isRecorded ? [] : [recordFault(attachment)]),
    ...dropsOfPod(nft, allowance),
  ];
}

function recordFault(attachment: Attachment): string {
  if (!hasRecord(attachment, recordName)) return "the record of this attachment is missing";
  return `the record "${recordPath(attachment, recordName)}" cannot be used`;
}

/** @throws {CniError} 51 when another firewall drops all that pods send by IPv4; for IPv6 alone, it is said on stderr */
function requireForwarding(warn: (text: string) => void): void {
  using nft = NftSocket.open();
  const drops = dropsOfAnyPod(nft, NFPROTO_IPV4);
  if (drops.length === 0) {
    for (const each of dropsOfAnyPod(nft, NFPROTO_IPV6)) warn(each);
    return;
  }
  const details = drops.slice(1).join("; ");
  throw new CniError(cniCode.limitedConnectivity, drops[0]!, details === "" ? {} : { details });
}

const callIptables = "net/bridge/bridge-nf-call-iptables";

/** Frames from port to port of a bridge come to the forward hook with br_netfilter alone. */
function sayBridged(
  { ingressPolicy }: FirewallConfig,
  { hostLink = "" }: Allowance,
  warn: (text: string) => void,
): void {
  if (ingressPolicy !== "isolated" || readSysctlIfPresent(callIptables) === "1") return;
  warn(
    `"ingressPolicy" "isolated" does not keep containers of bridge "${hostLink}" from each other: kernel parameter "${callIptables}" is not 1`,
  );
}

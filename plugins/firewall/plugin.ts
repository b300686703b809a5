/**
 * firewall: lets a container's traffic through the host's firewall, and closes its bridge to others.
 * @see README.md beside this file
 * @module
 */

import {
  NFPROTO_BRIDGE,
  NFPROTO_INET,
  NFPROTO_IPV4,
  NFPROTO_IPV6,
} from "netlink-ts/nftables/nfgenmsg.ts";

import { type CheckCall, definePlugin } from "../../core/cni/plugin.ts";
import { CniError, cniCode, explain } from "../../core/errors.ts";
import { readSysctlIfPresent } from "../../core/net/sysctl.ts";
import { describePlace } from "../../core/nft/describe-element.ts";
import { missingElements } from "../../core/nft/missing-elements.ts";
import { NftSocket } from "../../core/nft/nft-socket.ts";
import { missingForwardRules } from "../../core/nft/open-forward.ts";
import { requireUsable, setUpFaults } from "../../core/nft/table-state.ts";
import { hasRecord, recordFault, requireRecordable } from "../../core/state/record.ts";
import { allow } from "./allow.ts";
import { type Allowance, allowanceOf } from "./allowance.ts";
import { collectGarbage, forbid } from "./cleanup.ts";
import { type FirewallConfig, firewallConfig, sayUnused } from "./config.ts";
import { dropsOfAnyPod, dropsOfPod } from "./diagnosis.ts";
import { doubtsOfLegacyTables } from "./legacy-tables.ts";
import { recordedAsAllowed, recordName } from "./record.ts";
import { referenceFaults } from "./reference.ts";
import { missingSources, openFirewalld, requireZone } from "./sources.ts";

/** CHECK found something missing, or somebody who drops the container's packets. */
const notAsAllowed = 101;

/** firewall: chained behind the plugin that made the container's interface. */
export const firewall = definePlugin({
  type: "firewall",
  versions: ["0.4.0", "1.0.0", "1.1.0"],
  config: firewallConfig,
  chained: true,

  add(call) {
    const { config, prevResult = {}, warn } = call;
    const allowance = allowanceOf(call);
    sayUnused(config, warn);
    sayBridged(config, allowance, warn);
    if (allowance.elements.length > 0) allow(call, allowance);
    return prevResult;
  },

  del(call) {
    forbid(call);
  },

  check(call) {
    const allowance = allowanceOf(call);
    if (allowance.elements.length === 0) return;
    for (const each of doubtsOfLegacyTables()) call.warn(each);
    const faults = faultsOf(call, allowance);
    if (faults.length === 0) return;
    const details = faults.slice(1, 9).join("; ");
    throw new CniError(notAsAllowed, faults[0]!, details === "" ? {} : { details });
  },

  gc(call) {
    collectGarbage(call);
  },

  status({ config, warn }) {
    requireUsable();
    requireRecordable();
    const isTold = requireFirewalld(config, warn);
    for (const each of doubtsOfLegacyTables()) warn(each);
    requireForwarding(isTold, warn);
  },
});

function faultsOf(call: CheckCall<FirewallConfig>, allowance: Allowance): string[] {
  using nft = NftSocket.open();
  const isRecorded = recordedAsAllowed(call.attachment) !== undefined;
  const isOurs = hasRecord(call.attachment, recordName);
  const references = isOurs ? undefined : referenceFaults(nft, call, allowance);
  return [
    ...(references ?? missingOfOurs(nft, allowance)),
    ...(isRecorded || references !== undefined ? [] : [recordFault(call.attachment, recordName)]),
    ...sourceFaults(call, allowance),
    ...dropsOfPod(nft, allowance),
  ];
}

function missingOfOurs(nft: NftSocket, { elements, forward, hasPorts }: Allowance): string[] {
  return [
    ...missingElements(nft, elements).map((each) => `nf_tables has no ${describePlace(each)}`),
    ...setUpFaults(nft, [NFPROTO_INET, ...(hasPorts ? [NFPROTO_BRIDGE] : [])]),
    ...missingForwardRules(nft, forward),
  ];
}

function sourceFaults(
  { config, warn }: CheckCall<FirewallConfig>,
  { sources }: Allowance,
): string[] {
  try {
    using firewalld = openFirewalld(config, warn);
    return firewalld === undefined ? [] : missingSources(firewalld, sources);
  } catch (error) {
    return [explain(error)];
  }
}

/** @returns whether firewalld is told of pods @throws {CniError} 50 when it has to be and cannot, 7 for a zone that it has not */
function requireFirewalld(config: FirewallConfig, warn: (text: string) => void): boolean {
  try {
    using firewalld = openFirewalld(config, warn);
    if (firewalld !== undefined) requireZone(firewalld, config);
    return firewalld !== undefined;
  } catch (cause) {
    if (cause instanceof CniError && cause.code === cniCode.badConfig) throw cause;
    throw new CniError(cniCode.notAvailable, "firewalld cannot be told of containers", { cause });
  }
}

/** @throws {CniError} 51 when another firewall drops all that pods send by IPv4; for IPv6 alone, it is said on stderr */
function requireForwarding(firewalldIsTold: boolean, warn: (text: string) => void): void {
  using nft = NftSocket.open();
  const drops = dropsOfAnyPod(nft, NFPROTO_IPV4, { firewalldIsTold });
  if (drops.length === 0) {
    for (const each of dropsOfAnyPod(nft, NFPROTO_IPV6, { firewalldIsTold })) warn(each);
    return;
  }
  const details = drops.slice(1).join("; ");
  throw new CniError(cniCode.limitedConnectivity, drops[0]!, details === "" ? {} : { details });
}

const callIptables = "net/bridge/bridge-nf-call-iptables";

/** Without the pod's port in the result, frames from port to port are seen where br_netfilter shows them to IP alone. */
function sayBridged(
  { ingressPolicy }: FirewallConfig,
  { hostLink = "", hasPorts }: Allowance,
  warn: (text: string) => void,
): void {
  if (ingressPolicy !== "isolated" || hasPorts) return;
  if (readSysctlIfPresent(callIptables) === "1") return;
  warn(
    `"ingressPolicy" "isolated" does not keep containers of bridge "${hostLink}" from each other: "prevResult.interfaces" does not name their ports, and kernel parameter "${callIptables}" is not 1`,
  );
}

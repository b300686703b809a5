/**
 * The configuration of firewall.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { parsedText, unsetIfEmpty } from "../../core/cni/fields.ts";
import { CniError, cniCode } from "../../core/errors.ts";

/** What of other bridges' traffic, and of its own, a bridge lets in. */
export type IngressPolicy = "open" | "same-bridge" | "isolated";
const policies: readonly string[] = ["open", "same-bridge", "isolated"] satisfies IngressPolicy[];

const ingressPolicyField = parsedText((text): IngressPolicy => {
  if (policies.includes(text)) return text as IngressPolicy;
  throw new Error(
    `unknown ingress policy: ${JSON.stringify(text)}, want "open", "same-bridge" or "isolated"`,
  );
});

/** XT_EXTENSION_MAXNAMELEN less its NUL: what iptables takes for a chain. */
const longestChainName = 28;
const chainName = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;
/** Chains that the table has, ours, and what iptables takes for a verdict. */
const takenNames = new Set([
  ...["INPUT", "OUTPUT", "FORWARD", "CNI-FORWARD"],
  ...["ACCEPT", "DROP", "QUEUE", "RETURN", "REJECT"],
]);

const chainNameField = parsedText((text) => {
  if (text.length > longestChainName || !chainName.test(text)) {
    throw new Error(
      `want a chain's name, 1 to ${longestChainName} letters, digits, "_", "-" and ".", got ${JSON.stringify(text)}`,
    );
  }
  if (takenNames.has(text)) {
    throw new Error(`want the name of an administrator's chain, got ${JSON.stringify(text)}`);
  }
  return text;
});

/** Keys of firewall. */
export const firewallConfig = z.extend(networkConfig, {
  backend: z.optional(z.string()),
  iptablesAdminChainName: z.optional(unsetIfEmpty(chainNameField)),
  firewalldZone: z.optional(z.string()),
  ingressPolicy: z.optional(unsetIfEmpty(ingressPolicyField)),
});
/** A parsed configuration. */
export type FirewallConfig = z.output<typeof firewallConfig>;

/** Names that mean our table. */
const ours: readonly string[] = ["", "iptables", "nftables"];

/** Refuses what this program cannot do yet. @throws {CniError} 7 for back end `firewalld` */
export function requireBackend({ backend }: FirewallConfig): void {
  if (backend !== "firewalld") return;
  const details =
    'leave "backend" out, or say "nftables", and let firewalld trust the pods: firewall-cmd --permanent --zone=trusted --add-source=SUBNET';
  throw new CniError(cniCode.badConfig, '"backend": "firewalld" is not supported yet', { details });
}

/** Names on stderr what has no effect. */
export function sayUnused(config: FirewallConfig, warn: (text: string) => void): void {
  const { backend = "", firewalldZone } = config;
  if (!ours.includes(backend)) {
    warn(`"backend" ${JSON.stringify(backend)} is not known: nf_tables is used, as without it`);
  }
  if (firewalldZone !== undefined) {
    warn('"firewalldZone" is not used: nf_tables is, and firewalld is not told');
  }
}

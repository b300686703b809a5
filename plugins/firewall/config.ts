/**
 * The configuration of firewall.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { parsedText, unsetIfEmpty } from "../../core/cni/fields.ts";

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

/** Back ends by name; any other counts as none, as upstream. */
const backends: readonly string[] = ["", "iptables", "nftables", "firewalld"];

/**
 * Whether firewalld is told of pods: where it is the back end `always`, where there is none `if running`. Our table has them
 * in any case.
 */
export function firewalldIsTold({
  backend = "",
}: Partial<FirewallConfig>): "always" | "if running" | "never" {
  if (backend === "firewalld") return "always";
  return backend === "iptables" || backend === "nftables" ? "never" : "if running";
}

/** Names on stderr what has no effect. */
export function sayUnused(config: FirewallConfig, warn: (text: string) => void): void {
  const { backend = "", firewalldZone } = config;
  if (!backends.includes(backend)) {
    warn(`"backend" ${JSON.stringify(backend)} is not known: it counts as none`);
  }
  if (firewalldZone && firewalldIsTold(config) === "never") {
    warn(`"firewalldZone" is not used: firewalld is not told with "backend" "${backend}"`);
  }
}

/**
 * IPAM with addresses of the network's own DHCP server. A daemon keeps the leases; this program talks to it.
 * @module
 */

import { definePlugin } from "../../core/cni/plugin.ts";
import type { CniResult } from "../../core/cni/result.ts";
import { requireExpressible } from "../../core/cni/result-writer.ts";
import { readClientOptions } from "../../core/dhcp/client-options.ts";
import { type DhcpConfig, dhcpConfig } from "../../core/dhcp/config.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { Rollback } from "../../core/rollback.ts";
import { NoDaemonError } from "./connection.ts";
import { allocate, collect, ifDaemonIsThere, release, requireDaemon } from "./service.ts";

/** The lease is another than the one the attachment was made with. */
const otherLease = 101;

/** dhcp: asks the daemon for a lease, and gives it back. */
export const dhcp = definePlugin({
  type: "dhcp",
  config: dhcpConfig,

  add({ config, cniVersion, warn }) {
    const { ipv6 = "off" } = requireIpam(config);
    using rollback = new Rollback();
    rollback.defer(() => ifDaemonIsThere(() => release(config), warn));
    const result = allocateHere(config, rollback);
    if (ipv6 !== "off") requireIpv6(result, ipv6);
    requireExpressible(result.ips ?? [], cniVersion);
    rollback.commit();
    return result;
  },

  del({ config, warn }) {
    // a daemon that comes back gives up leases whose pod is gone
    ifDaemonIsThere(() => release(config), warn);
  },

  check({ config, prevResult }) {
    requireIpam(config);
    const { ips = [] } = allocate(config);
    const before = (prevResult?.ips ?? []).map(({ address }) => address);
    const other = ips.find(({ address }) => !before.includes(address));
    if (prevResult === undefined || other === undefined) return;
    const text = `dhcp: the lease is of ${other.address}, which prevResult does not have`;
    throw new CniError(otherLease, text, { details: `prevResult has ${before.join(", ")}` });
  },

  gc({ config, network, validAttachments, warn }) {
    if (validAttachments === undefined) return;
    const valid = validAttachments.map(({ containerId, ifname }) => `${containerId}/${ifname}`);
    ifDaemonIsThere(() => {
      if (collect(config, network, valid)) return;
      warn("the daemon does not know GC: leases of attachments that are gone stay until they end");
    }, warn);
  },

  status({ config }) {
    const { request, provide } = requireIpam(config);
    readClientOptions(request, provide);
    requireDaemon(config);
  },
});

function requireIpam({ ipam }: DhcpConfig) {
  if (ipam) return ipam;
  throw new CniError(cniCode.badConfig, "IPAM config missing 'ipam' key");
}

/** A daemon that does not know the key passes over it: what was asked for and not had is an error. */
function requireIpv6({ ips = [] }: CniResult, ipv6: string): void {
  if (ips.some(({ address }) => address.includes(":"))) return;
  throw new CniError(cniCode.internal, `"ipv6" is "${ipv6}", and the daemon gave no IPv6 address`, {
    details: 'the daemon that answers does not know "ipv6": run "dhcp daemon" of netloom',
  });
}

/** Where no daemon was asked there is nothing to give back. */
function allocateHere(config: DhcpConfig, rollback: Rollback): CniResult {
  try {
    return allocate(config);
  } catch (error) {
    if (error instanceof NoDaemonError) rollback.commit();
    throw error;
  }
}

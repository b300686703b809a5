/**
 * What must exist on a host at a quiet moment, given what its runtime asked for and was answered.
 * @module
 */
import type { Container } from "./container-runtime.ts";
import type { HostState } from "./host-state.ts";

/** A container on its network, from the moment ADD was answered. */
export interface Attached {
  network: string;
  container: Container;
  /** Last result of the chain. */
  // biome-ignore lint/suspicious/noExplicitAny: a CNI result
  result: any;
}

/** What the host keeps of these attachments, in the form {@link HostState} has. */
export function stateOf(
  attached: readonly Attached[],
  bridges: Record<string, string>,
): Omit<HostState, "rules" | "bridges"> {
  return {
    links: attached.map((each) => `${ownerOf(each)} on ${bridges[each.network]}`).sort(),
    reservations: attached
      .flatMap((each) =>
        addressesOf(each).map((ip) => `${each.network} ${ip} ${each.container.id} eth0`),
      )
      .sort(),
    records: attached
      .flatMap((each) => ["bridge", "portmap"].map((plugin) => `${ownerOf(each)}/${plugin}.json`))
      .sort(),
    elements: attached.flatMap(elementsOf).sort(),
  };
}

/** `net/c1:eth0`. */
export function ownerOf({ network, container }: Attached): string {
  return `${network}/${container.id}:eth0`;
}

/** Addresses of the result, without prefix lengths. */
export function addressesOf({ result }: Attached): string[] {
  return result.ips.map(({ address }: { address: string }) => address.replace(/\/.*/, ""));
}

/** A masqueraded pod with its published ports, as the rule set in ARCHITECTURE.md has them. */
function elementsOf(attached: Attached): string[] {
  const { container } = attached;
  return addressesOf(attached).flatMap((ip) => {
    const family = ip.includes(":") ? 6 : 4;
    const ports = (container.ports ?? []).map(
      ({ protocol, hostPort, containerPort }) =>
        `any${family} ${protocol},${hostPort} ${ip},${containerPort}`,
    );
    const rows = [
      `masq${family} ${ip}`,
      `self${family} ${ip},${ip}`,
      ...(family === 4 ? [`snat4 ${ip}`] : []),
      ...ports,
    ];
    return rows.map((row) => `${ownerOf(attached)} ${row}`);
  });
}

/**
 * The configurations most cases are carried by (checklist 0.2).
 * @module
 */

/** `static`: pure protocol, it opens no namespace and needs no kernel. */
export function staticConfig(cniVersion: string, change: object = {}): object {
  const ipam = { type: "static", addresses: [{ address: "10.0.0.2/24" }] };
  return { cniVersion, name: "net1", type: "static", ipam, ...change };
}

/** `host-local` by itself. Its `dataDir` is the usual one, which is empty in a sandbox. */
export function hostLocalConfig(cniVersion: string, ipam: object = {}, change: object = {}) {
  const range = { type: "host-local", ranges: [[{ subnet: "10.1.2.0/24" }]], ...ipam };
  return { cniVersion, name: "net1", type: "host-local", ipam: range, ...change };
}

/** `bridge` with host-local behind it. */
export function bridgeConfig(cniVersion: string, change: object = {}): object {
  const ipam = { type: "host-local", ranges: [[{ subnet: "10.1.2.0/24" }]] };
  const own = { bridge: "br-test", isGateway: true, ipam };
  return { cniVersion, name: "net1", type: "bridge", ...own, ...change };
}

/** `loopback`. */
export function loopbackConfig(cniVersion: string, change: object = {}): object {
  return { cniVersion, name: "net1", type: "loopback", ...change };
}

/** `portmap` behind a result that names an address, with these mappings. */
export function portmapConfig(cniVersion: string, portMappings: object[], change: object = {}) {
  const capability = { capabilities: { portMappings: true }, runtimeConfig: { portMappings } };
  return { cniVersion, name: "net1", type: "portmap", ...capability, ...change };
}

/** A result of a link plugin, for a chained plugin's `prevResult`. */
export function resultOf(cniVersion: string, sandbox: string, address = "10.1.2.2/24"): object {
  const interfaces = [{ name: "br-test" }, { name: "veth0" }, { name: "eth0", sandbox }];
  return { cniVersion, interfaces, ips: [{ address, interface: 2 }], dns: {} };
}

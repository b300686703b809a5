/**
 * The configuration list of these tests.
 * @module
 */

/** What makes one list differ from another. */
export interface NetworkSettings {
  /** Default `1.1.0`. */
  cniVersion?: string;
  /** The versions a runtime may choose from. */
  cniVersions?: readonly string[];
  /** One range each. Default {@link subnets}, both. */
  ranges?: readonly string[];
  /** Of portmap. Default `{ portMappings: true }`. */
  capabilities?: Readonly<Record<string, boolean>>;
}

/** Where pods get their addresses from. */
export const subnets = { ipv4: "10.88.0.0/24", ipv6: "fd00:88::/64" };

/** bridge with host-local, and portmap: what a node needs to publish its pods' ports. */
export function network(settings: NetworkSettings = {}) {
  const { capabilities = { portMappings: true }, ...more } = settings;
  const { ranges = Object.values(subnets), ...versions } = more;
  return {
    cniVersion: "1.1.0",
    ...versions,
    name: "test",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        ipMasq: true,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: ranges.map((subnet) => [{ subnet }]),
          routes: ranges.map((subnet) => ({ dst: subnet.includes(":") ? "::/0" : "0.0.0.0/0" })),
        },
      },
      { type: "portmap", capabilities },
    ],
  };
}

/**
 * The configuration of bridge, and what of it is decided before anything is changed.
 * @module
 */

import * as z from "zod/mini";

import { networkConfig } from "../../core/cni/config.ts";
import { dnsField, interfaceNameField } from "../../core/cni/fields.ts";
import { interfaceNameProblem } from "../../core/cni/interface-name.ts";
import type { AddCall } from "../../core/cni/plugin.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { masqueradeKeys } from "../../core/link/masquerade-keys.ts";
import { mtuKey } from "../../core/link/mtu.ts";
import { routeKeys } from "../../core/link/routes.ts";
import { requestedMac } from "../../core/net/mac.ts";
import { vlanTrunkField } from "./vlan-trunk.ts";

const LAST_VLAN = 4094;
const flag = z._default(z.boolean(), false);
const macText = z.optional(z.string());

const vlanField = z.int().check(
  z.refine((id: number) => id >= 0 && id <= LAST_VLAN, {
    error: ({ input }) => `invalid VLAN ID ${input} (must be between 0 and ${LAST_VLAN})`,
  }),
);

/** `isolate`: which other bridges this one exchanges nothing with. */
export const isolateField = z.union([z.boolean(), z.literal("strict")]);

/** Keys of bridge. */
export const bridgeConfig = z.extend(networkConfig, {
  bridge: z._default(interfaceNameField, "cni0"),
  isGateway: flag,
  isDefaultGateway: flag,
  forceAddress: flag,
  ...masqueradeKeys,
  mtu: mtuKey,
  hairpinMode: flag,
  promiscMode: flag,
  vlan: z._default(vlanField, 0),
  vlanTrunk: z.optional(vlanTrunkField),
  preserveDefaultVlan: flag,
  macspoofchk: flag,
  enabledad: flag,
  disableContainerInterface: flag,
  portIsolation: flag,
  internal: flag,
  isolate: z._default(isolateField, false),
  dns: z.optional(dnsField),
  ...routeKeys,
  args: z.optional(z.object({ cni: z.optional(z.object({ mac: macText })) })),
  runtimeConfig: z.optional(z.object({ mac: macText })),
});
export type BridgeConfig = z.output<typeof bridgeConfig>;

/**
 * Refuses keys that contradict each other.
 * @throws {CniError} 7 that names the keys
 */
export function requireConsistent({ config, ipam }: AddCall<BridgeConfig>): void {
  if (config.hairpinMode && config.promiscMode) {
    throw badConfig("cannot set hairpin mode and promiscuous mode at the same time");
  }
  if (config.disableContainerInterface && ipam.configured) {
    throw badConfig("cannot use IPAM when DisableContainerInterface flag is set");
  }
  if (config.vlan === 0 || !ipam.configured || !isGateway(config)) return;
  const name = vlanGatewayName(config.bridge, config.vlan);
  const problem = interfaceNameProblem(name);
  if (problem !== undefined) {
    throw badConfig(`"bridge" is too long for the gateway of a VLAN: ${problem}, got "${name}"`);
  }
}

function badConfig(message: string): CniError {
  return new CniError(cniCode.badConfig, message);
}

/** The container's MAC address, if one is asked for. @throws {CniError} 7 that names its source */
export function containerMac({ config, args }: AddCall<BridgeConfig>): Uint8Array | undefined {
  return requestedMac(
    ["runtimeConfig.mac", config.runtimeConfig?.mac],
    ["args.cni.mac", config.args?.cni?.mac],
    ["CNI_ARGS MAC", args["MAC"]],
  );
}

/** The name of the link that has the gateway's address in a VLAN. */
export function vlanGatewayName(bridge: string, vlan: number): string {
  return `${bridge}.${vlan}`;
}

/** True when the gateway's address shall be on the bridge, or on the interface of its VLAN. */
export function isGateway(config: Partial<BridgeConfig>): boolean {
  return config.isGateway === true || config.isDefaultGateway === true;
}

/** True when the bridge must tell VLANs apart: also for an empty `vlanTrunk`. */
export function tellsVlans({ vlan = 0, vlanTrunk }: Partial<BridgeConfig>): boolean {
  return vlan !== 0 || vlanTrunk !== undefined;
}

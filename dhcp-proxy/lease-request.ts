/**
 * What a CNI call asks of the daemon, with all that is needed to go on with it after a restart.
 * @module
 */

import "../core/cni/zod-settings.ts";
import * as z from "zod/mini";
import type { Attachment } from "../core/attachment.ts";
import { parseConfig } from "../core/cni/config.ts";
import { isSafeName } from "../core/cni/environment.ts";
import { interfaceNameProblem } from "../core/cni/interface-name.ts";
import { parseJson } from "../core/cni/json.ts";
import { keyTable } from "../core/cni/key-table.ts";
import { normalizeKeys } from "../core/cni/keys.ts";
import type { Fields } from "../core/daemon/journal.ts";
import { looseCniArgs, readClientOptions } from "../core/dhcp/client-options.ts";
import { type DhcpConfig, dhcpConfig } from "../core/dhcp/config.ts";
import { CniError, cniCode } from "../core/errors.ts";
import type { AllocateArgs } from "../core/rpc/dhcp-service.ts";

/** As it lies in a file. */
export const leaseRequest = z.object({
  network: z.string(),
  containerId: z.string(),
  ifname: z.string(),
  /** The parameter request list. */
  request: z.array(z.number()),
  /** Code and bytes of what is told to the server. */
  provide: z.array(z.tuple([z.number(), z.array(z.number())])),
  /** The metric of every route; 0 for the kernel's choice. */
  priority: z.number(),
  /** The link of the host that leads where the pod's leads; empty for the one of the default route. */
  hostLink: z.optional(z.string()),
  /** Where IPv6 addresses come from; without it there are none. */
  ipv6: z.optional(z.enum(["dhcp", "slaac"])),
});
/** What is asked for, and by whom. */
export type LeaseRequest = z.output<typeof leaseRequest>;

/** How the daemon knows an attachment: `<containerID>/<network>/<ifname>`, as the reference does. */
export function leaseKey({ containerId, network, ifname }: Attachment): string {
  return `${containerId}/${network}/${ifname}`;
}

/** Whose lease it is, for the log. */
export function fieldsOf({ containerId, network, ifname }: Attachment): Fields {
  return { container: containerId, interface: ifname, network };
}

const keys = keyTable(dhcpConfig);

/** Whose call it is. @throws {CniError} for names that cannot be those of an attachment, and for no configuration */
export function attachmentOf(args: AllocateArgs): Attachment {
  return attachmentWith(args, readConfig(args));
}

function attachmentWith({ containerId, ifName }: AllocateArgs, { name }: DhcpConfig): Attachment {
  const wrong =
    refusal("containerID", containerId, !isSafeName(containerId)) ??
    refusal("network name", name, !isSafeName(name)) ??
    refusal("interface name", ifName, interfaceNameProblem(ifName) !== undefined);
  if (wrong !== undefined) throw wrong;
  return { network: name, containerId, ifname: ifName };
}

function refusal(what: string, value: string, isWrong: boolean): CniError | undefined {
  if (!isWrong) return undefined;
  return new CniError(cniCode.badEnvironment, `invalid ${what}: ${JSON.stringify(value)}`);
}

/** Reads the call. @throws {CniError} for what cannot be asked for */
export function readLeaseRequest(args: AllocateArgs): LeaseRequest {
  const config = readConfig(args);
  const { request, provide, priority = 0, ipv6 = "off" } = config.ipam ?? {};
  const options = readClientOptions(request, provide, looseCniArgs(args.args));
  const link = hostLinkOf(config);
  return {
    ...attachmentWith(args, config),
    request: options.request,
    provide: [...options.provide].map(([code, bytes]) => [code, [...bytes]]),
    priority,
    ...(link === undefined ? {} : { hostLink: link }),
    ...(ipv6 === "off" ? {} : { ipv6 }),
  };
}

function readConfig({ stdinData }: AllocateArgs): DhcpConfig {
  const document = parseJson(stdinData, "network configuration");
  if (typeof document !== "object" || document === null || Array.isArray(document)) {
    throw new CniError(cniCode.decode, "decode network configuration: want an object");
  }
  return parseConfig(
    dhcpConfig,
    normalizeKeys(keys, document, () => {}),
  ); // the plugin has warned
}

/** By keys of the plugin whose IPAM we are; a wrong one is that plugin's to refuse. */
function hostLinkOf(config: DhcpConfig): string | undefined {
  const { type, master, bridge, vlan } = config as Record<string, unknown>;
  if (type === "macvlan" || type === "ipvlan") return typeof master === "string" ? master : "";
  if (type !== "bridge" || vlan) return undefined; // the bridge itself is in another VLAN
  return typeof bridge === "string" && bridge !== "" ? bridge : "cni0";
}

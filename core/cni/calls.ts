/**
 * What the verbs of a plugin are given, made of a request.
 * @module
 */

import type { Attachment } from "../attachment.ts";
import { CniError, cniCode, explain } from "../errors.ts";
import { warn } from "../log.ts";
import { Netns } from "../net/netns.ts";
import { type CniArgs, parseCniArgs, parseCniArgsLeniently } from "./cni-args.ts";
import { type NetworkConfig, parseConfig } from "./config.ts";
import { ipamDelegate } from "./delegate.ts";
import type { Environment } from "./environment.ts";
import { parseLeniently } from "./lenient-config.ts";
import type { AddCall, Call, DelCall, GcCall, Plugin, StatusCall } from "./plugin.ts";
import type { Request } from "./request.ts";
import type { CniResult } from "./result.ts";
import { readPrevResult } from "./result-reader.ts";
import { readValidAttachments, staleness } from "./valid-attachments.ts";
import { isAtLeast } from "./versions.ts";

/** For ADD and CHECK: everything has to be right. @throws {CniError} 1, 4, 6 or 7 */
export function addCall(plugin: Plugin, request: Request): AddCall<NetworkConfig> {
  plugin.checkSource?.(request.stdin);
  const config = strictConfig(plugin, request);
  const args = cniArgs(plugin, request.environment, parseCniArgs);
  const prevResult = requiredPrevResult(plugin, request);
  const call = commonCall(plugin, request, config, args);
  requireIpam(plugin, request, call);
  return {
    ...call,
    ...attachmentCall(request),
    config,
    netnsPath: request.environment.get("CNI_NETNS") ?? "",
    ...(prevResult ? { prevResult } : {}),
  };
}

/** For DEL: what is wrong is said on stderr and left out. */
export function delCall(plugin: Plugin, request: Request): DelCall<NetworkConfig> {
  const config = usableConfig(plugin, request);
  const args = cniArgs(plugin, request.environment, leniently);
  const prevResult = usablePrevResult(request);
  return {
    ...commonCall(plugin, request, config, args),
    ...attachmentCall(request),
    config,
    netnsPath: request.environment.get("CNI_NETNS"),
    ...(prevResult ? { prevResult } : {}),
  };
}

/** For GC: as for DEL, but the list of attachments has to be right. @throws {CniError} 7 */
export function gcCall(plugin: Plugin, request: Request): GcCall<NetworkConfig> {
  const { document, network } = request;
  const validAttachments = readValidAttachments(document, network);
  const config = usableConfig(plugin, request);
  return {
    ...commonCall(plugin, request, config, {}),
    config,
    validAttachments,
    isStale: staleness(validAttachments, network),
  };
}

/** For STATUS. @throws {CniError} 6 or 7 */
export function statusCall(plugin: Plugin, request: Request): StatusCall<NetworkConfig> {
  plugin.checkSource?.(request.stdin);
  const config = strictConfig(plugin, request);
  const call = commonCall(plugin, request, config, {});
  requireIpam(plugin, request, call);
  return { ...call, config };
}

/** @throws {CniError} 6 or 7 */
function strictConfig(plugin: Plugin, { document }: Request): NetworkConfig {
  return plugin.parse(document) ?? parseConfig(plugin.config, document);
}

function usableConfig(plugin: Plugin, { document }: Request): Partial<NetworkConfig> {
  return plugin.parse(document) ?? parseLeniently(plugin.config, document, warn);
}

function commonCall(
  plugin: Plugin,
  { environment, stdin, network, cniVersion }: Request,
  config: Partial<NetworkConfig>,
  args: CniArgs,
): Call {
  const type = plugin.ipam ? ipamType(config.ipam) : undefined;
  const ipam = ipamDelegate({ type, caller: plugin.type, environment, stdin, cniVersion });
  return { network, cniVersion, args, ipam, warn };
}

function ipamType(ipam: unknown): string | undefined {
  const { type } = (ipam ?? {}) as { type?: unknown };
  return typeof type === "string" ? type : undefined;
}

function attachmentCall({ environment, network }: Request) {
  const containerId = environment.get("CNI_CONTAINERID") ?? "";
  const ifName = environment.get("CNI_IFNAME") ?? "";
  const netnsPath = environment.get("CNI_NETNS");
  const attachment: Attachment = { network, containerId, ifname: ifName };
  return {
    containerId,
    ifName,
    attachment,
    openNetns: () => Netns.open(netnsPath ?? ""),
    openNetnsIfPresent: () => Netns.openIfPresent(netnsPath),
  };
}

function cniArgs(
  { argKeys }: Plugin,
  environment: Environment,
  parse: (text: string, keys: readonly string[]) => CniArgs,
): CniArgs {
  const text = environment.get("CNI_ARGS");
  return argKeys === undefined || text === undefined ? {} : parse(text, argKeys);
}

function leniently(text: string, keys: readonly string[]): CniArgs {
  return parseCniArgsLeniently(text, keys, warn);
}

function requiredPrevResult(
  plugin: Plugin,
  { document, cniVersion }: Request,
): CniResult | undefined {
  const { prevResult } = document;
  if (prevResult !== undefined) return readPrevResult(prevResult, cniVersion);
  if (!plugin.chained) return undefined;
  const text = `"prevResult" is missing: ${plugin.type} must be called as chained plugin`;
  throw new CniError(cniCode.badConfig, text);
}

function usablePrevResult({ document, cniVersion }: Request): CniResult | undefined {
  const { prevResult } = document;
  if (prevResult === undefined) return undefined;
  try {
    return readPrevResult(prevResult, cniVersion);
  } catch (error) {
    warn(`goes on without prevResult: ${explain(error)}`);
    return undefined;
  }
}

/** Refuses early what would fail after everything was done. */
function requireIpam(plugin: Plugin, { cniVersion }: Request, { ipam }: Call): void {
  if (plugin.ipam === undefined || ipam.configured) return;
  if (plugin.ipam === "required") {
    throw new CniError(cniCode.badConfig, '"ipam.type" is missing: no plugin name provided');
  }
  if (isAtLeast(cniVersion, "0.3.0")) return;
  const text = `"ipam.type" is missing: CNI version ${cniVersion} has no result without addresses`;
  throw new CniError(cniCode.badConfig, text);
}

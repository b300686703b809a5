/**
 * What a CNI program is made of: its type, its configuration, and one function for each verb of the spec.
 *
 * `runPlugin` in `skeleton.ts` runs one. The functions are given everything as a value or a closure, so they can be
 * destructured: `add({ config, ifName, ipam, openNetns }) { … }`.
 * @module
 */

import "./zod-settings.ts";
import * as z from "zod/mini";

import type { Attachment } from "../attachment.ts";
import type { Netns } from "../net/netns.ts";
import { type NetworkConfig, networkConfig } from "./config.ts";
import { type KeyTable, keyTable } from "./key-table.ts";
import type { CniResult, IpamResult } from "./result.ts";
import { sparseParser } from "./sparse-parser.ts";
import { type SpecVersion, specVersions } from "./versions.ts";
import { warmSchema } from "./warm-schema.ts";

/** An object schema that extends `networkConfig`. */
export type ConfigSchema = z.ZodMiniObject & z.ZodMiniType<NetworkConfig>;

/** Addresses that IPAM was asked for, and what it does meanwhile is its own business. */
export interface AskedIpam {
  /**
   * Waits for the answer. When that fails, or the answer cannot be used, it has already been followed by IPAM DEL.
   * @returns at least one address, in the newest form whatever version the delegate printed
   * @throws {CniError} the delegate's own code, msg and details
   */
  answer(): IpamResult;
  /** Gives back what was asked for, once, whether the answer has come or not. @throws {CniError} as the delegate's DEL */
  release(): void;
}

/** The plugin named by `ipam.type`, executed with our own stdin and environment. */
export interface Ipam {
  /** False when the configuration has no `ipam.type`; then every call below but `ask` does nothing. */
  readonly configured: boolean;
  /**
   * It speaks through the attachment's link, as a DHCP client does: the link has to be in the container before ADD can be answered, and
   * to be there still when addresses are given back.
   */
  readonly needsLink: boolean;
  /** Begins ADD: it runs beside what the caller does until it wants the answer. @throws {CniError} it cannot be executed */
  ask(): AskedIpam;
  /** @throws {CniError} as the delegate's */
  del(): void;
  /** Begins CHECK. @returns waits for it, and throws as the delegate does @throws {CniError} it cannot be executed */
  startCheck(): () => void;
  /** @throws {CniError} as the delegate's; a delegate that knows no STATUS counts as ready */
  status(): void;
  /** @throws {CniError} as the delegate's; a delegate that knows no GC is said on stderr */
  gc(): void;
}

/** What every verb gets. */
export interface Call {
  /** The network's name. */
  readonly network: string;
  /** The version the configuration is written in; the result will be printed in it. */
  readonly cniVersion: SpecVersion;
  /** CNI_ARGS: the keys that the definition's `argKeys` names, and no others. */
  readonly args: Readonly<Partial<Record<string, string>>>;
  readonly ipam: Ipam;
  /** One line on stderr. */
  warn(text: string): void;
}

/** What the verbs about one attachment get. */
export interface AttachmentCall extends Call {
  readonly containerId: string;
  /** The name the link has or shall have in the container, at most 15 bytes. */
  readonly ifName: string;
  /** The three names above as one value: the owner of everything that lies on the host. */
  readonly attachment: Attachment;
  /**
   * The result of the plugin before this one (of the whole chain, on DEL and CHECK), read from any spec version.
   * A prevResult of `null` counts as absent; on DEL a broken one does too, after a warning.
   */
  readonly prevResult?: CniResult;
  /** Opens CNI_NETNS; the caller disposes it. @throws {CniError} 4, naming CNI_NETNS and the path */
  openNetns(): Netns;
  /** Opens CNI_NETNS; undefined when it is not given, gone, or no network namespace. */
  openNetnsIfPresent(): Netns | undefined;
}

/** What ADD gets. */
export interface AddCall<C> extends AttachmentCall {
  readonly config: C;
  /** CNI_NETNS. */
  readonly netnsPath: string;
}

/** What CHECK gets. */
export type CheckCall<C> = AddCall<C>;

/** DEL works with what is left: a key of the configuration that cannot be used is warned of and absent. */
export interface DelCall<C> extends AttachmentCall {
  readonly config: Partial<C>;
  readonly netnsPath: string | undefined;
}

/** What GC gets: as DEL, it works with what can be used of the configuration. */
export interface GcCall<C> extends Call {
  readonly config: Partial<C>;
  /** Undefined when the configuration does not have the list: then nothing is known, and nothing may be removed. */
  readonly validAttachments: readonly Attachment[] | undefined;
  /** True when the list is there and does not hold this attachment of this network. */
  isStale(attachment: Attachment): boolean;
}

/** What STATUS gets. */
export interface StatusCall<C> extends Call {
  readonly config: C;
}

/** A CNI program. Every verb is there; one that has nothing to do says so with an empty body and a comment. */
export interface PluginDefinition<S extends ConfigSchema> {
  /** The program's name, as in a configuration's `type`. */
  readonly type: string;
  /** Spec versions it speaks, ascending; all released ones when left out. */
  readonly versions?: readonly SpecVersion[];
  readonly config: S;
  /** CNI_ARGS keys it reads. When left out CNI_ARGS is not looked at, as upstream's plugins without arguments do. */
  readonly argKeys?: readonly string[];
  /** It works on what an earlier plugin made: ADD and CHECK without prevResult are refused with code 7. */
  readonly chained?: true;
  /** Whether it has addresses by delegation: refused without `ipam.type`, or allowed. Left out: `ipam` is not looked at. */
  readonly ipam?: "required" | "optional";
  /**
   * Looks at the configuration's bytes, JSON by then, before ADD, CHECK and STATUS: for what a parsed document does not
   * tell, such as keys that stand twice. @throws {CniError} to refuse it
   */
  checkSource?(stdin: Uint8Array): void;
  /** Makes the attachment. @returns the result, in the newest form; the skeleton converts and prints it */
  add(call: AddCall<z.output<S>>): CniResult;
  /** Removes all of the attachment that is left, as often as it is called. */
  del(call: DelCall<z.output<S>>): void;
  /** Throws when what ADD made is not there any more. Changes nothing. */
  check(call: CheckCall<z.output<S>>): void;
  /** Removes what stale attachments of this network left, goes on past failures, and throws them at the end. */
  gc(call: GcCall<z.output<S>>): void;
  /** Throws 50 or 51 when an ADD could not be served. Changes nothing. */
  status(call: StatusCall<z.output<S>>): void;
}

/** A program: its definition, and what is made of it when the program is built. */
export interface Plugin extends PluginDefinition<ConfigSchema> {
  readonly versions: readonly SpecVersion[];
  /** The keys `config` knows. */
  readonly keys: KeyTable;
  /** Parses a usual configuration by `config`; undefined for one that zod has to judge. */
  parse(document: object): NetworkConfig | undefined;
}

/** What a plugin needs to know of `ipam` when another program reads the rest. */
const ipamField = z.optional(z.looseObject({ type: z.optional(z.string()) }));

/** Declares a CNI program; the schema gives the type of `config` in every verb. */
export function definePlugin<S extends ConfigSchema>(definition: PluginDefinition<S>): Plugin {
  const plugin = definition as unknown as PluginDefinition<ConfigSchema>;
  const config = withIpam(plugin);
  warmSchema(config);
  const [keys, parse] = [keyTable(config), sparseParser(config)];
  return { versions: specVersions, ...plugin, config, keys, parse };
}

function withIpam({ config, ipam }: PluginDefinition<ConfigSchema>): ConfigSchema {
  if (ipam === undefined || config.shape["ipam"] !== networkConfig.shape.ipam) return config;
  return z.extend(config, { ipam: ipamField }) as unknown as ConfigSchema;
}

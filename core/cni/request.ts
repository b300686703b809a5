/**
 * What a runtime asks for: stdin, checked and read as far as every verb needs it.
 * @module
 */

import { CniError, cniCode } from "../errors.ts";
import { host } from "../host.ts";
import { warn } from "../log.ts";
import { programVersion } from "../version.ts";
import { type Command, type Environment, isSafeName, mayUseOwnNetns } from "./environment.ts";
import { statIfReachable } from "./file-stat.ts";
import { valueText } from "./issue-text.ts";
import { parseJson } from "./json.ts";
import { normalizeKeys } from "./keys.ts";
import type { Plugin } from "./plugin.ts";
import { readStdin } from "./stdin.ts";
import { isAtLeast, isSpecVersion, oldestVersion, type SpecVersion } from "./versions.ts";

/** One call: the parameters that have been checked, and the document that has not. */
export interface Request {
  command: Command;
  environment: Environment;
  /** As it came, for delegates. */
  stdin: Uint8Array;
  /** The configuration with its keys spelt right; values are not checked yet. */
  document: Readonly<Record<string, unknown>>;
  network: string;
  cniVersion: SpecVersion;
}

/**
 * Reads stdin.
 * @param versionKnown is told the configuration's version as soon as it is known, for errors that come later
 * @throws {CniError} 1, 5, 6 or 7
 */
export function readRequest(
  plugin: Plugin,
  command: Command,
  environment: Environment,
  versionKnown: (version: SpecVersion) => void,
): Request {
  const stdin = readStdin();
  const value = parseJson(stdin, "network configuration");
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const text = `decode network configuration: want an object, got ${valueText(value)}`;
    throw new CniError(cniCode.decode, text);
  }
  const document = normalizeKeys(plugin.keys, value, warn);
  const network = networkName(document["name"]);
  const cniVersion = supportedVersion(plugin, document["cniVersion"]);
  versionKnown(cniVersion);
  requireVerb(command, cniVersion);
  return { command, environment, stdin, document, network, cniVersion };
}

function networkName(name: unknown): string {
  if (name === undefined || name === "") {
    throw new CniError(cniCode.badConfig, 'missing network name: "name" is missing or empty');
  }
  if (typeof name !== "string") {
    throw new CniError(cniCode.decode, `"name": want a text, got ${valueText(name)}`);
  }
  if (isSafeName(name)) return name;
  throw new CniError(cniCode.badConfig, 'invalid characters found in network name: "name"', {
    details: `want a letter or digit, then letters, digits, "_", "." or "-"; got ${valueText(name)}`,
  });
}

function supportedVersion({ type, versions }: Plugin, version: unknown): SpecVersion {
  const given = version === undefined || version === "" ? oldestVersion : version;
  if (typeof given !== "string") {
    throw new CniError(cniCode.decode, `"cniVersion": want a text, got ${valueText(given)}`);
  }
  if (isSpecVersion(given) && versions.includes(given)) return given;
  const supported = versions.map((each) => JSON.stringify(each)).join(" ");
  const config = `config is ${JSON.stringify(given)}, plugin supports [${supported}]`;
  throw new CniError(cniCode.incompatibleVersion, "incompatible CNI versions", {
    details: `${config}; ${type} is ${host.argv()[0]}, netloom ${programVersion}`,
  });
}

/** CHECK came with 0.4.0, GC and STATUS with 1.1.0. */
function requireVerb(command: Command, version: SpecVersion): void {
  const since = { CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" } as const;
  if (command !== "CHECK" && command !== "GC" && command !== "STATUS") return;
  if (isAtLeast(version, since[command])) return;
  const text = `config version does not allow ${command}`;
  throw new CniError(cniCode.incompatibleVersion, text, {
    details: `"cniVersion" is "${version}", ${command} came with "${since[command]}"`,
  });
}

/**
 * A runtime that names the plugin's own network namespace has mixed something up.
 * @throws {CniError} 8, unless CNI_NETNS_OVERRIDE allows it
 */
export function refuseOwnNetns(environment: Environment): void {
  const path = environment.get("CNI_NETNS");
  if (path === undefined || mayUseOwnNetns(environment)) return;
  const asked = statIfReachable(path);
  const own = asked && statIfReachable("/proc/self/ns/net");
  if (asked === undefined || asked.dev !== own?.dev || asked.ino !== own.ino) return;
  const text = "plugin's netns and netns from CNI_NETNS should not be the same";
  throw new CniError(cniCode.badNetns, text, {
    details: `CNI_NETNS is ${JSON.stringify(path)}; CNI_NETNS_OVERRIDE=1 would allow it`,
  });
}

/**
 * Released versions of the CNI spec, and what each allows.
 * @module
 */

/** Every released version, ascending. */
export const specVersions = [
  "0.1.0",
  "0.2.0",
  "0.3.0",
  "0.3.1",
  "0.4.0",
  "1.0.0",
  "1.1.0",
] as const;

/** A released version of the spec. */
export type SpecVersion = (typeof specVersions)[number];

/** What a configuration without `cniVersion` is written in. */
export const oldestVersion: SpecVersion = "0.1.0";

/** What errors and VERSION are printed in when the configuration's version is not known. */
export const newestVersion: SpecVersion = "1.1.0";

/** True for a released version, spelt exactly so. */
export function isSpecVersion(text: unknown): text is SpecVersion {
  return (specVersions as readonly unknown[]).includes(text);
}

/** True when `version` is `least` or a later one. */
export function isAtLeast(version: SpecVersion, least: SpecVersion): boolean {
  return specVersions.indexOf(version) >= specVersions.indexOf(least);
}

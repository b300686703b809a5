/**
 * What a sandbox's host looks like from outside, in a form that two moments can be compared in.
 *
 * Names that are chosen by chance (`veth` + hex) and numbers the kernel gives (ifindex, handles, MAC addresses) are
 * left out, so a difference is a difference.
 * @module
 */
import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** Rows of `ip -j` and `nft -j`. */
export type Json = Record<string, unknown>;

/** One moment of a host. */
export interface Snapshot {
  /** `name kind master mtu flags`, sorted. */
  links: string[];
  /** `link address/length flags`, sorted; link-local IPv6 is left out. */
  addresses: string[];
  /** `destination via … dev …` of all tables but the kernel's own `local`, sorted. */
  routes: string[];
  rules: string[];
  /** nf_tables objects as JSON without handles and counters. */
  nft: string[];
  /** `path mode sha256` of everything below /run and /var/lib, sorted. */
  files: string[];
}

const chanceName = /\b(veth|nl)[0-9a-f]{6,}\b/g;

function text(value: unknown): string {
  return value === undefined || value === null ? "" : String(value).replace(chanceName, "$1*");
}

function linkRow(link: Json): string {
  const info = link["linkinfo"] as Json | undefined;
  const flags = (link["flags"] as string[]).filter((flag) => flag === "UP" || flag === "PROMISC");
  return [link["ifname"], info?.["info_kind"], link["master"], link["mtu"], flags.join(",")]
    .map(text)
    .join(" ");
}

/** Rows of `ip -j -d link`. */
export function linkRows(links: Json[]): string[] {
  return links.map(linkRow).sort();
}

/** Rows of `ip -j addr`. */
export function addressRows(links: Json[]): string[] {
  const rows = links.flatMap((link) =>
    ((link["addr_info"] ?? []) as Json[])
      .filter((address) => address["scope"] !== "link")
      .map(
        (address) => `${text(link["ifname"])} ${text(address["local"])}/${address["prefixlen"]}`,
      ),
  );
  return rows.sort();
}

/** Rows of `ip -j route show table all`. */
export function routeRows(routes: Json[]): string[] {
  const rows = routes.filter((route) => route["table"] !== "local" && !isLinkLocal(route));
  return rows.map((route) => text(JSON.stringify(withoutCarrier(route)))).sort();
}

/** That a link lost its carrier reaches its routes when the kernel's link watch runs, within a second. */
function withoutCarrier(route: Json): Json {
  const flags = (route["flags"] ?? []) as string[];
  return { ...route, flags: flags.filter((flag) => flag !== "linkdown" && flag !== "dead") };
}

function isLinkLocal(route: Json): boolean {
  return ["fe80::/64", "ff00::/8", "multicast"].includes(text(route["dst"]));
}

const volatileKeys = new Set(["handle", "packets", "bytes", "metainfo"]);

/**
 * The objects of `nft -j list ruleset`, one text each, in nft's order; elements of sets sorted, each once: while the kernel resizes
 * a set's table, a dump tells some twice.
 */
export function nftRows(ruleset: Json[]): string[] {
  const objects = ruleset.filter((object) => !("metainfo" in object));
  return objects.map((object) =>
    text(
      JSON.stringify(object, (key, value) => {
        if (volatileKeys.has(key)) return undefined;
        if (key === "elem" && Array.isArray(value))
          return [...new Set(value.map((e) => JSON.stringify(e)))].sort();
        return value;
      }),
    ),
  );
}

function fileRow(path: string, shown: string): string {
  const stat = lstatSync(path);
  const mode = (stat.mode & 0o7777).toString(8);
  if (stat.isDirectory()) return `${shown}/ ${mode}`;
  if (stat.isSymbolicLink()) return `${shown} -> ${readlinkSync(path)}`;
  if (!stat.isFile()) return `${shown} special`;
  const digest = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
  return `${shown} ${mode} ${digest}`;
}

/** Everything below the folder, one row each; `shown` is the name it has inside the sandbox. */
export function fileRows(path: string, shown: string, skip: (path: string) => boolean): string[] {
  return readdirSync(path).flatMap((name) => {
    const [inside, outside] = [join(shown, name), join(path, name)];
    if (skip(inside)) return [];
    const row = fileRow(outside, inside);
    return lstatSync(outside).isDirectory() ? [row, ...fileRows(outside, inside, skip)] : [row];
  });
}

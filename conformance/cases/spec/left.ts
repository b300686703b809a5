/**
 * What is left of an attachment on the host, judged without knowing how a program marks it.
 * @module
 */
import { ok } from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Reply, Trial } from "../../runner/trial.ts";
import type { Setting } from "./subjects.ts";

/** Reservations of the container below host-local's usual folder, as `net1/10.1.2.2`. */
export function reservationsOf(trial: Trial, containerId: string): string[] {
  const top = trial.host.path("/var/lib/cni");
  if (!existsSync(top)) return [];
  const names = readdirSync(top, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile() && /^[0-9a-f:.]+$/.test(each.name));
  const own = files.filter(({ parentPath, name }) => {
    const [owner] = readFileSync(join(parentPath, name), "utf8").split("\r\n");
    return owner?.trim() === containerId;
  });
  return own.map(({ parentPath, name }) => `${parentPath.split("/").at(-1)}/${name}`);
}

/** Rules and elements of nf_tables that name the address, the published port or the container. */
export function rulesOf(trial: Trial, words: readonly string[]): string[] {
  const rows = trial.host.snapshot().nft;
  return rows.filter((row) => words.some((word) => row.includes(word)));
}

/** Links of the host that are one end of a pair and no stranger's. */
export function pairsOf(trial: Trial): string[] {
  const links = trial.host.ipJson("-d link");
  const pairs = links.filter(({ linkinfo }: Reply) => linkinfo?.info_kind === "veth");
  return pairs.map(({ ifname }: Reply) => ifname).filter((name) => /^(veth|nl)/.test(name));
}

/** Nothing of `c1` is on the host: no reservation, no rule, no pair. */
export function nothingIsLeft(setting: Setting, pairs: readonly string[] = []): void {
  const { trial, subject, result } = setting;
  const reservations = reservationsOf(trial, "c1");
  ok(reservations.length === 0, `reservations are left: ${reservations.join(" ")}`);
  const addresses = (result?.ips ?? []).map(({ address }: Reply) => address.split("/")[0]);
  const rules = rulesOf(trial, ["8080", "c1", ...addresses]);
  ok(rules.length === 0, `rules are left: ${rules.join(" ")}`);
  if (subject.chained) return;
  const left = pairsOf(trial).filter((name) => !pairs.includes(name));
  ok(left.length === 0, `links are left: ${left.join(" ")}`);
}

/**
 * resolv.conf files, as far as a CNI result can carry them.
 * @see resolv.conf(5)
 * @module
 */

import type { CniDns } from "../../core/cni/result.ts";
import { CniError, cniCode } from "../../core/errors.ts";
import { readFileIfPresent } from "../../core/state/file.ts";

const largestFile = 1 << 20;

/** DNS settings of the file. @throws {CniError} 7 when `ipam.resolvConf` names no readable file */
export function readResolvConf(path: string): CniDns {
  const quoted = JSON.stringify(path);
  try {
    const bytes = readFileIfPresent(path, largestFile, { follow: true });
    if (bytes !== undefined) return parseResolvConf(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new CniError(cniCode.badConfig, `"ipam.resolvConf" cannot be read: ${quoted}`, { cause });
  }
  throw new CniError(cniCode.badConfig, `"ipam.resolvConf" names no file: ${quoted}`);
}

/**
 * `nameserver` lines add one server, `search` and `options` lines add all they have, the last `domain` wins. Lines
 * that begin with `#` or `;` and unknown keywords mean nothing.
 */
export function parseResolvConf(text: string): CniDns {
  const dns: CniDns = {};
  for (const line of text.split("\n")) {
    const [keyword = "", ...values] = line.trim().split(/\s+/);
    const [first] = values;
    if (first === undefined || /^[#;]/.test(keyword)) continue;
    if (keyword === "nameserver") dns.nameservers = [...(dns.nameservers ?? []), first];
    else if (keyword === "domain") dns.domain = first;
    else if (keyword === "search") dns.search = [...(dns.search ?? []), ...values];
    else if (keyword === "options") dns.options = [...(dns.options ?? []), ...values];
  }
  return dns;
}

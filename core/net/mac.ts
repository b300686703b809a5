/**
 * Hardware addresses for links that we make.
 * @module
 */

import { CniError, cniCode } from "../errors.ts";
import { host } from "../host.ts";
import { parseMac } from "./address.ts";

/**
 * A random unicast address that is locally administered. Links get it in the message that makes them: udev leaves an
 * address that was chosen alone, and would replace one that the kernel made up.
 */
export function randomMac(): Uint8Array {
  const mac = host.getrandom(6);
  mac[0] = ((mac[0] ?? 0) & 0xfc) | 0x02;
  return mac;
}

/**
 * The same for the host's end of a pair. It is high: a bridge that has no address of its own takes the lowest of its ports', and
 * would change its address, which its neighbours know, with a port that comes or goes.
 */
export function randomPortMac(): Uint8Array {
  const mac = randomMac();
  mac[0] = 0xfe;
  return mac;
}

/**
 * The MAC address that is asked for, by the first source that says one; undefined when none does.
 * @param sources the name of each and what it says: `["runtimeConfig.mac", "0a:58:…"]`, the strongest first
 * @throws {CniError} 7 that names the source of an address a link cannot have
 */
export function requestedMac(
  ...sources: (readonly [name: string, text: string | undefined])[]
): Uint8Array | undefined {
  const [name, text] = sources.find(([, text]) => text !== undefined && text !== "") ?? [];
  if (name === undefined || text === undefined) return undefined;
  const mac = readMac(name, text);
  const unusable = ((mac[0] ?? 0) & 1) === 1 || mac.every((byte) => byte === 0);
  if (mac.length !== 6 || unusable) {
    throw new CniError(
      cniCode.badConfig,
      `"${name}" wants a unicast MAC address of 6 octets, got "${text}"`,
    );
  }
  return mac;
}

function readMac(name: string, text: string): Uint8Array {
  try {
    return parseMac(text);
  } catch (cause) {
    throw new CniError(cniCode.badConfig, `"${name}" cannot be used`, { cause });
  }
}

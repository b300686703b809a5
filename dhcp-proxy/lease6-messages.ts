/**
 * The messages a DHCPv6 client sends.
 * @see RFC 8415 section 18.2
 * @module
 */

import { parseIp } from "../core/net/address.ts";
import { fromHex, type Lease6Info } from "./lease6-info.ts";
import type { Lease6Settings } from "./lease6-state.ts";
import { type Dhcp6Message, messageType6 } from "./packet6/message.ts";
import { iaNaOption, numbersOption, type Option6, option6 } from "./packet6/options.ts";

/** What differs from message to message. */
interface Content {
  xid: number;
  /** Milliseconds since the exchange began. */
  elapsedMs: number;
  /** The one server that is meant. */
  serverId?: Uint8Array | undefined;
  /** The addresses it is about. */
  addresses?: readonly Uint8Array[];
}

const requested = [option6.dnsServers, option6.domainSearch, option6.solMaxRt];
const LONGEST_ELAPSED = 0xffff;

/** A message of that type. A Solicit, Confirm and the like name no server, the others do. */
export function message6(
  { duid, iaid, mode }: Lease6Settings,
  type: keyof typeof messageType6,
  { xid, elapsedMs, serverId, addresses = [] }: Content,
): Dhcp6Message {
  const hundredths = Math.min(Math.max(Math.floor(elapsedMs / 10), 0), LONGEST_ELAPSED);
  const asks = type !== "release" && type !== "decline" && type !== "confirm";
  const options: (Option6 | undefined)[] = [
    { code: option6.clientId, value: duid },
    serverId && { code: option6.serverId, value: serverId },
    mode === "stateful" ? associationOf(iaid, addresses) : undefined,
    asks ? numbersOption(option6.optionRequest, requested) : undefined,
    numbersOption(option6.elapsedTime, [hundredths]),
    type === "solicit" ? { code: option6.rapidCommit, value: new Uint8Array() } : undefined,
  ];
  const present = options.filter((option) => option !== undefined);
  return { type: messageType6[type], xid, options: present };
}

/** Times are the server's to say, so they are zero. */
function associationOf(iaid: number, addresses: readonly Uint8Array[]): Option6 {
  return iaNaOption({
    iaid,
    renewSeconds: 0,
    rebindSeconds: 0,
    addresses: addresses.map((address) => ({ address, preferredSeconds: 0, validSeconds: 0 })),
  });
}

/** The addresses of a lease, 16 bytes each. */
export function addressesOf({ addresses }: Lease6Info): Uint8Array[] {
  return addresses.map(({ address }) => parseIp(address));
}

/** The server of a lease. */
export function serverOf({ serverId }: Lease6Info): Uint8Array {
  return fromHex(serverId);
}

/**
 * What is said when no lease could be had: what was sent, what came back, and what may be the reason.
 * @module
 */

import { CniError, cniCode } from "../core/errors.ts";
import { formatMac } from "../core/net/address.ts";
import type { LeaseSettings } from "./lease-settings.ts";

/** Messages since the client began. */
export interface Tally {
  discovers: number;
  offers: number;
  requests: number;
  naks: number;
  declines: number;
  /** The server's words in the last DHCPNAK. */
  nakMessage?: string;
}

/** A tally of nothing. */
export const emptyTally: Tally = { discovers: 0, offers: 0, requests: 0, naks: 0, declines: 0 };

/** The reference's words, and in `details` what happened. Another try may help: code 11. */
export function noMoreTries(tally: Tally, settings: LeaseSettings): CniError {
  return new CniError(cniCode.tryAgain, "no more tries", { details: describe(tally, settings) });
}

function describe(tally: Tally, settings: LeaseSettings): string {
  const { discovers, offers, requests, naks, declines } = tally;
  const who = `interface "${settings.ifname}", MAC ${formatMac(settings.mac)}`;
  const counts = `sent ${discovers} DHCPDISCOVER and ${requests} DHCPREQUEST, saw ${offers} offers and ${naks} DHCPNAK`;
  const declined = declines === 0 ? "" : `, declined ${declines} addresses that others have`;
  return `${who}: ${counts}${declined}; ${hint(tally, settings)}`;
}

function hint(
  { offers, naks, declines, nakMessage }: Tally,
  { surroundings }: LeaseSettings,
): string {
  if (declines > 0) return "the server offers addresses that are in use: look at its pool";
  if (naks > 0) {
    const words = nakMessage === undefined ? "" : `, it says ${JSON.stringify(nakMessage)}`;
    return `the server refuses the address that it offered${words}`;
  }
  if (offers > 0) return "the server offered an address and then did not answer";
  const kind = surroundings?.linkKind;
  if (surroundings?.hostServesDhcp === true && (kind === "macvlan" || kind === "ipvlan")) {
    return `a ${kind} link cannot reach its own host, and a DHCP server listens on this host: let it listen on another link, or use a bridge`;
  }
  return "no server answered: none may be reachable on this network, or it has no free address for this client";
}

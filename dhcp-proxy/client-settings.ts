/**
 * What a lease is asked for with: the request, the command line and the link together.
 * @module
 */

import { clientId } from "../core/dhcp/client-id.ts";
import { readFileIfPresent } from "../core/state/file.ts";
import type { LeaseRequest } from "./lease-request.ts";
import type { LeaseSettings } from "./lease-settings.ts";
import type { World } from "./world.ts";

const procUdp = "/proc/self/net/udp";
/** Port 67 in hexadecimal, as the file has it. */
const serverPort = /^ *\d+: [0-9A-F]+:0043 /m;

/** A link as far as it matters here. */
export interface ClientLink {
  /** 6 bytes. */
  mac: Uint8Array;
  /** Its kind, or empty. */
  kind: string;
}

/** All that does not change while the lease lives. */
export function settingsOf(
  world: World,
  request: LeaseRequest,
  { mac, kind }: ClientLink,
): LeaseSettings {
  const { broadcast, timeoutMs, resendMaxMs, resendTimeoutMs, probeMs } = world.settings;
  return {
    ifname: request.ifname,
    mac,
    clientId: clientId(request),
    request: request.request,
    provide: new Map(request.provide.map(([code, bytes]) => [code, Uint8Array.from(bytes)])),
    timeoutMs,
    resendMaxMs,
    resendTimeoutMs,
    broadcast: broadcast || kind === "ipvlan",
    detectConflicts: probeMs > 0,
    surroundings: { linkKind: kind, hostServesDhcp: servesDhcp() },
  };
}

/** Whether a program of the host listens on a DHCP server's port: for the hint in an error. */
function servesDhcp(): boolean {
  const bytes = readFileIfPresent(procUdp, 4 << 20);
  return bytes !== undefined && serverPort.test(new TextDecoder().decode(bytes));
}

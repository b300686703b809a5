/**
 * The messages a client sends.
 * @see RFC 2131 section 4.4.1, tables 4 and 5
 * @module
 */

import type { LeaseSettings } from "./lease-settings.ts";
import { ARPHRD_ETHER, BOOTREQUEST, BROADCAST_FLAG, type DhcpMessage } from "./packet/message.ts";
import { type DhcpOptions, messageType, option } from "./packet/options.ts";

/** The largest datagram we take, as the reference says it. */
const maximumMessageSize = Uint8Array.of(1500 >> 8, 1500 & 0xff);
const none = new Uint8Array(4);

/** What differs from message to message. Addresses are 4 bytes. */
interface Content {
  xid: number;
  /** Seconds since the exchange began. */
  secs?: number;
  /** The address that is in use. */
  ciaddr?: Uint8Array;
  /** Option 50. */
  requested?: Uint8Array | undefined;
  /** Option 54. */
  serverId?: Uint8Array | undefined;
  /** Option 56. */
  message?: string;
}

/** DHCPDISCOVER; `requested` is the address it would like to have again. */
export function discoverMessage(settings: LeaseSettings, content: Content): DhcpMessage {
  return asking(settings, messageType.discover, content);
}

/** DHCPREQUEST. */
export function requestMessage(settings: LeaseSettings, content: Content): DhcpMessage {
  return asking(settings, messageType.request, content);
}

/** DHCPDECLINE: somebody else has the address. */
export function declineMessage(settings: LeaseSettings, content: Content): DhcpMessage {
  return telling(settings, messageType.decline, content);
}

/** DHCPRELEASE: the address in `ciaddr` is not needed any more. */
export function releaseMessage(settings: LeaseSettings, content: Content): DhcpMessage {
  return telling(settings, messageType.release, content);
}

function asking(settings: LeaseSettings, type: number, content: Content): DhcpMessage {
  const options: DhcpOptions = new Map([
    ...common(settings, type, content),
    [option.maximumMessageSize, maximumMessageSize],
    [option.parameterRequestList, Uint8Array.from(settings.request)],
    ...settings.provide,
  ]);
  const flags = settings.broadcast ? BROADCAST_FLAG : 0;
  return message(settings, content, flags, options);
}

/** These two have nothing but who and what; the identity is the one the lease was asked for with. */
function telling(settings: LeaseSettings, type: number, content: Content): DhcpMessage {
  const options: DhcpOptions = new Map(common(settings, type, content));
  const own = settings.provide.get(option.clientId);
  if (own !== undefined) options.set(option.clientId, own);
  return message(settings, content, 0, options);
}

function common({ clientId }: LeaseSettings, type: number, content: Content) {
  const { requested, serverId, message: text } = content;
  const found: [number, Uint8Array | undefined][] = [
    [option.messageType, Uint8Array.of(type)],
    [option.clientId, clientId],
    [option.requestedAddress, requested],
    [option.serverId, serverId],
    [option.message, text === undefined ? undefined : new TextEncoder().encode(text)],
  ];
  return found.filter((entry): entry is [number, Uint8Array] => entry[1] !== undefined);
}

function message(
  { mac }: LeaseSettings,
  { xid, secs = 0, ciaddr = none }: Content,
  flags: number,
  options: DhcpOptions,
): DhcpMessage {
  return {
    op: BOOTREQUEST,
    htype: ARPHRD_ETHER,
    hops: 0,
    xid,
    secs: Math.min(Math.max(Math.floor(secs), 0), 0xffff),
    flags,
    ciaddr,
    yiaddr: none,
    siaddr: none,
    giaddr: none,
    chaddr: mac,
    sname: new Uint8Array(64),
    file: new Uint8Array(128),
    options,
  };
}

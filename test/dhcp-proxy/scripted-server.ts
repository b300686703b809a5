import { advance } from "../../dhcp-proxy/lease.ts";
import type { LeaseSettings } from "../../dhcp-proxy/lease-settings.ts";
import {
  type LeaseAction,
  type LeaseEvent,
  type LeaseState,
  newLease,
} from "../../dhcp-proxy/lease-state.ts";
import { BOOTREPLY, type DhcpMessage } from "../../dhcp-proxy/packet/message.ts";
import { messageType, messageTypeOf, option } from "../../dhcp-proxy/packet/options.ts";

/** A message by its type's name. */
export function typeName(message: DhcpMessage): string {
  const type = messageTypeOf(message.options);
  return Object.entries(messageType).find(([, number]) => number === type)?.[0] ?? "none";
}

/** One line an action: `send discover to broadcast`, `timer 10000`. */
export function actionText(action: LeaseAction): string {
  switch (action.type) {
    case "send": {
      const to = action.to === "broadcast" ? action.to : action.to.join(".");
      return `send ${typeName(action.message)} to ${to}`;
    }
    case "timer":
      return `timer ${action.atMs ?? "none"}`;
    case "probe":
      return `probe ${action.address.join(".")}`;
    case "bound":
      return `bound ${action.lease.address}`;
    case "changed":
      return `changed ${action.before.address} to ${action.lease.address}`;
    case "expired":
      return `expired ${action.lease.address}: ${action.reason}`;
    case "failed":
      return `failed: ${action.error.message}`;
    case "note":
      return `note: ${action.text}`;
    case "done":
      return "done";
  }
}

/** Settings as the daemon's defaults make them. */
export const settings: LeaseSettings = {
  ifname: "eth0",
  mac: Uint8Array.of(2, 0, 0, 0, 0, 1),
  clientId: Uint8Array.of(0, 99, 49, 47, 110, 47, 101),
  request: [3, 1],
  provide: new Map([[option.hostName, new TextEncoder().encode("web")]]),
  timeoutMs: 10_000,
  resendMaxMs: 62_000,
  resendTimeoutMs: 208_000,
  broadcast: false,
  detectConflicts: true,
};

const u32 = (value: number) =>
  Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);

/** What a scripted answer holds beside what the question had. */
export interface Answer {
  address?: number[];
  server?: number[];
  leaseSeconds?: number;
  options?: [number, number[] | undefined][];
  xid?: number;
  chaddr?: Uint8Array;
  op?: number;
}

/** An answer to a client's message; 10.1.0.5/24 from 10.1.0.1 for 1000 s unless it says otherwise. */
export function answer(
  question: DhcpMessage,
  type: keyof typeof messageType,
  { address = [10, 1, 0, 5], server = [10, 1, 0, 1], leaseSeconds = 1000, ...more }: Answer = {},
): DhcpMessage {
  const options = new Map<number, Uint8Array>([
    [option.messageType, Uint8Array.of(messageType[type])],
    [option.serverId, Uint8Array.from(server)],
    [option.subnetMask, Uint8Array.of(255, 255, 255, 0)],
    [option.routers, Uint8Array.of(10, 1, 0, 1)],
    [option.leaseTime, u32(leaseSeconds)],
  ]);
  for (const [code, value] of more.options ?? []) {
    if (value === undefined) options.delete(code);
    else options.set(code, Uint8Array.from(value));
  }
  return {
    ...question,
    op: more.op ?? BOOTREPLY,
    xid: more.xid ?? question.xid,
    chaddr: more.chaddr ?? question.chaddr,
    yiaddr: type === "nak" ? new Uint8Array(4) : Uint8Array.from(address),
    options,
  };
}

/** A client under a clock that the test moves. */
export class ScriptedClient {
  state: LeaseState;
  nowMs = 0;
  /** Everything it did so far. */
  readonly log: string[] = [];
  /** The last message it sent. */
  sent: DhcpMessage | undefined;
  readonly #random: () => number;

  constructor(given: Partial<LeaseSettings> = {}, random: () => number = () => 0.5) {
    this.state = newLease({ ...settings, ...given });
    this.#random = random;
  }

  /** One event. @returns the actions, a line each */
  take(event: LeaseEvent): string[] {
    return this.act(event).map(actionText);
  }

  /** The same as actions. */
  act(event: LeaseEvent): LeaseAction[] {
    const { state, actions } = advance(this.state, event, { bootMs: this.nowMs }, this.#random);
    this.state = state;
    for (const action of actions) if (action.type === "send") this.sent = action.message;
    this.log.push(...actions.map(actionText));
    return actions;
  }

  /** The answer to the last message. */
  answer(type: keyof typeof messageType, more?: Answer): string[] {
    if (this.sent === undefined) throw new Error("nothing was sent");
    return this.take({ type: "message", message: answer(this.sent, type, more) });
  }

  /** Lets time pass to the timer, and fires it. */
  fire(): string[] {
    if (this.state.timerAtMs === undefined) throw new Error("there is no timer");
    this.nowMs = Math.max(this.nowMs, this.state.timerAtMs);
    return this.take({ type: "timer" });
  }

  /** Straight to a lease. */
  bind(more?: Answer): this {
    this.take({ type: "start" });
    this.answer("offer", more);
    this.answer("ack", more);
    this.take({ type: "unused" });
    return this;
  }
}

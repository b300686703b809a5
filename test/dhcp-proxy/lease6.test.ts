import { deepEqual, equal, match, ok } from "node:assert/strict";
import fc from "fast-check";
import { parseIp } from "../../core/net/address.ts";
import { advance6 } from "../../dhcp-proxy/lease6.ts";
import { readLease6 } from "../../dhcp-proxy/lease6-info.ts";
import {
  heldLease6,
  type Lease6Action,
  type Lease6Event,
  type Lease6Settings,
  type Lease6State,
  newLease6,
} from "../../dhcp-proxy/lease6-state.ts";
import {
  type Dhcp6Message,
  decodeMessage6,
  messageType6,
} from "../../dhcp-proxy/packet6/message.ts";
import {
  iaNaOption,
  type Option6,
  option6,
  optionValue,
  readIaNas,
} from "../../dhcp-proxy/packet6/options.ts";
import { captured } from "./packet6/capture.ts";

const settings: Lease6Settings = {
  ifname: "eth0",
  duid: Uint8Array.of(0, 4, 1, 2),
  iaid: 1,
  mode: "stateful",
  resendTimeoutMs: 60_000,
  resendMaxMs: 8000,
};

function actionText(action: Lease6Action): string {
  switch (action.type) {
    case "send": {
      const { type } = action.message;
      return `send ${Object.entries(messageType6).find(([, number]) => number === type)?.[0]}`;
    }
    case "timer":
      return `timer ${action.atMs ?? "none"}`;
    case "bound":
      return `bound ${action.lease.addresses.map(({ address }) => address)}`;
    case "changed":
      return `changed to ${action.lease.addresses.map(({ address }) => address)}`;
    case "expired":
      return `expired: ${action.reason}`;
    case "failed":
      return `failed: ${action.error.message}; ${action.error.details}`;
    case "note":
      return `note: ${action.text}`;
    case "done":
      return "done";
  }
}

/** A client under a clock that the test moves, and a server that the test plays. */
class Client {
  state: Lease6State;
  nowMs = 0;
  sent: Dhcp6Message | undefined;
  readonly #random: () => number;

  constructor(given: Partial<Lease6Settings> = {}, random = () => 0.5) {
    this.state = newLease6({ ...settings, ...given });
    this.#random = random;
  }

  take(event: Lease6Event): string[] {
    const { state, actions } = advance6(this.state, event, { bootMs: this.nowMs }, this.#random);
    this.state = state;
    for (const action of actions) if (action.type === "send") this.sent = action.message;
    return actions.map(actionText);
  }

  fire(): string[] {
    this.nowMs = Math.max(this.nowMs, this.state.timerAtMs ?? 0);
    return this.take({ type: "timer" });
  }

  /** An answer with fd00::5 for 100 and 200 s, unless it says otherwise. */
  answer(type: "advertise" | "reply", more: Answer = {}): string[] {
    const { address = "fd00::5", server = 1, xid = this.state.xid, options = [] } = more;
    const addresses = [{ address: parseIp(address), preferredSeconds: 100, validSeconds: 200 }];
    const association = iaNaOption({ iaid: 1, renewSeconds: 50, rebindSeconds: 80, addresses });
    const all = [
      { code: option6.clientId, value: more.duid ?? settings.duid },
      { code: option6.serverId, value: Uint8Array.of(server) },
      ...(more.refused === undefined ? [association] : [status(more.refused)]),
      ...options,
    ];
    return this.take({ type: "message", message: { type: messageType6[type], xid, options: all } });
  }

  bind(): this {
    this.take({ type: "start" });
    this.answer("advertise", { options: [preference(255)] });
    this.answer("reply");
    return this;
  }
}

interface Answer {
  address?: string;
  server?: number;
  xid?: number;
  duid?: Uint8Array;
  /** A status in place of addresses. */
  refused?: number;
  options?: Option6[];
}

const preference = (value: number) => ({ code: option6.preference, value: Uint8Array.of(value) });
const status = (code: number) => ({
  code: option6.statusCode,
  value: Uint8Array.of(0, code, 110, 111),
});
const rapid = { code: option6.rapidCommit, value: new Uint8Array() };

describe("readLease6", () => {
  it("reads a Reply of dnsmasq", () => {
    deepEqual(readLease6(decodeMessage6(captured("dnsmasq-reply")), 1, 1000), {
      addresses: [{ address: "fd00::14", preferredUntilMs: 121_000, validUntilMs: 121_000 }],
      serverId: "0001000132a1141bd227720030f8",
      dns: { nameservers: ["fd00::53", "2001:db8::53"], search: ["example.net"] },
      acquiredAtMs: 1000,
      renewAtMs: 61_000,
      rebindAtMs: 106_000,
      expiresAtMs: 121_000,
    });
  });

  it("is none without a usable address of this association", () => {
    const message = decodeMessage6(captured("dnsmasq-reply"));
    equal(readLease6(message, 2, 0), undefined);
    for (const [preferredSeconds, validSeconds] of [
      [5, 0],
      [9, 5],
    ] as const) {
      const addresses = [{ address: parseIp("fd00::1"), preferredSeconds, validSeconds }];
      const option = iaNaOption({ iaid: 1, renewSeconds: 0, rebindSeconds: 0, addresses });
      equal(readLease6({ ...message, options: [option] }, 1, 0), undefined);
    }
  });

  it("takes half and four fifths of the preferred time when the server says none, and never ends what does not", () => {
    const times = (preferredSeconds: number, validSeconds: number) => {
      const addresses = [{ address: parseIp("fd00::1"), preferredSeconds, validSeconds }];
      const option = iaNaOption({ iaid: 1, renewSeconds: 0, rebindSeconds: 0, addresses });
      const lease = readLease6({ type: 7, xid: 1, options: [option] }, 1, 0);
      return [lease?.renewAtMs, lease?.rebindAtMs, lease?.expiresAtMs];
    };
    deepEqual(times(100, 200), [50_000, 80_000, 200_000]);
    deepEqual(times(0xffff_ffff, 0xffff_ffff), [null, null, null]);
  });
});

describe("a DHCPv6 lease", () => {
  it("is solicited, requested from the best server, and held", () => {
    const client = new Client();
    deepEqual(client.take({ type: "start" }), ["send solicit", "timer 1000"]);
    deepEqual(client.answer("advertise"), []);
    deepEqual(client.answer("advertise", { server: 2, options: [preference(9)] }), []);
    deepEqual(client.fire(), ["send request", "timer 2000"]);
    deepEqual(optionValue(client.sent?.options ?? [], option6.serverId), Uint8Array.of(2));
    deepEqual(client.answer("reply"), []);
    deepEqual(client.answer("reply", { server: 2 }), ["bound fd00::5", "timer 51000"]);
    equal(heldLease6(client.state)?.expiresAtMs, 201_000);
  });

  it("is requested at once from a server that is preferred above all", () => {
    const client = new Client();
    client.take({ type: "start" });
    deepEqual(client.answer("advertise", { options: [preference(255)] })[0], "send request");
  });

  it("is held after one Reply when the server commits rapidly, and only then", () => {
    const client = new Client();
    client.take({ type: "start" });
    deepEqual(client.answer("reply"), []);
    deepEqual(client.answer("reply", { options: [rapid] })[0], "bound fd00::5");
  });

  it("passes over what is not for it, and what is broken", () => {
    const client = new Client();
    client.take({ type: "start" });
    deepEqual(client.answer("advertise", { xid: 5, options: [preference(255)] }), []);
    deepEqual(client.answer("advertise", { duid: Uint8Array.of(9) }), []);
    match(
      client.answer("advertise", { options: [{ code: 13, value: new Uint8Array(1) }] }).join(),
      /^note: passes over a message: decode option 13/,
    );
  });

  it("gives up at its limit, with what happened", () => {
    const client = new Client({ resendTimeoutMs: 5000 });
    client.take({ type: "start" });
    client.answer("advertise", { refused: 2 });
    let lines: string[] = [];
    while (client.state.phase !== "stopped") lines = client.fire();
    equal(client.nowMs, 5000);
    match(
      lines.at(-1) ?? "",
      /^failed: no more tries; interface "eth0", DUID 00040102: sent 3 Solicit, saw 1 Advertise, the last refusal was "noAddrsAvail: no"$/,
    );
  });

  it("is renewed with its server, then with any, then lost and solicited without an end", () => {
    const client = new Client().bind();
    deepEqual(client.fire()[0], "send renew");
    equal(optionValue(client.sent?.options ?? [], option6.serverId)?.[0], 1);
    while (client.state.phase === "renewing") client.fire();
    equal(client.nowMs, 80_000);
    equal(optionValue(client.sent?.options ?? [], option6.serverId), undefined);
    equal(readIaNas(client.sent?.options ?? [])[0]?.addresses.length, 1);
    let lines: string[] = [];
    while (client.state.phase === "rebinding") lines = client.fire();
    equal(client.nowMs, 200_000);
    deepEqual(lines.slice(0, 2), ["expired: no server prolonged it", "send solicit"]);
    for (let tries = 0; tries < 30; tries++) client.fire();
    equal(client.state.phase, "soliciting");
  });

  it("says when a renewal gives the same, and when it gives another address", () => {
    const client = new Client().bind();
    client.fire();
    equal(client.answer("reply")[0], "bound fd00::5");
    client.fire();
    equal(client.answer("reply", { address: "fd00::6" })[0], "changed to fd00::6");
  });

  it("is lost when the server has forgotten it", () => {
    const client = new Client().bind();
    client.fire();
    deepEqual(client.answer("reply", { refused: 3 }).slice(0, 3), [
      "note: the server refuses: noBinding: no",
      "expired: the server refused to prolong it",
      "send solicit",
    ]);
  });

  it("declines an address that somebody has, and solicits another after a pause", () => {
    const client = new Client().bind();
    const address = parseIp("fd00::5");
    deepEqual(client.take({ type: "conflict", address: parseIp("fd00::9") }), []);
    deepEqual(client.take({ type: "conflict", address }), [
      "send decline",
      "note: declines fd00::5: somebody else has the address",
      "expired: somebody else has the address",
      "timer 2000",
    ]);
    equal(heldLease6(client.state), undefined);
    deepEqual(client.answer("advertise"), []);
    deepEqual(client.fire(), ["send solicit", "timer 3000"]);
  });

  it("waits longer when the address is declined again, until one has been renewed", () => {
    const client = new Client().bind();
    const address = parseIp("fd00::5");
    const pause = () => {
      client.take({ type: "conflict", address });
      return (client.state.timerAtMs ?? 0) - client.nowMs;
    };
    const bindAgain = () => {
      client.fire();
      client.answer("reply", { options: [rapid] });
    };
    const pauses = [1, 2, 3].map(() => {
      const before = pause();
      bindAgain();
      return before;
    });
    bindAgain(); // renewed
    deepEqual([...pauses, pause()], [2000, 10_000, 10_000, 2000]);
  });

  it("pauses longer and longer while a server offers and then refuses", () => {
    const client = new Client({ resendTimeoutMs: 1e9 });
    client.take({ type: "start" });
    const pauses = Array.from({ length: 8 }, () => {
      client.answer("advertise", { options: [preference(255)] });
      client.answer("reply", { refused: 2 });
      const pause = (client.state.timerAtMs ?? 0) - client.nowMs;
      client.fire();
      return pause;
    });
    deepEqual(pauses, [2000, 2000, 2000, 2000, 4000, 8000, 8000, 8000]);
  });

  it("of before is confirmed, and asked for anew when it does not fit the link", () => {
    const lease = JSON.parse(JSON.stringify(heldLease6(new Client().bind().state)));
    const good = new Client();
    deepEqual(good.take({ type: "start", previous: lease })[0], "send confirm");
    equal(good.answer("reply", { options: [status(0)] })[0], "send rebind");
    equal(good.answer("reply")[0], "bound fd00::5");
    const bad = new Client();
    bad.take({ type: "start", previous: lease });
    deepEqual(bad.answer("reply", { refused: 4 }).slice(0, 2), [
      "note: the server refuses: notOnLink: no",
      "send solicit",
    ]);
  });

  it("is held on when only the program was restarted", () => {
    const lease = JSON.parse(JSON.stringify(heldLease6(new Client().bind().state)));
    const client = new Client();
    deepEqual(client.take({ type: "start", previous: lease, resume: true }), [
      "bound fd00::5",
      "timer 50000",
    ]);
    const late = new Client();
    late.nowMs = 300_000;
    deepEqual(
      late.take({ type: "start", previous: lease, resume: true })[0],
      "expired: it ended while nobody renewed it",
    );
  });

  it("is released once, and nothing follows", () => {
    const client = new Client().bind();
    deepEqual(client.take({ type: "release" }), ["send release", "timer none", "done"]);
    deepEqual(client.take({ type: "timer" }), []);
  });

  it("of options alone asks for information, and again when that is due", () => {
    const client = new Client({ mode: "stateless" });
    deepEqual(client.take({ type: "start" })[0], "send informationRequest");
    equal(readIaNas(client.sent?.options ?? []).length, 0);
    const message = { ...decodeMessage6(captured("dnsmasq-information")), xid: client.state.xid };
    deepEqual(client.take({ type: "message", message }), ["bound ", "timer 600000"]);
    deepEqual(client.fire()[0], "send informationRequest");
    deepEqual(client.take({ type: "release" }), ["timer none", "done"]);
  });

  it("goes on by itself whatever happens", () => {
    const happening = fc.oneof(
      fc.constant("fire" as const),
      fc.constant("fire" as const),
      fc.record({
        type: fc.constantFrom("advertise" as const, "reply" as const),
        more: fc.record<Answer>({
          address: fc.constantFrom("fd00::5", "fd00::6"),
          server: fc.constantFrom(1, 2),
          options: fc.constantFrom<Option6[]>([], [rapid], [preference(255)], [status(3)]),
        }),
      }),
    );
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const client = new Client({ resendTimeoutMs: 1e9 });
        client.take({ type: "start" });
        for (const each of happenings) {
          if (each === "fire") client.fire();
          else client.answer(each.type, each.more);
          ok(client.state.timerAtMs !== undefined && client.state.timerAtMs >= client.nowMs);
        }
      }),
      { numRuns: 1000, seed: 1 },
    );
  });
});

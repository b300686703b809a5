import { deepEqual, equal, match, ok } from "node:assert/strict";
import { heldLease } from "../../dhcp-proxy/lease-state.ts";
import { option } from "../../dhcp-proxy/packet/options.ts";
import { ScriptedClient, settings, typeName } from "./scripted-server.ts";

const text = (value: Uint8Array | undefined) => value?.join(".");

describe("a lease", () => {
  it("is asked for, probed and held", () => {
    const client = new ScriptedClient();
    deepEqual(client.take({ type: "start" }), ["send discover to broadcast", "timer 250"]);
    deepEqual(client.answer("offer"), ["send request to broadcast", "timer 10000"]);
    deepEqual(client.answer("ack"), ["timer none", "probe 10.1.0.5"]);
    equal(heldLease(client.state), undefined);
    deepEqual(client.take({ type: "unused" }), ["bound 10.1.0.5/24", "timer 490000"]);
    equal(heldLease(client.state)?.gateway, "10.1.0.1");
  });

  it("is held at once when conflicts are not looked for", () => {
    const client = new ScriptedClient({ detectConflicts: false });
    client.take({ type: "start" });
    client.answer("offer");
    deepEqual(client.answer("ack"), ["bound 10.1.0.5/24", "timer 490000"]);
  });

  it("is requested from the server that offered it, with what the configuration provides", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    equal(text(client.sent?.options.get(option.parameterRequestList)), "3.1");
    equal(text(client.sent?.options.get(option.maximumMessageSize)), "5.220");
    equal(client.sent?.options.has(option.requestedAddress), false);
    client.answer("offer");
    const options = client.sent?.options;
    equal(text(options?.get(option.requestedAddress)), "10.1.0.5");
    equal(text(options?.get(option.serverId)), "10.1.0.1");
    equal(new TextDecoder().decode(options?.get(option.hostName)), "web");
  });

  it("has one identity in every message", () => {
    for (const own of [undefined, Uint8Array.of(7, 7)]) {
      const provide = own ? new Map([[option.clientId, own]]) : new Map();
      const client = new ScriptedClient({ provide });
      const seen: [string, string | undefined][] = [];
      const look = () =>
        client.sent &&
        seen.push([typeName(client.sent), text(client.sent.options.get(option.clientId))]);
      client.take({ type: "start" });
      look();
      client.answer("offer");
      look();
      client.answer("ack");
      client.take({ type: "conflict" });
      look();
      client.fire();
      client.answer("offer");
      client.answer("ack");
      client.take({ type: "unused" });
      client.fire();
      look();
      client.take({ type: "release" });
      look();
      deepEqual(
        seen.map(([type]) => type),
        ["discover", "request", "decline", "request", "release"],
      );
      deepEqual(new Set(seen.map(([, id]) => id)), new Set([text(own ?? settings.clientId)]));
    }
  });

  it("asks for answers to everybody when it is told to", () => {
    const client = new ScriptedClient({ broadcast: true });
    client.take({ type: "start" });
    equal(client.sent?.flags, 0x8000);
  });
});

describe("a lease that is asked for", () => {
  it("sends three times, waits twice as long each time, and begins anew after a pause", () => {
    const client = new ScriptedClient({ timeoutMs: 1000 });
    client.take({ type: "start" });
    client.fire();
    const first = client.sent?.xid;
    deepEqual(client.fire(), ["send discover to broadcast", "timer 3250"]);
    equal(client.sent?.secs, 1);
    deepEqual(client.fire(), ["send discover to broadcast", "timer 7250"]);
    equal(client.sent?.xid, first);
    deepEqual(client.fire(), ["timer 9250"]);
    deepEqual(client.fire(), ["send discover to broadcast", "timer 10250"]);
  });

  it("sends twice more early on, since a bridge may not yet forward what a new link sends", () => {
    const client = new ScriptedClient({ timeoutMs: 10_000 });
    client.take({ type: "start" });
    const times = [1, 2, 3].map(() => {
      deepEqual(client.fire()[0], "send discover to broadcast");
      return client.nowMs;
    });
    deepEqual(times, [250, 1250, 11_250]);
    equal(client.state.tally.discovers, 4);
  });

  it("gives up at its limit, not later, with what happened", () => {
    const client = new ScriptedClient({ timeoutMs: 2000, resendTimeoutMs: 10_000 });
    client.take({ type: "start" });
    for (let left = 10; client.state.phase !== "stopped" && left > 0; left--) client.fire();
    equal(client.nowMs, 10_000);
    const [failed] = client.log.slice(-1);
    equal(failed, "failed: no more tries");
  });

  it("keeps to upstream's pauses: 2 s four times, then 4 s and twice that up to the limit", () => {
    const client = new ScriptedClient({ timeoutMs: 1, resendMaxMs: 10_000, resendTimeoutMs: 1e9 });
    client.take({ type: "start" });
    const pauses: number[] = [];
    while (pauses.length < 8) {
      client.fire();
      if (client.state.phase === "waiting")
        pauses.push((client.state.timerAtMs ?? 0) - client.nowMs);
    }
    deepEqual(pauses, [2000, 2000, 2000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("passes over what is not for it", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    deepEqual(client.answer("offer", { xid: 1 }), []);
    deepEqual(client.answer("offer", { chaddr: Uint8Array.of(2, 0, 0, 0, 0, 2) }), []);
    deepEqual(client.answer("offer", { chaddr: new Uint8Array() }), []);
    deepEqual(client.answer("offer", { op: 1 }), []);
    deepEqual(client.answer("ack"), []);
    deepEqual(client.answer("nak"), []);
    for (const address of [
      [0, 0, 0, 0],
      [255, 255, 255, 255],
      [224, 0, 0, 1],
      [127, 0, 0, 1],
    ]) {
      match(client.answer("offer", { address }).join(), /^note: passes over an offer/);
    }
    equal(client.state.phase, "selecting");
  });

  it("hears only the server whose offer it took", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    client.answer("offer");
    deepEqual(client.answer("ack", { server: [10, 1, 0, 9] }), []);
    deepEqual(client.answer("nak", { server: [10, 1, 0, 9] }), []);
    deepEqual(client.answer("offer"), []);
    equal(client.state.phase, "requesting");
  });

  it("begins anew after a DHCPNAK, and tells the server's words", () => {
    const client = new ScriptedClient({ resendTimeoutMs: 3000 });
    client.take({ type: "start" });
    client.answer("offer");
    const words = [...new TextEncoder().encode("wrong network")];
    deepEqual(client.answer("nak", { options: [[option.message, words]] }), [
      "note: the server refuses the address: wrong network",
      "timer 2000",
    ]);
    deepEqual(client.fire()[0], "send discover to broadcast");
    const [failed] = client.act({ type: "timer" }).slice(-1);
    equal(failed?.type, "timer");
    client.nowMs = 3000;
    const error = client.act({ type: "timer" }).find((action) => action.type === "failed");
    match(
      error?.type === "failed" ? (error.error.details ?? "") : "",
      /1 offers and 1 DHCPNAK; .*"wrong network"$/,
    );
  });

  it("declines an address that somebody has, and asks again, after 10 s from the second on", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    client.answer("offer");
    client.answer("ack");
    deepEqual(client.take({ type: "conflict" }), [
      "send decline to broadcast",
      "note: declines 10.1.0.5/24: somebody else has the address",
      "timer 2000",
    ]);
    equal(text(client.sent?.options.get(option.requestedAddress)), "10.1.0.5");
    equal(text(client.sent?.ciaddr), "0.0.0.0");
    client.fire();
    client.answer("offer");
    client.answer("ack");
    deepEqual(client.take({ type: "conflict" }).slice(-1), ["timer 12000"]);
  });

  it("ends with upstream's words at a DHCPACK without a netmask, and gives the address back", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    client.answer("offer");
    deepEqual(client.answer("ack", { options: [[option.subnetMask, undefined]] }), [
      "send release to 10.1.0.1",
      "timer none",
      "failed: DHCP option Subnet Mask not found in DHCPACK",
    ]);
  });

  it("does nothing for a timer that came too early, but to ask for it again", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    deepEqual(client.take({ type: "timer" }), ["timer 250"]);
  });
});

describe("a lease that is held", () => {
  it("is renewed with its server at T1", () => {
    const client = new ScriptedClient().bind();
    deepEqual(client.fire(), ["send request to 10.1.0.1", "timer 682500"]);
    const { ciaddr, options } = client.sent ?? {};
    equal(text(ciaddr), "10.1.0.5");
    equal(options?.has(option.requestedAddress), false);
    equal(options?.has(option.serverId), false);
    client.nowMs += 50;
    deepEqual(client.answer("ack"), ["bound 10.1.0.5/24", "timer 980000"]);
    equal(heldLease(client.state)?.acquiredAtMs, 490_000);
  });

  it("asks its server again at half of what is left, then everybody from T2 on", () => {
    const client = new ScriptedClient().bind();
    const lines: string[] = [];
    while (client.state.phase !== "selecting") lines.push(...client.fire());
    deepEqual(lines, [
      "send request to 10.1.0.1",
      "timer 682500",
      "send request to 10.1.0.1",
      "timer 778750",
      "send request to 10.1.0.1",
      "timer 838750",
      "send request to 10.1.0.1",
      "timer 875000",
      "send request to broadcast",
      "timer 937500",
      "send request to broadcast",
      "timer 968750",
      "send request to broadcast",
      "timer 1000000",
      "expired 10.1.0.5/24: no server prolonged it",
      "send discover to broadcast",
      "timer 1010000",
    ]);
  });

  it("asks for the same address after its end, and never stops asking", () => {
    const client = new ScriptedClient().bind({ leaseSeconds: 100 });
    while (client.state.phase !== "selecting") client.fire();
    equal(text(client.sent?.options.get(option.requestedAddress)), "10.1.0.5");
    for (let tries = 0; tries < 200; tries++) client.fire();
    ok(client.nowMs > 2_000_000);
    equal(
      client.log.some((line) => line.startsWith("failed")),
      false,
    );
    while (client.state.phase !== "selecting") client.fire();
    client.answer("offer", { address: [10, 1, 0, 7] });
    client.answer("ack", { address: [10, 1, 0, 7] });
    deepEqual(client.take({ type: "unused" })[0], "changed 10.1.0.5/24 to 10.1.0.7/24");
  });

  it("goes to another server that answers while everybody is asked", () => {
    const client = new ScriptedClient().bind();
    while (client.state.phase !== "rebinding") client.fire();
    client.answer("ack", { server: [10, 1, 0, 2] });
    equal(heldLease(client.state)?.serverId, "10.1.0.2");
  });

  it("says when a renewal gives other values", () => {
    const client = new ScriptedClient().bind();
    client.fire();
    const changed = client.answer("ack", { options: [[option.interfaceMtu, [5, 120]]] });
    equal(changed[0], "changed 10.1.0.5/24 to 10.1.0.5/24");
    equal(heldLease(client.state)?.mtu, 1400);
  });

  it("probes another address that a renewal gives, and keeps the old one meanwhile", () => {
    const client = new ScriptedClient().bind();
    client.fire();
    deepEqual(client.answer("ack", { address: [10, 1, 0, 8] }), ["timer none", "probe 10.1.0.8"]);
    deepEqual(client.take({ type: "unused" })[0], "changed 10.1.0.5/24 to 10.1.0.8/24");
  });

  it("is lost with a DHCPNAK, and another is asked for at once", () => {
    const client = new ScriptedClient().bind();
    client.fire();
    deepEqual(client.answer("nak"), [
      "note: the server refuses the address: it does not say why",
      "expired 10.1.0.5/24: the server refused to prolong it",
      "send discover to broadcast",
      "timer 500000",
    ]);
  });

  it("stays when a renewal cannot be used", () => {
    const client = new ScriptedClient().bind();
    client.fire();
    match(client.answer("ack", { options: [[option.subnetMask, undefined]] }).join(), /^note: /);
    equal(client.state.phase, "renewing");
  });

  it("without an end has no timer", () => {
    const client = new ScriptedClient().bind({ leaseSeconds: 0xffff_ffff });
    equal(client.state.timerAtMs, undefined);
    equal(heldLease(client.state)?.expiresAtMs, null);
  });

  it("of a few seconds is renewed, and not without a pause", () => {
    const client = new ScriptedClient().bind({ leaseSeconds: 4 });
    const times: number[] = [];
    while (client.state.phase !== "selecting") {
      client.fire();
      times.push(client.nowMs);
    }
    deepEqual(times, [1960, 2960, 3500, 4000]);
  });

  it("answers whoever asks, in any state that has a lease", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    deepEqual(client.take({ type: "check" }), []);
    client.answer("offer");
    client.answer("ack");
    deepEqual(client.take({ type: "check" }), []);
    client.take({ type: "unused" });
    deepEqual(client.take({ type: "check" }), ["bound 10.1.0.5/24"]);
    client.fire();
    deepEqual(client.take({ type: "check" }), ["bound 10.1.0.5/24"]);
  });
});

describe("a lease that is given back", () => {
  it("tells its server once, and nothing follows", () => {
    const client = new ScriptedClient().bind();
    deepEqual(client.take({ type: "release" }), ["send release to 10.1.0.1", "timer none", "done"]);
    equal(text(client.sent?.ciaddr), "10.1.0.5");
    for (const event of ["release", "timer", "check", "start"] as const) {
      deepEqual(client.take({ type: event }), []);
    }
  });

  it("tells its server while it is probed, too", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    client.answer("offer");
    client.answer("ack");
    deepEqual(client.take({ type: "release" })[0], "send release to 10.1.0.1");
  });

  it("tells nobody when there was none", () => {
    const client = new ScriptedClient();
    client.take({ type: "start" });
    deepEqual(client.take({ type: "release" }), ["timer none", "done"]);
  });
});

describe("a lease of before", () => {
  const earlier = () => {
    const lease = heldLease(new ScriptedClient().bind().state);
    ok(lease);
    return JSON.parse(JSON.stringify(lease)) as typeof lease;
  };

  it("is asked for again without naming its server, and probed", () => {
    const client = new ScriptedClient();
    const lines = client.take({ type: "start", previous: earlier() });
    deepEqual(lines, ["send request to broadcast", "timer 250"]);
    equal(text(client.sent?.options.get(option.requestedAddress)), "10.1.0.5");
    equal(client.sent?.options.has(option.serverId), false);
    equal(text(client.sent?.ciaddr), "0.0.0.0");
    deepEqual(client.answer("ack"), ["timer none", "probe 10.1.0.5"]);
  });

  it("is forgotten after a DHCPNAK, and when nobody answers", () => {
    const refused = new ScriptedClient();
    refused.take({ type: "start", previous: earlier() });
    deepEqual(refused.answer("nak").slice(-2), ["send discover to broadcast", "timer 250"]);
    const unanswered = new ScriptedClient();
    unanswered.take({ type: "start", previous: earlier() });
    unanswered.fire();
    unanswered.fire();
    deepEqual(unanswered.fire()[0], "send discover to broadcast");
    equal(unanswered.nowMs, 11_250);
  });

  it("is held on when only the program was restarted, and renewed when it is due", () => {
    const client = new ScriptedClient();
    client.nowMs = 100_000;
    const resumed = client.take({ type: "start", previous: earlier(), resume: true });
    deepEqual(resumed, ["bound 10.1.0.5/24", "timer 490000"]);
    const late = new ScriptedClient();
    late.nowMs = 600_000;
    late.take({ type: "start", previous: earlier(), resume: true });
    deepEqual(late.fire()[0], "send request to 10.1.0.1");
    const later = new ScriptedClient();
    later.nowMs = 900_000;
    later.take({ type: "start", previous: earlier(), resume: true });
    deepEqual(later.fire()[0], "send request to broadcast");
  });

  it("that ended meanwhile is asked for anew", () => {
    const client = new ScriptedClient();
    client.nowMs = 1_000_000;
    deepEqual(client.take({ type: "start", previous: earlier(), resume: true }), [
      "expired 10.1.0.5/24: it ended while nobody renewed it",
      "send discover to broadcast",
      "timer 1010000",
    ]);
  });
});

import { deepEqual, equal, match, ok } from "node:assert/strict";
import type { DbusMessage } from "../../../core/dbus/message.ts";
import { CniError, explain } from "../../../core/errors.ts";
import { Rollback } from "../../../core/rollback.ts";
import { Firewalld } from "../../../plugins/firewall/firewalld.ts";
import {
  missingSources,
  openFirewalld,
  trust,
  withdraw,
} from "../../../plugins/firewall/sources.ts";
import { FakeBus, type FakeBusOptions, type FakeReply } from "../../core/dbus/fake-bus.ts";
import { useHost } from "../../fake-host.ts";

const exception = (text: string): FakeReply => ({
  error: "org.fedoraproject.FirewallD1.Exception",
  text,
});
const string: FakeReply = { signature: "s", body: ["trusted"] };
const one = [{ zone: "trusted", source: "10.0.0.2/32" }];
const two = [...one, { zone: "trusted", source: "fd00::2/128" }];

/** A bus with a firewalld that answers so, by method; `addSource` and `removeSource` succeed unless told. */
function bus(replies: Record<string, FakeReply> = {}, options: FakeBusOptions = {}): FakeBus {
  const all: Record<string, FakeReply> = {
    NameHasOwner: { signature: "b", body: [true] },
    addSource: string,
    removeSource: string,
    ...replies,
  };
  const reply = ({ member = "" }: DbusMessage): FakeReply => all[member];
  return useHost(new FakeBus({ reply, ...options }));
}

/** What was asked of firewalld, as `addSource trusted 10.0.0.2/32`. */
const asked = ({ calls }: FakeBus): string[] =>
  calls
    .filter(({ destination }) => destination === "org.fedoraproject.FirewallD1")
    .map(({ member, body = [] }) => [member, ...body].join(" "));

function failure(run: () => unknown): CniError {
  try {
    run();
  } catch (error) {
    ok(error instanceof CniError, String(error));
    return error;
  }
  throw new Error("it did not fail");
}

describe("Firewalld", () => {
  it("tells a source that was there from a new one", () => {
    bus();
    using firewalld = Firewalld.open();
    equal(firewalld.addSource("trusted", "10.0.0.2/32"), true);
    for (const code of ["ZONE_ALREADY_SET", "ALREADY_ENABLED"]) {
      bus({ addSource: exception(`${code}: '10.0.0.2/32' already bound to 'trusted'`) });
      using other = Firewalld.open();
      equal(other.addSource("trusted", "10.0.0.2/32"), false);
    }
  });

  for (const code of ["UNKNOWN_SOURCE", "NOT_ENABLED", "ZONE_CONFLICT", "INVALID_ZONE"]) {
    it(`takes ${code} for a source that is gone`, () => {
      bus({ removeSource: exception(`${code}: '10.0.0.2/32' is not in any zone`) });
      using firewalld = Firewalld.open();
      firewalld.removeSource("trusted", "10.0.0.2/32");
    });
  }

  it("goes by firewalld's own errors alone", () => {
    bus({
      removeSource: { error: "org.freedesktop.DBus.Error.Failed", text: "UNKNOWN_SOURCE: x" },
    });
    using firewalld = Firewalld.open();
    match(
      explain(failure(() => firewalld.removeSource("trusted", "10.0.0.2/32"))),
      /Error\.Failed: UNKNOWN_SOURCE/,
    );
  });

  it("names the zone that has a source", () => {
    const replies = {
      addSource: exception("ZONE_CONFLICT: x"),
      getZoneOfSource: { signature: "s", body: ["work"] },
    };
    bus(replies);
    using firewalld = Firewalld.open();
    const { message, details } = failure(() => firewalld.addSource("trusted", "10.0.0.2/32"));
    equal(message, 'firewalld has it in zone "work"');
    equal(details, "it takes: firewall-cmd --zone=work --remove-source=10.0.0.2/32");
  });

  it("waits for 25 seconds", () => {
    const host = bus({ querySource: undefined });
    using firewalld = Firewalld.open();
    const error = failure(() => firewalld.hasSource("trusted", "10.0.0.2/32"));
    match(
      explain(error),
      /querySource of "org.fedoraproject.FirewallD1" .* no answer within 25000 ms/,
    );
    equal(error.code, 11);
    ok(host.now > 26_000);
  });

  it("does not take an answer of another type for yes", () => {
    for (const reply of [string, { signature: "u", body: [1] }, {}]) {
      bus({ querySource: reply as FakeReply });
      using firewalld = Firewalld.open();
      equal(firewalld.hasSource("trusted", "10.0.0.2/32"), false);
    }
  });

  it("says where it does not run, and closes the connection", () => {
    const without = bus({ NameHasOwner: { signature: "b", body: [false] } });
    const { code, message } = failure(() => Firewalld.open());
    equal(code, 11);
    match(
      message,
      /nobody on "unix:path=\/run\/dbus\/system_bus_socket" has the name "org.fedoraproject.FirewallD1"/,
    );
    equal(Firewalld.openIfRunning(), undefined);
    equal(without.connections, 0);
    bus({}, { connect: { system_bus_socket: "ENOENT" } });
    match(
      explain(failure(() => Firewalld.open())),
      /there is no system bus: start firewalld.*ENOENT/,
    );
    equal(Firewalld.openIfRunning(), undefined);
  });
});

describe("openFirewalld", () => {
  const said: string[] = [];
  const open = (backend?: string) =>
    openFirewalld({ name: "net", ...(backend !== undefined && { backend }) } as never, (text) =>
      said.push(text),
    );

  it("does not look for a bus with a back end of ours", () => {
    useHost({});
    equal(open("nftables") ?? open("iptables"), undefined);
  });

  it("says why it is not known whether firewalld runs", () => {
    bus({}, { connect: { system_bus_socket: "EACCES" } });
    equal(open(), undefined);
    match(said.join(), /whether firewalld runs is not known: connect to system bus .*EACCES/);
    match(explain(failure(() => open("firewalld"))), /EACCES/);
  });
});

describe("trust", () => {
  it("leaves the zones as they were when it fails, but for what was there", () => {
    const host = bus();
    using firewalld = Firewalld.open();
    const error = failure(() => {
      using rollback = new Rollback();
      trust(firewalld, two, rollback);
      throw new CniError(100, "later");
    });
    equal(error.message, "later");
    deepEqual(asked(host), [
      "addSource trusted 10.0.0.2/32",
      "addSource trusted fd00::2/128",
      "removeSource trusted fd00::2/128",
      "removeSource trusted 10.0.0.2/32",
    ]);
    const there = bus({ addSource: exception("ZONE_ALREADY_SET: x") });
    using other = Firewalld.open();
    failure(() => {
      using rollback = new Rollback();
      trust(other, one, rollback);
      throw new CniError(100, "later");
    });
    deepEqual(asked(there), ["addSource trusted 10.0.0.2/32"]);
  });

  it("takes back what it has no answer for", () => {
    const host = bus({ addSource: undefined });
    using firewalld = Firewalld.open();
    const error = failure(() => {
      using rollback = new Rollback();
      trust(firewalld, two, rollback);
    });
    match(
      explain(error),
      /^failed to add the address 10.0.0.2\/32 to trusted zone: call addSource/,
    );
    deepEqual(asked(host), ["addSource trusted 10.0.0.2/32", "removeSource trusted 10.0.0.2/32"]);
  });
});

describe("missingSources", () => {
  it("has a sentence for each, with what it takes", () => {
    bus({ querySource: { signature: "b", body: [false] } });
    using firewalld = Firewalld.open();
    deepEqual(missingSources(firewalld, one), [
      "failed to find the address 10.0.0.2/32 in trusted zone of firewalld; it takes: firewall-cmd --zone=trusted --add-source=10.0.0.2/32",
    ]);
  });
});

describe("withdraw", () => {
  const attachment = { network: "net", containerId: "c1", ifname: "eth0" };

  it("asks nobody when there is nothing", () => {
    useHost({});
    withdraw({ attachment, sources: [] });
  });

  it("has nothing to do where firewalld does not run", () => {
    const host = bus({ NameHasOwner: { signature: "b", body: [false] } });
    withdraw({ attachment, sources: two });
    deepEqual(asked(host), []);
  });

  it("tries each, and fails when one does", () => {
    const host = bus({ removeSource: exception("PANIC_MODE: panic mode enabled") });
    const error = failure(() => withdraw({ attachment, sources: two }));
    match(
      explain(error),
      /take the address 10.0.0.2\/32 out of trusted zone.*PANIC_MODE.*also: take the address fd00::2\/128/,
    );
    equal(asked(host).length, 2);
    equal(host.connections, 0);
  });
});

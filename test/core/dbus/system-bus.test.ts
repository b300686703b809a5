import { deepEqual, equal, match, throws } from "node:assert/strict";
import { mutate, randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { DbusError } from "../../../core/dbus/dbus-error.ts";
import { type DbusMessage, encodeMessage, SIGNAL } from "../../../core/dbus/message.ts";
import { isNoBus, SystemBus } from "../../../core/dbus/system-bus.ts";
import { CniError, explain, isErrno, rootCause } from "../../../core/errors.ts";
import { useHost } from "../../fake-host.ts";
import { captures, nameAcquired } from "./captures.ts";
import { FakeBus, type FakeBusOptions, type FakeReply } from "./fake-bus.ts";

const name = "org.fedoraproject.FirewallD1";
const yes: FakeReply = { signature: "b", body: [true] };
const zone = { destination: name, path: "/x", interface: `${name}.zone`, member: "querySource" };

/** What a call ends with, on a bus like that. */
function outcome(options: FakeBusOptions, use = (bus: SystemBus): unknown => bus.call(zone)) {
  const bus = useHost(new FakeBus(options));
  let answer: unknown;
  let error: unknown;
  try {
    using connection = SystemBus.open();
    answer = use(connection);
  } catch (thrown) {
    error = thrown;
  }
  equal(bus.connections, 0, "the connection is closed");
  return { bus, answer, error, text: error === undefined ? "" : explain(error) };
}

const ofOthers = (message: Partial<DbusMessage>): Uint8Array =>
  encodeMessage({ type: SIGNAL, flags: 0, serial: 5, ...message });

describe("SystemBus", () => {
  it("says Hello before anything else, and has nobody started", () => {
    const { bus, answer } = outcome({
      reply: ({ member }) => (member === "Hello" ? undefined : yes),
    });
    deepEqual(answer, [true]);
    deepEqual(
      bus.calls.map(({ member, flags }) => [member, flags]),
      [
        ["Hello", 2],
        ["querySource", 2],
      ],
    );
  });

  it("asks the bus who has a name", () => {
    const reply = ({ member, body }: DbusMessage): FakeReply =>
      member === "NameHasOwner" ? { signature: "b", body: [body?.[0] === name] } : undefined;
    deepEqual(outcome({ reply }, (bus) => [bus.hasOwner(name), bus.hasOwner("x.y")]).answer, [
      true,
      false,
    ]);
  });

  it("reads byte by byte, and steps over signals and answers to others", () => {
    const reply = ({ member, serial }: DbusMessage): FakeReply => {
      if (member === "Hello") return undefined;
      const before = [
        nameAcquired,
        ofOthers({ type: 2, replySerial: serial + 1 }),
        ofOthers({ type: 77 }),
      ];
      const answer = ofOthers({ type: 2, replySerial: serial, signature: "s", body: ["here"] });
      return new Uint8Array([...before, answer].flatMap((bytes) => [...bytes]));
    };
    deepEqual(outcome({ reply, chunk: 1 }).answer, ["here"]);
  });

  it("tells errors by their names", () => {
    const reply = ({ member }: DbusMessage): FakeReply =>
      member === "Hello" ? undefined : { error: "a.b.C", text: "UNKNOWN_SOURCE: it" };
    const { error, text } = outcome({ reply });
    const cause = rootCause(error);
    equal(cause instanceof DbusError && cause.errorName, "a.b.C");
    equal(
      text,
      `call querySource of "${name}" on "unix:path=/run/dbus/system_bus_socket": a.b.C: UNKNOWN_SOURCE: it`,
    );
    equal(
      outcome({
        reply: ({ member }) => (member === "Hello" ? undefined : { error: "a.b" }),
      }).text.endsWith(": a.b"),
      true,
    );
  });

  it("ends when Hello is refused", () => {
    const { text } = outcome({
      reply: ({ member }) => (member === "Hello" ? { error: "a.LimitsExceeded" } : undefined),
    });
    match(text, /a\.LimitsExceeded$/);
  });

  it("waits for 5 seconds, however much else is said", () => {
    const { bus, error, text } = outcome({});
    match(text, /no answer within 5000 ms$/);
    equal(error instanceof CniError && error.code, 11);
    equal(bus.now >= 6000 && bus.now < 6100, true);
    const flood: FakeBus = useHost(new FakeBus());
    flood.poll = (fds) => {
      flood.say(nameAcquired);
      flood.now += 100;
      return fds.map(() => 1);
    };
    throws(
      () => SystemBus.open().call({ ...zone, timeoutMs: 300 }),
      (thrown) => /within 300 ms/.test(explain(thrown)),
    );
  });

  it("says so when the bus hangs up", () => {
    const { text } = outcome({ hangsUp: true });
    match(text, /the bus closed the connection$/);
  });

  it("says what the bus said to who it does not take", () => {
    const { error, text } = outcome({ welcome: "REJECTED EXTERNAL ANONYMOUS\r\n" });
    match(text, /the bus does not take user 0: want "OK", got "REJECTED EXTERNAL ANONYMOUS"$/);
    equal(error instanceof CniError && error.code, 50);
    match(outcome({ welcome: "x".repeat(600) }).text, /does not take user 0/);
    match(outcome({ welcome: "OK 0" }).text, /no answer within|does not take|decode/);
  });

  const nobody = { "/run/dbus/system_bus_socket": "ENOENT" };
  it("is told apart from no bus at all", () => {
    const { error } = outcome({ connect: nobody });
    equal(isNoBus(error), true);
    match(
      explain(error),
      /^connect to system bus "unix:path=\/run\/dbus\/system_bus_socket": .*ENOENT/,
    );
    const refused = outcome({ connect: { "/run/dbus/system_bus_socket": "EACCES" } });
    equal(isNoBus(refused.error), false);
  });

  it("takes the first address where somebody listens", () => {
    const environ = ["DBUS_SYSTEM_BUS_ADDRESS=unix:path=/none;unix:path=/old;unix:path=/here"];
    const connect = { "/none": "ENOENT", "/old": "ECONNREFUSED" };
    const { answer } = outcome({ environ, connect }, ({ address }) => address);
    equal(answer, "unix:path=/here");
    const { error } = outcome({ environ, connect: { ...connect, "/here": "EACCES" } });
    equal(isErrno(error, "EACCES"), true);
  });

  it("survives any answer", () => {
    const random = randomNumbers(Number(process.env["NETLINK_FUZZ_SEED"] ?? 1));
    const rounds = Number(process.env["NETLINK_FUZZ_ROUNDS"] ?? 1500);
    let good = 0;
    for (let round = 0; round < rounds; round++) {
      const garble = (bytes: Uint8Array) => (random() % 3 === 0 ? mutate(bytes, random) : bytes);
      const reply = ({ member }: DbusMessage): FakeReply => {
        if (member === "Hello")
          return random() % 2 === 0 ? undefined : captures[random() % captures.length];
        return random() % 2 === 0 ? yes : { error: "a.b", text: "X" };
      };
      const { error } = outcome({ reply, garble });
      if (error === undefined) good += 1;
      else if (!isExpected(rootCause(error))) throw error;
    }
    equal(good > 0 && good < rounds, true);
  });
});

function isExpected(error: unknown): boolean {
  return error instanceof DecodeError || error instanceof DbusError || error instanceof CniError;
}

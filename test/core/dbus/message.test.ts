import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { fuzz } from "netlink-ts/testing/fuzz.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import {
  type DbusMessage,
  encodeMessage,
  METHOD_CALL,
  METHOD_RETURN,
  messageLength,
  parseMessage,
} from "../../../core/dbus/message.ts";
import { captures, hasNoOwner, nameAcquired, nameHasOwner, serviceUnknown } from "./captures.ts";

const rounds = Number(process.env["NETLINK_FUZZ_ROUNDS"] ?? 4500);
const seed = Number(process.env["NETLINK_FUZZ_SEED"] ?? 1);
const described = { encode: encodeMessage, parse: parseMessage };

const call: DbusMessage = {
  type: METHOD_CALL,
  flags: 0,
  serial: 2,
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
  member: "NameHasOwner",
  destination: "org.freedesktop.DBus",
  signature: "s",
  body: ["org.fedoraproject.FirewallD1"],
};

/** One value of each type there is. */
const signature = "ybnqiuxtdsoghvas(sb)a{sv}aax";
const everything: DbusMessage = {
  type: METHOD_RETURN,
  flags: 1,
  serial: 9,
  replySerial: 4294967295,
  signature,
  body: [
    255,
    true,
    -2,
    65535,
    -3,
    4294967295,
    -4n,
    18446744073709551615n,
    0.5,
    "Zoë",
    "/a/b_1",
    "a{sv}",
    3,
    { signature: "(yv)", value: [7, { signature: "s", value: "in it" }] },
    ["", "x"],
    ["inside", false],
    [["key", { signature: "u", value: 1 }]],
    [[1n, 2n], []],
  ],
};

describe("encodeMessage", () => {
  it("makes the bytes that dbus-send makes", () => {
    deepEqual(encodeMessage(call), nameHasOwner);
  });
});

describe("parseMessage", () => {
  it("reads a call, an answer, a signal and an error", () => {
    deepEqual(parseMessage(nameHasOwner), call);
    const { type, replySerial, body } = parseMessage(hasNoOwner);
    deepEqual([type, replySerial, body], [METHOD_RETURN, 2, [false]]);
    equal(parseMessage(nameAcquired).member, "NameAcquired");
    const { errorName, body: [text] = [] } = parseMessage(serviceUnknown);
    equal(errorName, "org.freedesktop.DBus.Error.ServiceUnknown");
    ok(String(text).endsWith("by any .service files"));
  });

  it("reads values of every type back", () => {
    deepEqual(parseMessage(encodeMessage(everything)), everything);
  });

  it("reads the byte order of other machines", () => {
    const bytes = encodeMessage({ type: METHOD_RETURN, flags: 0, serial: 1, replySerial: 2 });
    const swapped = bytes.slice();
    swapped[0] = 0x42;
    // body's length, serial, length of the fields, and the one field
    for (const at of [4, 8, 12, 20]) swapped.set(bytes.slice(at, at + 4).reverse(), at);
    deepEqual(parseMessage(swapped), parseMessage(bytes));
  });

  it("leaves out header fields that it does not know", () => {
    const bytes = encodeMessage({ ...call, sender: ":1.7" });
    const at = bytes.indexOf(7, 100);
    deepEqual([...bytes.subarray(at, at + 4)], [7, 1, 0x73, 0]);
    bytes[at] = 99;
    equal(parseMessage(bytes).sender, undefined);
  });

  it("refuses every truncation", () => {
    for (const each of [...captures, encodeMessage(everything)]) {
      deepEqual(truncations(described, each).accepted, []);
    }
  });

  it(`decodes mutations to a DecodeError or to what encodes to the same: ${rounds} from seed ${seed}`, () => {
    const samples = [...captures, encodeMessage(everything)];
    const { accepted, refused } = fuzz(described, samples, { seed, rounds });
    ok(accepted > 0 && refused > 0);
  });

  const poked = (at: number, ...values: number[]): Uint8Array => {
    const bytes = hasNoOwner.slice();
    bytes.set(values, at);
    return bytes;
  };
  const refused: [string, Uint8Array, RegExp][] = [
    [
      "an order of bytes",
      poked(0, 0x6d),
      /^decode message.order at byte 0: want "l" or "B", got byte 109$/,
    ],
    ["type 0", poked(1, 0), /message.type/],
    ["version 2", poked(3, 2), /message.version at byte 3: want 1, got 2/],
    ["serial 0", poked(8, 0), /message.serial/],
    [
      "a body that is longer than it says",
      poked(4, 0),
      /message at byte 84: want 80 bytes, got 84/,
    ],
    ["a field of another type", poked(18, 0x6f), /want an object's path, got ":1.0"|want type "s"/],
    ["a length without end", poked(12, 0xff, 0xff, 0xff, 0xff), /want at most 1048576 bytes/],
    ["a body without end", poked(4, 0xff, 0xff, 0xff, 0x7f), /want at most 1048576 bytes/],
    ["a boolean that is 2", poked(80, 2), /want 0 or 1 as a boolean, got 2/],
    ["a text with a zero inside", poked(25, 0), /want a text without zeroes/],
    ["a text that is not UTF-8", poked(25, 0xff), /want UTF-8/],
    ["a text without a zero behind it", poked(28, 1), /want a zero behind a text/],
    ["padding that is not zero", poked(29, 1), /want zeroes as padding/],
  ];
  for (const [what, bytes, message] of refused) {
    it(`refuses ${what}`, () => {
      throws(() => parseMessage(bytes), { name: "DecodeError", message });
    });
  }
});

describe("messageLength", () => {
  it("needs sixteen bytes to tell", () => {
    equal(messageLength(nameHasOwner.subarray(0, 15)), undefined);
    equal(messageLength(nameHasOwner.subarray(0, 16)), nameHasOwner.length);
  });
});

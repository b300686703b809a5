import { deepEqual, equal, throws } from "node:assert/strict";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";
import {
  attributes,
  list,
  nestBytes,
  repeated,
  selectedBy,
  unflagged,
} from "netlink-ts/wire/attributes.ts";
import { decode, encode } from "netlink-ts/wire/codec.ts";
import { bytes, cstring, flag, u8, u16, u32 } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";

const table = attributes({
  name: [3, cstring],
  mtu: [4, u32],
  up: [9, flag],
  inner: [18, attributes({ level: [1, u8] })],
  vlan: [7, repeated(struct({ flags: u16, vid: u16 }))],
});

describe("attributes", () => {
  it("encodes in the order of the table, padded to four bytes", () => {
    equal(
      formatHex(encode(table, { mtu: 1500, name: "lo" })),
      "07 00 03 00  6c 6f 00 00  08 00 04 00  dc 05 00 00",
    );
  });
  it("leaves out what is undefined", () => {
    equal(encode(table, { mtu: undefined }).length, 0);
  });
  it("decodes any order", () => {
    deepEqual(decode(table, hex("08 00 04 00 dc 05 00 00  07 00 03 00 6c 6f 00 00")), {
      mtu: 1500,
      name: "lo",
    });
  });
  it("takes a last attribute without padding", () => {
    deepEqual(decode(table, hex("07 00 03 00 6c 6f 00")), { name: "lo" });
  });
  it("takes the last of an attribute that stands twice", () => {
    deepEqual(decode(table, hex("08 00 04 00 01 00 00 00  08 00 04 00 02 00 00 00")), { mtu: 2 });
  });
  it("marks nests with NLA_F_NESTED", () => {
    equal(
      formatHex(encode(table, { inner: { level: 5 } })),
      "0c 00 12 80  05 00 01 00  05 00 00 00",
    );
  });
  it("decodes nests with and without the mark", () => {
    deepEqual(decode(table, hex("0c 00 12 00  05 00 01 00 05 00 00 00")), { inner: { level: 5 } });
  });
  it("encodes a flag without bytes", () =>
    equal(formatHex(encode(table, { up: true })), "04 00 09 00"));
  it("keeps what it does not know, with its flag bits", () => {
    const unknown = hex("08 00 63 80  01 02 03 04");
    const value = decode(table, unknown);
    deepEqual(value, { unknown: [{ type: 0x8063, bytes: hex("01 02 03 04") }] });
    deepEqual(encode(table, value), unknown);
  });
  it("refuses a length under the header's, naming the attribute", () => {
    throws(() => decode(table, hex("03 00 04 00")), {
      name: "DecodeError",
      message: "decode mtu at byte 0: want an attribute length of 4 to 4, got 3",
    });
  });
  it("refuses a length over what is there", () => {
    throws(() => decode(table, hex("0c 00 12 80  09 00 01 00  05 00 00 00")), {
      message: "decode inner.level at byte 4: want an attribute length of 4 to 8, got 9",
    });
  });
  it("refuses a scalar that is too long", () => {
    throws(() => decode(table, hex("09 00 04 00  dc 05 00 00 00 00 00 00")), {
      message: "decode mtu at byte 4: want 4 bytes, got 5",
    });
  });
  it("refuses half a header", () => {
    throws(() => decode(table, hex("04 00")), { message: "decode at byte 0: want 4 bytes, got 2" });
  });
  it("numbers what it cannot name", () => {
    throws(() => decode(table, hex("02 00 63 00")), { message: /^decode attribute 99 at byte 0/ });
  });
  it("names the field that does not fit", () => {
    throws(() => encode(table, { inner: { level: 256 } }), {
      name: "RangeError",
      message: "encode inner.level: want 0 to 255, got 256",
    });
  });
  it("refuses more than 65535 bytes", () => {
    const wide = attributes({ data: [1, bytes] });
    throws(() => encode(wide, { data: new Uint8Array(65532) }), {
      message: "encode data: want at most 65535 bytes in one attribute, got 65536",
    });
  });
  it("lets a struct be longer than it knows", () => {
    const known = attributes({ info: [1, struct({ a: u16 })] });
    deepEqual(decode(known, hex("08 00 01 00  01 00 02 00")), { info: { a: 1 } });
  });
});

describe("attributes.pick", () => {
  it("steps over what is not picked", () => {
    const bytes = encode(table, { mtu: 9, name: "lo", unknown: [{ type: 99, bytes: hex("01") }] });
    deepEqual(decode(table.pick("mtu"), bytes), { mtu: 9 });
  });
  it("keeps unknown attributes when asked", () => {
    const bytes = encode(table, { mtu: 9, unknown: [{ type: 99, bytes: hex("01") }] });
    deepEqual(decode(table.pick("unknown"), bytes), {
      unknown: [
        { type: 4, bytes: hex("09 00 00 00") },
        { type: 99, bytes: hex("01") },
      ],
    });
  });
});

describe("repeated", () => {
  const vlans = hex("08 00 07 00 02 00 0a 00  08 00 07 00 04 00 0b 00");
  it("collects what stands side by side", () => {
    deepEqual(decode(table, vlans), {
      vlan: [
        { flags: 2, vid: 10 },
        { flags: 4, vid: 11 },
      ],
    });
  });
  it("encodes to the same bytes", () => deepEqual(encode(table, decode(table, vlans)), vlans));
  it("stands in a table only", () => {
    throws(() => encode(repeated(u8), [1]), TypeError);
  });
});

describe("list", () => {
  const numbers = list(u32);
  const two = hex("08 00 01 00 05 00 00 00  08 00 01 00 06 00 00 00");
  it("holds items of one type", () => deepEqual(decode(numbers, two), [5, 6]));
  it("encodes to the same bytes", () => deepEqual(encode(numbers, [5, 6]), two));
  it("names the item by its place", () => {
    throws(() => decode(numbers, hex("08 00 01 00 05 00 00 00  06 00 01 00 06 00")), {
      message: "decode 1 at byte 12: want 4 bytes, got 2",
    });
  });
  it("refuses another type", () => {
    throws(() => decode(numbers, hex("08 00 02 00 05 00 00 00")), {
      message: "decode 0 at byte 0: want list item of type 1, got 2",
    });
  });
  it("names the item that does not fit", () => {
    throws(() => encode(numbers, [1, -1]), { message: /^encode 1: want 0 to 4294967295/ });
  });
});

describe("selectedBy", () => {
  const kinds = { small: attributes({ id: [1, u8] }), wide: attributes({ id: [1, u32] }) };
  const info = attributes({ kind: [1, cstring], data: [2, unflagged(selectedBy("kind", kinds))] });
  const small = hex("0a 00 01 00 73 6d 61 6c 6c 00 00 00  0c 00 02 00  05 00 01 00 07 00 00 00");

  it("decodes by the sibling", () =>
    deepEqual(decode(info, small), { kind: "small", data: { id: 7 } }));
  it("encodes to the same bytes", () => deepEqual(encode(info, decode(info, small)), small));
  it("leaves bytes what nothing describes", () => {
    const other = hex("07 00 01 00 6f 6f 00 00  06 00 02 00 01 02 00 00");
    deepEqual(decode(info, other), { kind: "oo", data: hex("01 02") });
    deepEqual(encode(info, decode(info, other)), other);
  });
  it("does not take inherited names for kinds", () => {
    deepEqual(decode(info, encode(info, { kind: "toString", data: hex("01") })), {
      kind: "toString",
      data: hex("01"),
    });
  });
  it("refuses to encode an object that nothing describes", () => {
    throws(() => encode(info, { kind: "none", data: { id: 1 } }), {
      name: "TypeError",
      message: 'nothing describes the payload that "kind" selects',
    });
  });
  it("refuses a selector that comes late", () => {
    throws(() => decode(info, hex("05 00 02 00 01 00 00 00  06 00 01 00 61 00 00 00")), {
      name: "DecodeError",
      message: 'decode kind at byte 8: want it before "data"',
    });
  });
});

describe("nestBytes", () => {
  it("is marked as a nest and left alone", () => {
    const port = attributes({ port: [62, nestBytes] });
    deepEqual(encode(port, decode(port, hex("04 00 3e 80"))), hex("04 00 3e 80"));
  });
});

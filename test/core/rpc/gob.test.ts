import { deepEqual, equal, ok, throws } from "node:assert/strict";
import fc from "fast-check";
import { mutate, randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { formatHex, hex } from "netlink-ts/testing/hex.ts";
import { Reader, Writer } from "netlink-ts/wire/cursor.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { GobDecoder } from "../../../core/rpc/gob-decoder.ts";
import { GobEncoder, type GobShape } from "../../../core/rpc/gob-encoder.ts";
import { readFloat, readInt, readUint, writeInt, writeUint } from "../../../core/rpc/gob-wire.ts";
import { capturedGob } from "./capture.ts";

function written(write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer();
  write(writer);
  return writer.finish();
}

const streams = ["plugin-allocate", "daemon-lease", "daemon-released", "daemon-refuses"];

describe("gob's numbers", () => {
  // the examples of the package's documentation
  it("are written as encoding/gob says", () => {
    equal(formatHex(written((writer) => writeUint(writer, 7n))), "07");
    equal(formatHex(written((writer) => writeUint(writer, 256n))), "fe 01 00");
    equal(formatHex(written((writer) => writeInt(writer, -129n))), "fe 01 01");
    equal(readFloat(new Reader(hex("fe 31 40"))), 17);
  });

  it("come back as they were", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        equal(readInt(new Reader(written((writer) => writeInt(writer, value)))), value);
        const bits = BigInt.asUintN(64, value);
        equal(readUint(new Reader(written((writer) => writeUint(writer, bits)))), bits);
      }),
    );
  });

  it("are refused when they are longer than 8 bytes, or cut", () => {
    const message = "decode at byte 0: want at most 8 bytes of a number, got 9";
    throws(() => readUint(new Reader(hex("f7 01 02 03 04 05 06 07 08 09"))), { message });
    throws(() => readUint(new Reader(hex("fe 01"))), DecodeError);
  });
});

describe("GobDecoder", () => {
  it("reads a struct of Go, type and all", () => {
    const [header, lease] = new GobDecoder().feed(capturedGob("daemon-lease"));
    deepEqual(header, { ServiceMethod: "DHCP.Allocate" });
    const { IPs, Routes, DNS } = lease as Record<string, unknown>;
    deepEqual(DNS, {});
    deepEqual(IPs, [
      {
        Address: { IP: Uint8Array.of(192, 168, 1, 5), Mask: Uint8Array.of(255, 255, 255, 0) },
        Gateway: Uint8Array.of(192, 168, 1, 1),
      },
    ]);
    equal((Routes as { Priority: number }[])[1]?.Priority, 9);
  });

  for (const name of streams) {
    it(`reads ${name} the same however it is cut`, () => {
      const bytes = capturedGob(name);
      const whole = new GobDecoder().feed(bytes);
      equal(whole.length, 2);
      const bytewise = new GobDecoder();
      deepEqual(
        [...bytes].flatMap((byte) => bytewise.feed(Uint8Array.of(byte))),
        whole,
      );
    });
  }

  // type T struct { B bool; I int; U uint; F float64; C complex128; M map[string]int; A [2]string; X any; N *T }
  it("reads every kind of value", () => {
    const parts = [
      // wireType of id 65: struct T, fields B I U F C M A X of built-in types or 66 (map) and 67 (array)
      "ff 81 03 01 01 01 54 01 ff 82 00 01 08 01 01 42 01 02 00 01 01 49 01 04 00 01 01 55 01 06 00 01 01 46 01 08 00 01 01 43 01 0e 00 01 01 4d 01 ff 84 00 01 01 41 01 ff 86 00 01 01 58 01 10 00 00 00",
      "ff 83 04 01 02 ff 84 00 01 0c 01 04 00 00",
      "ff 85 01 01 02 ff 86 00 01 0c 01 04 00 00",
      "ff 82 01 01 01 05 01 fe 01 00 01 fe 31 40 01 fe f0 3f fe f0 3f 01 01 01 6b 06 01 02 01 61 01 62 01 03 69 6e 74 04 02 00 0e 00",
    ].map(hex);
    const stream = parts.flatMap((part) => [part.length, ...part]);
    const [value] = new GobDecoder().feed(Uint8Array.from(stream));
    deepEqual(value, {
      B: true,
      I: -3,
      U: 256,
      F: 17,
      C: [1, 1],
      M: new Map([["k", 3]]),
      A: ["a", "b"],
      X: { type: "int", value: 7 },
    });
  });

  it("reads a value that is no struct", () => {
    deepEqual(new GobDecoder().feed(hex("03 04 00 06")), [3]);
    deepEqual(new GobDecoder().feed(hex("05 0c 00 02 68 69")), ["hi"]);
  });

  it("gives integers that a number cannot hold as bigints", () => {
    const bytes = hex("0b 06 00 f8 ff ff ff ff ff ff ff ff");
    deepEqual(new GobDecoder().feed(bytes), [2n ** 64n - 1n]);
  });

  const refusals: [what: string, bytes: string, message: RegExp][] = [
    [
      "a message without an end in sight",
      "f8 ff ff ff ff ff ff ff ff",
      /want at most 16777216, got/,
    ],
    ["a type that nobody described", "04 ff 90 00 00", /want a type that was described, got 72/],
    ["a type under a built-in id", "02 07 00", /want a new id from 64 on, got 4/],
    ["bytes behind a value", "04 04 00 06 00", /want the end, got 1 more bytes/],
    ["a list longer than the message", "05 0a 00 7f 00 00", /want at most 3, got 127/],
    ["a value without the zero before it", "03 04 01 06", /want 0 before it, got 1/],
  ];
  for (const [what, bytes, message] of refusals) {
    it(`refuses ${what}`, () => {
      throws(() => new GobDecoder().feed(hex(bytes)), { name: "DecodeError", message });
    });
  }

  it("refuses what goes in circles", () => {
    // type T []T, and a value of one in one in one …
    const type = hex("ff 81 02 01 02 ff 82 00 01 ff 82 00 00");
    const value = Uint8Array.from([0xff, 0x82, 0x00, ...new Array(120).fill(1), 0]);
    const stream = Uint8Array.from([type.length, ...type, value.length, ...value]);
    throws(() => new GobDecoder().feed(stream), { message: /want at most 100 levels, got more/ });
  });

  it("ends in a DecodeError or in values, whatever is done to a stream", () => {
    const random = randomNumbers(7);
    let refused = 0;
    for (let round = 0; round < 5000; round++) {
      const name = streams[random() % streams.length] as string;
      try {
        new GobDecoder().feed(mutate(capturedGob(name), random));
      } catch (error) {
        ok(error instanceof DecodeError, String(error));
        refused++;
      }
    }
    ok(refused > 1000, `${refused} refused`);
  });
});

describe("GobEncoder", () => {
  const inner = { struct: "Inner", fields: { Name: "string", Data: "bytes" } } as const;
  const shape = {
    struct: "Outer",
    fields: { Flag: "bool", Count: "int", Size: "uint", One: inner, Many: { list: inner } },
  } as const satisfies GobShape;

  it("writes what its reader reads, each type once", () => {
    const [encoder, decoder] = [new GobEncoder(), new GobDecoder()];
    const name = fc.string({ unit: "grapheme", minLength: 1 });
    const entry = name.map((Name) => ({ Name }));
    const members = {
      Count: fc.integer({ min: -1000, max: -1 }),
      Size: fc.integer({ min: 1 }),
      Flag: fc.constant(true),
      One: entry,
      Many: fc.array(entry, { minLength: 1 }),
    };
    const value = fc.record(members, { noNullPrototype: true });
    fc.assert(
      fc.property(value, (given) => {
        deepEqual(decoder.feed(encoder.encode(shape, given)), [given]);
      }),
    );
  });

  it("tells each stream what that stream has not been told, whatever others were", () => {
    const inner = { struct: "Inner", fields: { Name: "string" } } as const;
    const one = { struct: "One", fields: { In: inner } } as const;
    const two = { struct: "Two", fields: { In: inner, Twice: { list: inner } } } as const;
    const value = { In: { Name: "x" } };
    const told = (...shapes: (GobShape & { struct: string })[]) => {
      const [encoder, decoder] = [new GobEncoder(), new GobDecoder()];
      return shapes.map((each) => {
        const bytes = encoder.encode(each, value);
        deepEqual(decoder.feed(bytes), [value]);
        return bytes.length;
      });
    };
    const [first = 0, second = 0, again = 0] = told(one, two, one);
    for (let times = 0; times < 2; times++) {
      deepEqual(told(one, two, one), [first, second, again]);
      const [before = 0, behind = 0] = told(two, one);
      equal(
        before - second,
        first - behind,
        "the inner type is told once, with whichever comes first",
      );
    }
    ok(again < first);
  });

  it("leaves out what is zero", () => {
    const bytes = new GobEncoder().encode(shape, { Flag: false, Count: 0, One: {}, Many: [] });
    deepEqual(new GobDecoder().feed(bytes), [{ One: {} }]);
  });

  it("writes a struct of Go as Go does", () => {
    const fields = { ServiceMethod: "string", Seq: "uint", Error: "string" } as const;
    const reply = { ServiceMethod: "DHCP.Release", Seq: 0 };
    const bytes = new GobEncoder().encode({ struct: "Response", fields }, reply);
    equal(formatHex(bytes), formatHex(capturedGob("daemon-released").slice(0, bytes.length)));
  });
});

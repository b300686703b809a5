import { deepEqual, equal, throws } from "node:assert/strict";
import * as z from "zod/mini";

import { parseConfig } from "../../../core/cni/config.ts";
import {
  cidrField,
  dnsField,
  integerField,
  interfaceNameField,
  ipField,
  macField,
  mtuField,
  routeField,
  unsetIfEmpty,
} from "../../../core/cni/fields.ts";

const parse = (field: z.ZodMiniType, value: unknown) =>
  (parseConfig(z.object({ key: z.optional(field) }), { key: value }) as { key: unknown }).key;

describe("fields", () => {
  // [name, field, value, what it becomes]
  const good: [string, z.ZodMiniType, unknown, unknown][] = [
    ["ipField", ipField, "10.1.0.1", Uint8Array.of(10, 1, 0, 1)],
    ["cidrField", cidrField, "10.1.0.5/8", { address: Uint8Array.of(10, 1, 0, 5), length: 8 }],
    ["macField", macField, "02:00:5E:10:00:01", Uint8Array.of(2, 0, 0x5e, 0x10, 0, 1)],
    ["mtuField", mtuField, 0, 0],
    ["mtuField", mtuField, 65535, 65535],
    ["interfaceNameField", interfaceNameField, "br-0", "br-0"],
    ["routeField", routeField, { dst: "FD00::1/64", gw: "" }, { dst: "fd00::1/64", gw: undefined }],
    ["routeField", routeField, { dst: "::/0", table: 0, x: 1 }, { dst: "::/0", table: 0 }],
    ["dnsField", dnsField, {}, {}],
    ["dnsField", dnsField, { search: ["a"], domain: "" }, { search: ["a"], domain: "" }],
    ["unsetIfEmpty", unsetIfEmpty(ipField), "", undefined],
    ["unsetIfEmpty", unsetIfEmpty(ipField), undefined, undefined],
  ];
  for (const [name, field, value, wanted] of good) {
    it(`${name} reads ${JSON.stringify(value)}`, () => deepEqual(parse(field, value), wanted));
  }

  it("routeField leaves an absent key absent", () => {
    deepEqual(Object.keys(parse(routeField, { dst: "::/0" }) as object), ["dst"]);
  });

  // [name, field, value, code, message]
  const mapped = '"key": want an IP address with a prefix length, got "x"';
  const bad: [string, z.ZodMiniType, unknown, number, string][] = [
    ["ipField", ipField, "10.1.0.01", 7, '"key": want an IP address, got "10.1.0.01"'],
    ["ipField", ipField, 5, 6, '"key": want a string, got 5'],
    ["cidrField", cidrField, "x", 7, mapped],
    ["mtuField", mtuField, 65536, 7, '"key": want at most 65535, got 65536'],
    ["mtuField", mtuField, 1.5, 6, '"key": want an integer, got 1.5'],
    ["integerField", integerField(1, 5), 0, 7, '"key": want at least 1, got 0'],
    [
      "interfaceNameField",
      interfaceNameField,
      "a b",
      7,
      '"key": interface name contains / or : or whitespace characters, got "a b"',
    ],
    ["interfaceNameField", interfaceNameField, "", 7, '"key": interface name is empty, got ""'],
    ["routeField", routeField, {}, 7, '"key.dst" is missing: want a string'],
    [
      "routeField",
      routeField,
      { dst: "::/0", scope: 256 },
      7,
      '"key.scope": want at most 255, got 256',
    ],
    ["dnsField", dnsField, [], 6, '"key": want an object, got a list'],
    ["enum", z.enum(["a", "b"]), "c", 7, '"key": want "a" or "b", got "c"'],
    [
      "union",
      z.union([z.number(), z.object({ a: z.number() })]),
      { a: "x" },
      7,
      '"key.a": want a number, got "x"',
    ],
    [
      "length",
      z.string().check(z.maxLength(2)),
      "abc",
      7,
      '"key": want at most 2 characters, got "abc"',
    ],
    [
      "list",
      z.array(z.number()).check(z.minLength(1)),
      [],
      7,
      '"key": want at least 1 entries, got a list',
    ],
    [
      "regex",
      z.string().check(z.regex(/^a$/)),
      "b",
      7,
      '"key": want a text of the form /^a$/, got "b"',
    ],
    [
      "refine",
      z.string().check(z.refine((text) => text === "a", "is not a")),
      "b",
      7,
      '"key": is not a',
    ],
  ];
  for (const [name, field, value, code, message] of bad) {
    it(`${name} refuses ${JSON.stringify(value)}`, () => {
      throws(() => parse(field, value), { name: "CniError", code, message });
    });
  }

  it("cuts a long value in a message", () => {
    throws(
      () => parse(mtuField, "x".repeat(1000)),
      ({ message }: Error) => {
        equal(message.length < 150, true);
        return true;
      },
    );
  });
});

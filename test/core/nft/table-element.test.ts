import { deepEqual, equal, throws } from "node:assert/strict";
import { parseCidr, parseIp, parseMac } from "../../../core/net/address.ts";
import { bridgeElements } from "../../../core/nft/bridges.ts";
import { describeElement, describePlace } from "../../../core/nft/describe-element.ts";
import { addressCheckElements, macCheckElements } from "../../../core/nft/mac-check.ts";
import { directElement, masqueradeElements, podElements } from "../../../core/nft/masquerade.ts";
import {
  decodeElements,
  encodeElements,
  ifnameField,
  samePlace,
  tableElement,
} from "../../../core/nft/table-element.ts";

const attachment = { network: "net", containerId: "c1", ifname: "eth0" };
const owner = "net/c1:eth0";
const texts = (elements: Parameters<typeof describeElement>[0][]) => elements.map(describeElement);

describe("masqueradeElements", () => {
  it("are the address, owned, and the subnet against itself, the network's", () => {
    const elements = masqueradeElements(attachment, [
      parseCidr("10.1.2.5/24"),
      parseCidr("fd00::5/64"),
    ]);
    deepEqual(texts(elements), [
      "masq4 { 10.1.2.5 }",
      "direct4 { 10.1.2.0-10.1.2.255 . 10.1.2.0-10.1.2.255 }",
      "masq6 { fd00::5 }",
      "direct6 { fd00::-fd00::ffff:ffff:ffff:ffff . fd00::-fd00::ffff:ffff:ffff:ffff }",
    ]);
    deepEqual(
      elements.map((each) => each.owner),
      [owner, "net", owner, "net"],
    );
  });

  it("take a host route and the whole of IPv4", () => {
    deepEqual(
      texts(masqueradeElements(attachment, [parseCidr("10.1.2.5/32")]))[1],
      "direct4 { 10.1.2.5 . 10.1.2.5 }",
    );
    const all = directElement("net", parseCidr("10.1.2.5/24"), parseCidr("0.0.0.0/0"));
    equal(describeElement(all), "direct4 { 10.1.2.0-10.1.2.255 . 0.0.0.0-255.255.255.255 }");
  });
});

describe("podElements", () => {
  it("are one an address", () => {
    deepEqual(texts(podElements(attachment, [parseIp("10.1.2.5"), parseIp("fd00::5")])), [
      "pods4 { 10.1.2.5 }",
      "pods6 { fd00::5 }",
    ]);
  });
});

describe("bridgeElements", () => {
  it("name the bridge and it with itself, for nobody", () => {
    deepEqual(texts(bridgeElements("br0")), [
      'bridges { "br0" }',
      'same { "br0" . "br0" }',
      'near { "br0" . "br0" }',
    ]);
    deepEqual(
      bridgeElements("br0").map((each) => each.owner),
      [undefined, undefined, undefined],
    );
  });
});

describe("macCheckElements, addressCheckElements", () => {
  it("bind the port to MAC and addresses", () => {
    const mac = parseMac("02:00:00:00:00:01");
    const addresses = [parseIp("10.1.2.5"), parseIp("fe80::1")];
    deepEqual(macCheckElements(attachment, "veth0", mac).map(describePlace), [
      'bridge netloom mac_ports { "veth0" }',
      'bridge netloom mac { "veth0" . 02:00:00:00:00:01 }',
    ]);
    deepEqual(texts(addressCheckElements(attachment, "veth0", addresses)), [
      'ip_ports { "veth0" }',
      'addr4 { "veth0" . 10.1.2.5 }',
      'addr6 { "veth0" . fe80::1 }',
      'target6 { "veth0" . 0xfe800000000000000000000000000001 }',
    ]);
  });
});

describe("tableElement", () => {
  it("refuses an interface name over 16 bytes", () => {
    throws(() => tableElement("bridges", [ifnameField("seventeen-bytes-x")]), RangeError);
  });
});

describe("encodeElements", () => {
  const elements = [
    ...masqueradeElements(attachment, [parseCidr("10.1.2.5/24")]).map((each) => ({
      ...each,
      owner,
    })),
    tableElement("any4", [new Uint8Array([6]), new Uint8Array([31, 144])], {
      data: [parseIp("10.1.2.5"), new Uint8Array([0, 80])],
      owner,
    }),
  ];

  it("is one line an element", () => {
    deepEqual(encodeElements(elements), [
      "masq4 0a010205",
      "direct4 0a0102000a010200-0a0102ff0a0102ff",
      "any4 060000001f900000=0a01020500500000",
    ]);
  });

  it("is read back to the same, with the record's owner", () => {
    deepEqual(decodeElements(encodeElements(elements), owner), elements);
  });

  it("is read without what is no element of ours", () => {
    deepEqual(
      decodeElements(["", "nonsense", "masq5 00", "constructor 00", "masq4 xyz", "masq4 0a010205"]),
      [tableElement("masq4", [parseIp("10.1.2.5")])],
    );
  });

  it("is read without keys and data that do not fit their set, which the kernel would refuse", () => {
    const bad = [
      "masq4 0a0102",
      "masq4 0a01020",
      "masq4 0a010205=0a010205",
      "masq4 0a010205-0a010206",
      "any4 060000001f410000",
      "any4 060000001f410000=0a470002",
      "range4 000000000600000000500000-00000000=0a470002",
    ];
    deepEqual(decodeElements(bad), []);
  });
});

describe("samePlace", () => {
  const [one] = masqueradeElements(attachment, [parseCidr("10.1.2.5/24")]);

  it("looks at set and key, not at the owner", () => {
    equal(samePlace(one!, { ...one!, owner: "other" }), true);
    equal(samePlace(one!, { ...one!, set: "snat4" }), false);
    equal(samePlace(one!, { ...one!, key: parseIp("10.1.2.6") }), false);
  });
});

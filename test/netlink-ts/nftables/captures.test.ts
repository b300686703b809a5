import { deepEqual, equal, ok } from "node:assert/strict";
import { Batch } from "netlink-ts/netlink/batch.ts";
import { NLM_F_CREATE, NLM_F_EXCL } from "netlink-ts/netlink/flags.ts";
import { Frames } from "netlink-ts/netlink/frame.ts";
import { type Request, request } from "netlink-ts/netlink/request.ts";
import { batchMessage, closeTransaction, openTransaction } from "netlink-ts/nftables/batch.ts";
import { chainMessage, newChain } from "netlink-ts/nftables/chain.ts";
import { NF_ACCEPT, NF_DROP, NFT_JUMP, NFT_RETURN } from "netlink-ts/nftables/data.ts";
import * as type from "netlink-ts/nftables/data-types.ts";
import { deleteElements, elementsMessage, newElements } from "netlink-ts/nftables/element.ts";
import { bitwise } from "netlink-ts/nftables/expr/bitwise.ts";
import { byteorder } from "netlink-ts/nftables/expr/byteorder.ts";
import { cmp, NFT_CMP_EQ, NFT_CMP_NEQ } from "netlink-ts/nftables/expr/cmp.ts";
import { counter } from "netlink-ts/nftables/expr/counter.ts";
import { ct, NFT_CT_STATE, NFT_CT_STATUS } from "netlink-ts/nftables/expr/ct.ts";
import type { Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { fib, NFT_FIB_RESULT_ADDRTYPE, NFTA_FIB_F_DADDR } from "netlink-ts/nftables/expr/fib.ts";
import { verdict } from "netlink-ts/nftables/expr/immediate.ts";
import { lookup, NFT_LOOKUP_F_INV } from "netlink-ts/nftables/expr/lookup.ts";
import * as metaKey from "netlink-ts/nftables/expr/meta.ts";
import { NFT_NAT_DNAT, nat } from "netlink-ts/nftables/expr/nat.ts";
import { payload } from "netlink-ts/nftables/expr/payload.ts";
import { ICMP_PORT_UNREACH, reject } from "netlink-ts/nftables/expr/reject.ts";
import { match } from "netlink-ts/nftables/expr/xtables.ts";
import {
  NFPROTO_BRIDGE as bridge,
  NFPROTO_INET as inet,
  NFPROTO_IPV4 as ip4,
  NFPROTO_IPV6 as ip6,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWTABLE,
} from "netlink-ts/nftables/nfgenmsg.ts";
import { appendRule, deleteRule, insertRule, ruleMessage } from "netlink-ts/nftables/rule.ts";
import { newSet, setMessage } from "netlink-ts/nftables/set.ts";
import { deleteTable, newTable, tableMessage } from "netlink-ts/nftables/table.ts";
import { commentUserData } from "netlink-ts/nftables/user-data.ts";
import { fuzz } from "netlink-ts/testing/fuzz.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import type { Message } from "netlink-ts/wire/message.ts";

import { capture } from "./capture.ts";

const { meta } = metaKey;
const ip = (text: string) => new Uint8Array(text.split(".").map(Number));
const bytes = (...values: number[]) => new Uint8Array(values);
const name16 = (text: string) => {
  const name = new Uint8Array(16);
  name.set(new TextEncoder().encode(text));
  return name;
};
const v6 = (hex: string) => new Uint8Array(Buffer.from(hex, "hex"));
const port = (number: number) => bytes(number >> 8, number & 0xff);
const tcp = bytes(6);
const udp = bytes(17);

const proto4 = [
  meta({ key: metaKey.NFT_META_NFPROTO, dreg: 1 }),
  cmp({ sreg: 1, operator: NFT_CMP_EQ, data: { value: bytes(ip4) } }),
];
const proto6 = [
  meta({ key: metaKey.NFT_META_NFPROTO, dreg: 1 }),
  cmp({ sreg: 1, operator: NFT_CMP_EQ, data: { value: bytes(ip6) } }),
];
const l4proto = (dreg: number) => meta({ key: metaKey.NFT_META_L4PROTO, dreg });
const load = (dreg: number, base: number, offset: number, length: number) =>
  payload({ dreg, base, offset, length });
const equals = (value: Uint8Array, operator = NFT_CMP_EQ) =>
  cmp({ sreg: 1, operator, data: { value } });
const masked = (mask: Uint8Array, xor = bytes(0, 0, 0, 0), operator?: number) =>
  bitwise({ sreg: 1, dreg: 1, operator, length: 4, mask: { value: mask }, xor: { value: xor } });
const dnat = (family: number, protocolMin?: number) =>
  nat({ type: NFT_NAT_DNAT, family, addressMin: 1, protocolMin });
const mark = meta({ key: metaKey.NFT_META_MARK, dreg: 1 });
const setMark = meta({ key: metaKey.NFT_META_MARK, sreg: 1 });
const compat = { protocol: 0, flags: 0 };
const zeroCounter = counter({ bytes: 0n, packets: 0n });
const xtComment = (text: string) => {
  const info = new Uint8Array(256);
  info.set(new TextEncoder().encode(text));
  return match({ name: "comment", revision: 0, info });
};

const setTypes: Record<string, [string, type.SetDescription, number?]> = {
  "05-set-address": ["pods4", { key: [type.ipv4Addr] }],
  "06-set-ifname": ["bridges", { key: [type.ifname] }],
  "06-set-ifname-pair": ["same", { key: [type.ifname, type.ifname] }],
  "07-set-interval-concat": ["direct4", { key: [type.ipv4Addr, type.ipv4Addr], interval: true }],
  "08-map-concat": [
    "any4",
    { key: [type.inetProto, type.inetService], data: [type.ipv4Addr, type.inetService] },
  ],
  "09-map-hostip": [
    "port4",
    {
      key: [type.inetProto, type.ipv4Addr, type.inetService],
      data: [type.ipv4Addr, type.inetService],
    },
  ],
  "10-map-v6": [
    "port6",
    {
      key: [type.inetProto, type.ipv6Addr, type.inetService],
      data: [type.ipv6Addr, type.inetService],
    },
  ],
  "11-map-range": [
    "range4",
    {
      key: [type.ipv4Addr, type.inetProto, type.inetService],
      data: [type.ipv4Addr],
      interval: true,
    },
  ],
};

const elementTypes = {
  any4: setTypes["08-map-concat"]![1],
  port4: setTypes["09-map-hostip"]![1],
  port6: setTypes["10-map-v6"]![1],
  range4: setTypes["11-map-range"]![1],
};
const key = (set: keyof typeof elementTypes, ...fields: Uint8Array[]) => ({
  value: type.joinFields(elementTypes[set].key, fields),
});
const data = (set: keyof typeof elementTypes, ...fields: Uint8Array[]) => ({
  value: type.joinFields(elementTypes[set].data!, fields),
});
const rule = (chain: string, expressions: Expression[], table = "t", family = inet) =>
  [appendRule, { family, table, chain, expressions }] as const;
const elements = (set: string, setId: number, element: object, table = "t", family = inet) =>
  [newElements, { family, table, set, setId, elements: [element] }] as const;
const plain = <I, R>(of: Request<I, R>): Request<I, R> => ({ ...of, flags: 1 });

/** What each capture's command is in our words: the requests between the brackets. */
const descriptions: Record<string, readonly (readonly [Request<never>, object])[]> = {
  "01-table": [
    [
      plain(newTable),
      { family: inet, name: "t", flags: 0, userdata: commentUserData("netloom 1") },
    ],
  ],
  "02-base-chain": [
    [
      newChain,
      {
        family: inet,
        table: "t",
        name: "fw",
        type: "filter",
        policy: NF_ACCEPT,
        hook: { number: 2, priority: -10 },
      },
    ],
  ],
  "03-nat-chain": [
    [
      newChain,
      {
        family: inet,
        table: "t",
        name: "pre",
        type: "nat",
        policy: NF_ACCEPT,
        hook: { number: 0, priority: -90 },
      },
    ],
  ],
  "04-chain": [[newChain, { family: inet, table: "t", name: "ports" }]],
  ...Object.fromEntries(
    Object.entries(setTypes).map(([file, [name, description]]) => [
      file,
      [[newSet, { family: inet, table: "t", name, id: 1, ...type.describeSet(description) }]],
    ]),
  ),
  "12-set-mac": [
    [
      newSet,
      {
        family: inet,
        table: "t",
        name: "mac",
        id: 1,
        ...type.describeSet({ key: [type.ifname, type.etherAddr] }),
      },
    ],
  ],
  "13-set-typeof-raw": [
    [
      newSet,
      {
        family: bridge,
        table: "b",
        name: "target6b",
        id: 1,
        ...type.describeSet({
          key: [type.ifname, type.rawBytes(16)],
          keyTypeof: type.typeofKey(
            type.typeofMeta(metaKey.NFT_META_IIFNAME),
            type.typeofPayload(3, 64, 128),
          ),
        }),
      },
    ],
  ],
  "20-element-address-comment": [
    elements("pods4", 1, {
      key: { value: ip("10.71.0.2") },
      userdata: commentUserData("net/c1:eth0"),
    }),
  ],
  "21-element-map": [
    elements("any4", 5, {
      key: key("any4", tcp, port(8080)),
      data: data("any4", ip("10.71.0.2"), port(80)),
      userdata: commentUserData("net/c1:eth0"),
    }),
  ],
  "22-element-map-hostip": [
    elements("port4", 6, {
      key: key("port4", udp, ip("127.0.0.1"), port(8081)),
      data: data("port4", ip("10.71.0.2"), port(80)),
    }),
  ],
  "23-element-map-v6": [
    elements("port6", 7, {
      key: key("port6", tcp, v6("20010db8000000000000000000000001"), port(8082)),
      data: data("port6", v6("fd710000000000000000000000000002"), port(80)),
    }),
  ],
  "24-element-range": [
    elements("range4", 8, {
      key: key("range4", ip("0.0.0.0"), tcp, port(30000)),
      keyEnd: key("range4", ip("255.255.255.255"), tcp, port(30999)),
      data: data("range4", ip("10.71.0.2")),
    }),
  ],
  "25-element-interval-pair": [
    elements("direct4", 4, {
      key: { value: bytes(10, 71, 0, 0, 10, 96, 0, 0) },
      keyEnd: { value: bytes(10, 71, 0, 255, 10, 111, 255, 255) },
    }),
  ],
  "26-element-ifname-pair": [
    elements("same", 3, {
      key: { value: type.joinFields([type.ifname, type.ifname], [name16("br0"), name16("br0")]) },
    }),
  ],
  "27-element-mac": [
    elements("mac", 9, {
      key: {
        value: type.joinFields(
          [type.ifname, type.etherAddr],
          [name16("vB"), bytes(2, 0, 0, 0, 0, 1)],
        ),
      },
    }),
  ],
  "28-delete-element": [
    [
      deleteElements,
      {
        family: inet,
        table: "t",
        set: "any4",
        elements: [{ key: key("any4", tcp, port(8080)) }],
      },
    ],
  ],
  "29-delete-element-range": [
    [
      deleteElements,
      {
        family: inet,
        table: "t",
        set: "range4",
        elements: [
          {
            key: key("range4", ip("0.0.0.0"), tcp, port(30000)),
            keyEnd: key("range4", ip("255.255.255.255"), tcp, port(30999)),
          },
        ],
      },
    ],
  ],
  "30-element-typeof-raw": [
    elements(
      "target6",
      11,
      {
        key: {
          value: type.joinFields(
            [type.ifname, type.rawBytes(16)],
            [name16("vB"), v6("fd710000000000000000000000000003")],
          ),
        },
      },
      "b",
      bridge,
    ),
  ],
  "40-rule-dnat-map": [
    rule("ports", [
      l4proto(1),
      load(9, 2, 2, 2),
      lookup({ sreg: 1, dreg: 1, set: "any4", setId: 5 }),
      dnat(ip4, 9),
    ]),
  ],
  "41-rule-dnat-map-hostip": [
    rule("ports", [
      ...proto4,
      l4proto(1),
      load(9, 1, 16, 4),
      load(10, 2, 2, 2),
      lookup({ sreg: 1, dreg: 1, set: "port4", setId: 6 }),
      dnat(ip4, 9),
    ]),
  ],
  "42-rule-dnat-map-v6": [
    rule("ports", [
      ...proto6,
      l4proto(1),
      load(9, 1, 24, 16),
      load(13, 2, 2, 2),
      lookup({ sreg: 1, dreg: 1, set: "port6", setId: 7 }),
      dnat(ip6, 2),
    ]),
  ],
  "43-rule-dnat-range": [
    rule("ports", [
      ...proto4,
      load(1, 1, 16, 4),
      l4proto(9),
      byteorder({ sreg: 9, dreg: 9, operator: 1, length: 1, size: 2 }),
      load(10, 2, 2, 2),
      lookup({ sreg: 1, dreg: 1, set: "range4", setId: 8 }),
      dnat(ip4),
    ]),
  ],
  "44-rule-fib-local-jump": [
    rule("pre", [
      fib({ flags: NFTA_FIB_F_DADDR, result: NFT_FIB_RESULT_ADDRTYPE, dreg: 1 }),
      equals(bytes(2, 0, 0, 0)),
      verdict(NFT_JUMP, "ports"),
    ]),
  ],
  "45-rule-lookup-ifname-pair": [
    rule("fw", [
      meta({ key: metaKey.NFT_META_IIFNAME, dreg: 1 }),
      meta({ key: metaKey.NFT_META_OIFNAME, dreg: 2 }),
      lookup({ sreg: 1, set: "same", setId: 3 }),
      verdict(NFT_RETURN),
    ]),
  ],
  "46-rule-lookup-inverted": [
    rule("fw", [
      ...proto4,
      load(1, 1, 12, 4),
      lookup({ sreg: 1, set: "pods4", setId: 1 }),
      load(1, 1, 12, 4),
      load(9, 1, 16, 4),
      lookup({ sreg: 1, set: "direct4", setId: 4, flags: NFT_LOOKUP_F_INV }),
      counter({}),
    ]),
  ],
  "47-rule-ct-state": [
    rule("fw", [
      ct({ key: NFT_CT_STATE, dreg: 1 }),
      masked(bytes(6, 0, 0, 0)),
      equals(bytes(0, 0, 0, 0), NFT_CMP_NEQ),
      ...proto4,
      load(1, 1, 16, 4),
      lookup({ sreg: 1, set: "pods4", setId: 1 }),
      verdict(NF_ACCEPT),
    ]),
  ],
  "48-rule-ct-status-dnat": [
    rule("fw", [
      ct({ key: NFT_CT_STATUS, dreg: 1 }),
      masked(bytes(0x20, 0, 0, 0)),
      equals(bytes(0, 0, 0, 0), NFT_CMP_NEQ),
      verdict(NF_ACCEPT),
    ]),
  ],
  "49-rule-mark-set": [
    rule("fw", [mark, masked(bytes(0xff, 0xef, 0xff, 0xff), bytes(0, 0x10, 0, 0), 0), setMark]),
  ],
  "50-rule-mark-clear": [
    rule("fw", [
      mark,
      masked(bytes(0, 0x10, 0, 0), bytes(0, 0, 0, 0), 0),
      equals(bytes(0, 0, 0, 0), NFT_CMP_NEQ),
      mark,
      masked(bytes(0xff, 0xef, 0xff, 0xff), bytes(0, 0, 0, 0), 0),
      setMark,
    ]),
  ],
  "51-rule-guard": [
    rule("fw", [
      meta({ key: metaKey.NFT_META_IIF, dreg: 1 }),
      equals(bytes(1, 0, 0, 0), NFT_CMP_NEQ),
      ...proto4,
      load(1, 1, 16, 1),
      equals(bytes(127)),
      verdict(NF_DROP),
    ]),
  ],
  "52-rule-reject": [
    rule("fw", [
      ...proto4,
      load(1, 1, 12, 1),
      equals(bytes(127)),
      reject({ type: 0, icmpCode: ICMP_PORT_UNREACH }),
    ]),
  ],
  "53-flush-chain": [[deleteRule, { family: inet, table: "t", chain: "fw" }]],
  "54-bridge-rule-mac": [
    rule(
      "c",
      [
        meta({ key: metaKey.NFT_META_IIFNAME, dreg: 1 }),
        load(2, 0, 6, 6),
        lookup({ sreg: 1, set: "mac", setId: 10, flags: NFT_LOOKUP_F_INV }),
        verdict(NF_DROP),
      ],
      "b",
      bridge,
    ),
  ],
  "55-bridge-rule-arp": [
    rule(
      "c",
      [
        load(1, 0, 12, 2),
        equals(bytes(8, 6)),
        load(1, 1, 14, 4),
        equals(ip("10.71.0.1")),
        verdict(NF_DROP),
      ],
      "b",
      bridge,
    ),
  ],
  "56-bridge-rule-nd-target": [
    rule(
      "c",
      [
        load(1, 0, 12, 2),
        equals(bytes(0x86, 0xdd)),
        l4proto(1),
        equals(bytes(58)),
        load(1, 2, 0, 1),
        equals(bytes(136)),
        meta({ key: metaKey.NFT_META_IIFNAME, dreg: 1 }),
        load(2, 2, 8, 16),
        lookup({ sreg: 1, set: "target6", setId: 11, flags: NFT_LOOKUP_F_INV }),
        verdict(NF_DROP),
      ],
      "b",
      bridge,
    ),
  ],
  "60-delete-table": [[deleteTable, { family: inet, name: "t" }]],
  "70-iptables-new-chain": [
    [request(NFT_MSG_NEWTABLE, NLM_F_CREATE, tableMessage), { family: ip4, name: "filter" }],
    [
      request(NFT_MSG_NEWCHAIN, NLM_F_EXCL, chainMessage),
      { family: ip4, table: "filter", name: "CNI-FORWARD" },
    ],
  ],
  "72-iptables-rule-mark-accept": [
    [
      appendRule,
      {
        family: ip4,
        table: "filter",
        chain: "CNI-FORWARD",
        expressions: [
          mark,
          masked(bytes(0, 0x10, 0, 0)),
          equals(bytes(0, 0x10, 0, 0)),
          zeroCounter,
          verdict(NF_ACCEPT),
        ],
        compat,
      },
    ],
  ],
  "73-own-rule-mark-xt": [
    [
      appendRule,
      {
        family: ip4,
        table: "filter",
        chain: "CNI-FORWARD",
        expressions: [
          match({
            name: "mark",
            revision: 1,
            info: bytes(0, 0x10, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
          }),
          zeroCounter,
          verdict(NF_ACCEPT),
        ],
      },
    ],
  ],
};
/** iptables counts on from an earlier exchange and names the generation it looked at; 73 was written by hand. */
const openings: Record<string, { sequence: number; generation?: number }> = {
  "70-iptables-new-chain": { sequence: 1, generation: 45 },
  "72-iptables-rule-mark-accept": { sequence: 1, generation: 47 },
};

const messages: Record<number, Message<object, object>> = {
  16: batchMessage,
  17: batchMessage,
  2560: tableMessage,
  2562: tableMessage,
  2563: chainMessage,
  2566: ruleMessage,
  2568: ruleMessage,
  2569: setMessage,
  2572: elementsMessage,
  2574: elementsMessage,
};

/** Type and payload of each message of a datagram. */
function payloads(datagram: Uint8Array): [type: number, payload: Uint8Array][] {
  const found: [number, Uint8Array][] = [];
  for (const frames = new Frames(datagram); frames.next(); ) {
    found.push([frames.type, frames.reader.slice()]);
  }
  return found;
}

function encodeAgain(type: number, payload: Uint8Array): Uint8Array {
  const message = messages[type]!;
  return message.encode(message.parse(payload));
}

describe("nf_tables messages", () => {
  for (const [file, calls] of Object.entries(descriptions)) {
    it(`encodes what ${file} captured`, () => {
      const { sequence = 0, generation } = openings[file] ?? {};
      const batch: Batch = openTransaction(generation);
      for (const [of, value] of calls) batch.add(of as Request<object>, value);
      const ours = closeTransaction(batch).stamp(sequence, -1, 0);
      deepEqual(file === "73-own-rule-mark-xt" ? unnumbered(ours) : ours, wanted(file));
    });
  }

  it("encodes the jump of 71 with the attributes of the rule as iptables orders them", () => {
    const [, , , rule] = payloads(capture("71-iptables-rule-comment-jump")).map((one) => one[1]);
    const batch = new Batch().add(insertRule, {
      family: ip4,
      table: "filter",
      chain: "FORWARD",
      expressions: [
        xtComment("CNI firewall plugin rules"),
        zeroCounter,
        verdict(NFT_JUMP, "CNI-FORWARD"),
      ],
      compat,
    });
    const captured = payloads(capture("71-iptables-rule-comment-jump"))[2]![1];
    equal(rule?.length, 4);
    deepEqual(batch.frame(0).slice(16), captured);
  });

  it("decodes the base chain of 71, whose attributes iptables orders otherwise than nft", () => {
    const chain = payloads(capture("71-iptables-rule-comment-jump"))[1]![1];
    deepEqual(chainMessage.parse(chain), {
      family: ip4,
      version: 0,
      resourceId: 0,
      table: "filter",
      name: "FORWARD",
      hook: { number: 2, priority: 0 },
      policy: NF_ACCEPT,
      type: "filter",
    });
  });

  for (const file of Object.keys(descriptions)) {
    it(`encodes ${file} to the same bytes after decoding it`, () => {
      for (const [type, payload] of payloads(capture(file))) {
        deepEqual(encodeAgain(type, payload), payload);
      }
    });
  }

  it("throws nothing but DecodeError at every truncation of every capture", () => {
    for (const file of Object.keys(descriptions)) {
      for (const [type, payload] of payloads(capture(file))) {
        ok(truncations(messages[type]!, payload).refused.length > 0);
      }
    }
  });

  for (const type of new Set(Object.keys(messages).map(Number))) {
    it(`decodes damaged captures of type 0x${type.toString(16)} stably, or throws DecodeError`, () => {
      const captured = Object.keys(descriptions)
        .flatMap((file) => payloads(capture(file)))
        .filter((each) => each[0] === type)
        .map(([, payload]) => payload);
      const { refused, accepted } = fuzz(messages[type]!, captured, { seed: type, rounds: 600 });
      ok(refused > 0 && accepted > 0);
    });
  }

  it("keeps an expression and an attribute nobody here describes", () => {
    const value = {
      family: inet,
      version: 0,
      resourceId: 0,
      table: "t",
      chain: "c",
      expressions: [{ name: "quota", data: bytes(12, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9) }],
      unknown: [{ type: 77, bytes: bytes(1, 2, 3) }],
    };
    deepEqual(ruleMessage.parse(ruleMessage.encode(value)), value);
  });
});

/** A capture as our batches number it: 73 starts at 2 and goes on at 1. */
function wanted(file: string): Uint8Array {
  const bytes = capture(file);
  return file === "73-own-rule-mark-xt" ? unnumbered(bytes) : bytes;
}

function unnumbered(datagram: Uint8Array): Uint8Array {
  const copy = datagram.slice();
  for (const frames = new Frames(copy); frames.next(); )
    copy.fill(0, frames.start + 8, frames.start + 12);
  return copy;
}

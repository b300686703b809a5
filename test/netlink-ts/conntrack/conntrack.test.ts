import { deepEqual, equal, throws } from "node:assert/strict";
import {
  conntrackMessage,
  deleteConntrack,
  getConntrack,
  IPS_ASSURED,
  IPS_CONFIRMED,
  IPS_SEEN_REPLY,
  newConntrack,
} from "netlink-ts/conntrack/conntrack.ts";
import {
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  tupleAddresses,
} from "netlink-ts/conntrack/tuple.ts";
import { hex } from "netlink-ts/testing/hex.ts";

import { capture, reencodes, reencodesInTableOrder, refusal, truncates } from "../capture.ts";

const parsed = (name: string) => conntrackMessage.parse(capture(`conntrack/captures/${name}`));

describe("conntrackMessage", () => {
  it("decodes a UDP connection", () => {
    const { tupleOrig, tupleReply, status, unknown } = parsed("udp");
    deepEqual(
      { tupleOrig, tupleReply, status, unknown },
      {
        tupleOrig: {
          ip: { v4Src: hex("0a 01 00 05"), v4Dst: hex("0a 01 00 09") },
          proto: { num: IPPROTO_UDP, srcPort: 1000, dstPort: 53 },
        },
        tupleReply: {
          ip: { v4Src: hex("0a 01 00 09"), v4Dst: hex("0a 01 00 05") },
          proto: { num: IPPROTO_UDP, srcPort: 53, dstPort: 1000 },
        },
        status: IPS_SEEN_REPLY | IPS_CONFIRMED,
        unknown: undefined,
      },
    );
  });
  it("decodes the counters of a connection, and when it began", () => {
    const { countersOrig, timestamp } = parsed("udp");
    deepEqual(countersOrig, { packets: 0n, bytes: 0n });
    equal(typeof timestamp?.start, "bigint");
  });
  it("decodes a TCP connection", () => {
    const { tupleOrig, protoInfo } = parsed("tcp");
    deepEqual([tupleOrig?.proto?.num, protoInfo?.tcp?.state], [IPPROTO_TCP, 3]);
  });
  it("decodes an SCTP connection", () => {
    const { tupleOrig, protoInfo } = parsed("sctp");
    equal(tupleOrig?.proto?.num, IPPROTO_SCTP);
    deepEqual(protoInfo?.sctp, { state: 4, vtagOriginal: 0x01000000, vtagReply: 0x02000000 });
  });
  it("decodes an IPv6 connection", () => {
    const { family, tupleOrig } = parsed("udp-v6");
    equal(family, 10);
    deepEqual(tupleOrig?.ip?.v6Dst, hex("fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 09"));
  });
  it("decodes what conntrack deletes", () => {
    const { tupleOrig, status } = parsed("udp-delete");
    deepEqual([tupleOrig?.proto?.dstPort, status], [53, IPS_SEEN_REPLY | IPS_CONFIRMED]);
  });
  it("decodes what conntrack makes", () => {
    equal((parsed("tcp-create").status ?? 0) & IPS_ASSURED, 0);
    deepEqual(parsed("sctp-create").protoInfo?.sctp, {
      state: 4,
      vtagOriginal: 0x01000000,
      vtagReply: 0x02000000,
    });
  });
  it("encodes what it decoded to the same bytes", () => {
    for (const name of ["udp", "tcp", "sctp", "udp-v6"]) {
      reencodes(conntrackMessage, capture(`conntrack/captures/${name}`));
    }
  });
  it("encodes what conntrack orders otherwise to the same values", () => {
    for (const name of ["udp-create", "tcp-create", "udp-v6-create", "udp-delete"]) {
      reencodesInTableOrder(conntrackMessage, capture(`conntrack/captures/${name}`));
    }
  });
  it("refuses every truncation but those between attributes", () => {
    truncates(conntrackMessage, capture("conntrack/captures/udp-create"), [4, 56, 108, 116]);
  });
  it("names the field in its nests", () => {
    const bad = hex("02 00 00 00  10 00 01 80  0c 00 02 80  07 00 03 00 00 35 00 00");
    equal(
      refusal(() => conntrackMessage.parse(bad)),
      "decode ct.tupleOrig.proto.dstPort at byte 16: want 2 bytes, got 3",
    );
  });
  it("refuses a port that is none", () => {
    throws(() => conntrackMessage.encode({ tupleOrig: { proto: { dstPort: 65536 } } }), {
      name: "RangeError",
      message: "encode ct.tupleOrig.proto.dstPort: want 0 to 65535, got 65536",
    });
  });
});

describe("tupleAddresses", () => {
  it("finds the addresses of either family", () => {
    deepEqual(tupleAddresses({ ip: { v4Src: hex("0a 01 00 05") } }), { src: hex("0a 01 00 05") });
    const v6 = hex("fd 00 00 00 00 00 00 00 00 00 00 00 00 00 00 09");
    deepEqual(tupleAddresses({ ip: { v6Dst: v6 } }), { dst: v6 });
    deepEqual(tupleAddresses({}), {});
  });
});

describe("newConntrack, getConntrack, deleteConntrack", () => {
  it("are what the kernel calls them", () => {
    deepEqual(
      [newConntrack, getConntrack, deleteConntrack].map(({ name, type, flags }) => [
        name,
        type,
        flags,
      ]),
      [
        ["IPCTNL_MSG_CT_NEW", 0x100, 0x601],
        ["IPCTNL_MSG_CT_GET", 0x101, 0x001],
        ["IPCTNL_MSG_CT_DELETE", 0x102, 0x001],
      ],
    );
  });
});

import { deepEqual, equal, throws } from "node:assert/strict";
import { readAcknowledgement } from "netlink-ts/netlink/extended-ack.ts";
import { Frames, NLMSG_HDRLEN } from "netlink-ts/netlink/frame.ts";
import { explain } from "netlink-ts/netlink/refusal.ts";
import { addressMessage } from "netlink-ts/route/address.ts";
import { linkMessage } from "netlink-ts/route/link.ts";
import { hex } from "netlink-ts/testing/hex.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

import { capture } from "../capture.ts";

function acknowledgement(datagram: Uint8Array): ReturnType<typeof readAcknowledgement> {
  const frames = new Frames(datagram);
  frames.next();
  return readAcknowledgement(frames);
}

describe("readAcknowledgement", () => {
  it("reads success", () => {
    deepEqual(acknowledgement(capture("netlink/captures/ack")), {
      errno: 0,
      extendedAck: undefined,
    });
  });
  it("reads the kernel's words behind the repeated request", () => {
    deepEqual(acknowledgement(capture("netlink/captures/eexist")), {
      errno: 17,
      extendedAck: { message: "ipv4: Address already assigned" },
    });
    deepEqual(acknowledgement(capture("netlink/captures/unsupported")), {
      errno: 95,
      extendedAck: { message: "Unknown device type" },
    });
  });
  it("reads a refusal without words", () => {
    deepEqual(acknowledgement(capture("netlink/captures/port-of-no-bridge")), {
      errno: 95,
      extendedAck: undefined,
    });
  });
  it("reads an NLMSG_DONE that says nothing", () => {
    const done = hex("10 00 00 00  03 00 02 00  05 00 00 00  07 00 00 00");
    deepEqual(acknowledgement(done), { errno: 0, extendedAck: undefined });
  });
  it("reads an NLMSG_DONE with words, which repeats no request", () => {
    const done = hex(`
      1c 00 00 00  03 00 02 02  05 00 00 00  07 00 00 00   # NLM_F_MULTI | NLM_F_ACK_TLVS
      ea ff ff ff                                          # -EINVAL
      07 00 01 00  4e 6f 00 00                             # NLMSGERR_ATTR_MSG "No"`);
    deepEqual(acknowledgement(done), { errno: 22, extendedAck: { message: "No" } });
  });
  it("refuses every truncation", () => {
    const whole = capture("netlink/captures/eexist");
    for (let length = NLMSG_HDRLEN + 1; length < whole.length - 4; length++) {
      const cut = whole.slice(0, length);
      new DataView(cut.buffer).setUint32(0, length, true);
      if (length === 60) continue; // ends before NLMSGERR_ATTR_MSG
      throws(() => acknowledgement(cut), DecodeError, String(length));
    }
  });
});

describe("explain", () => {
  // Linux 6.18 on a name of 30 bytes: ERANGE, "Attribute failed policy validation", offset 32
  const named = hex("44 00 00 00 10 00 05 06 01 00 00 00 00 00 00 00");
  const frameOf = (payload: Uint8Array) => new Uint8Array([...named, ...payload]);

  it("names the attribute at an offset", () => {
    const payload = linkMessage.encode({ ifname: "longer-than-fifteen-characters" });
    equal(explain({ offset: 32 }, linkMessage, frameOf(payload)).attribute, "link.ifname");
  });
  it("names an attribute in nests", () => {
    const linkInfo = { kind: "macvlan", data: { mode: 3 } };
    const payload = linkMessage.encode({ linkInfo });
    // header 16, ifinfomsg 16, IFLA_LINKINFO 4, IFLA_INFO_KIND 12, IFLA_INFO_DATA 4
    const { attribute } = explain({ offset: 52 }, linkMessage, frameOf(payload));
    equal(attribute, "link.linkInfo.data.mode");
  });
  it("names what is missing at the message's own level", () => {
    const payload = addressMessage.encode({ family: 2 });
    equal(explain({ missingType: 2 }, addressMessage, frameOf(payload)).missing, "addr.local");
  });
  it("names what is missing in a nest", () => {
    const payload = linkMessage.encode({ linkInfo: { kind: "veth" } });
    const { missing } = explain({ missingType: 2, missingNest: 32 }, linkMessage, frameOf(payload));
    equal(missing, "link.linkInfo.data");
  });
  it("is silent about an offset that is no attribute's", () => {
    const payload = linkMessage.encode({ ifname: "lo" });
    for (const offset of [0, 16, 31, 36, 37, 4000]) {
      equal(explain({ offset }, linkMessage, frameOf(payload)).attribute, undefined, `${offset}`);
    }
  });
});

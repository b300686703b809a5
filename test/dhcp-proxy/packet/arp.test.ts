import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { formatHex } from "netlink-ts/testing/hex.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import {
  ARPOP_REPLY,
  ARPOP_REQUEST,
  arpAnnouncement,
  arpProbe,
  decodeArp,
  encodeArp,
  isConflict,
} from "../../../dhcp-proxy/packet/arp.ts";
import { capturedFrame } from "./capture.ts";

const ours = Uint8Array.of(2, 0, 0, 0, 0, 1);
const theirs = Uint8Array.of(2, 0, 0, 0, 0, 2);
const address = Uint8Array.of(10, 1, 0, 5);
const other = Uint8Array.of(10, 1, 0, 6);
const none = new Uint8Array(4);

describe("decodeArp", () => {
  it("reads what the kernel asks", () => {
    const packet = decodeArp(capturedFrame("arp-request"));
    equal(packet?.operation, ARPOP_REQUEST);
    deepEqual(
      [packet?.senderAddress.join("."), packet?.targetAddress.join(".")],
      ["192.168.1.1", "192.168.1.5"],
    );
  });

  it("does not know other frames", () => {
    equal(decodeArp(capturedFrame("dnsmasq-ack")), undefined);
    const tokenRing = capturedFrame("arp-request");
    tokenRing[15] = 6;
    equal(decodeArp(tokenRing), undefined);
  });

  it("refuses every truncation", () => {
    const frame = capturedFrame("arp-request").slice(0, 42);
    for (let length = 0; length < frame.length; length++) {
      throws(() => decodeArp(frame.slice(0, length)), DecodeError);
    }
  });
});

describe("encodeArp", () => {
  it("writes the kernel's frame again", () => {
    const frame = capturedFrame("arp-request");
    const packet = decodeArp(frame);
    ok(packet);
    equal(formatHex(encodeArp(packet)), formatHex(frame));
  });
});

describe("isConflict", () => {
  const packet = (
    operation: number,
    senderMac: Uint8Array,
    senderAddress: Uint8Array,
    target: Uint8Array,
  ) => ({
    operation,
    senderMac,
    senderAddress,
    targetMac: new Uint8Array(6),
    targetAddress: target,
  });

  it("is a packet of somebody else with our address as the sender's, of either kind", () => {
    equal(isConflict(packet(ARPOP_REPLY, theirs, address, none), ours, address), true);
    equal(isConflict(packet(ARPOP_REQUEST, theirs, address, other), ours, address), true);
  });

  it("is somebody else's probe for it", () => {
    equal(isConflict(arpProbe(theirs, address), ours, address), true);
    equal(isConflict(arpAnnouncement(theirs, address), ours, address), true);
  });

  it("is nothing of our own, and no question of somebody who has an address", () => {
    equal(isConflict(arpProbe(ours, address), ours, address), false);
    equal(isConflict(packet(ARPOP_REQUEST, theirs, other, address), ours, address), false);
    equal(isConflict(arpProbe(theirs, other), ours, address), false);
  });
});

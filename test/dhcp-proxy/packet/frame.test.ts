import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { mutate, randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { formatHex } from "netlink-ts/testing/hex.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";
import { checksum, onesComplementSum } from "../../../dhcp-proxy/packet/checksum.ts";
import { decodeFrame, encodeFrame } from "../../../dhcp-proxy/packet/frame.ts";
import { capturedFrame, captureNames } from "./capture.ts";

const names = captureNames(/^(dnsmasq|reference|udhcpc|kea|isc)/);
const IP = 14;
const UDP = 34;

/** A captured frame with bytes put over it, and the checksum of its IPv4 header set right. */
function changed(name: string, ...changes: [at: number, ...bytes: number[]][]): Uint8Array {
  const frame = capturedFrame(name);
  for (const [at, ...bytes] of changes) frame.set(bytes, at);
  frame.set([0, 0], IP + 10);
  const sum = checksum(frame.subarray(IP, UDP));
  frame.set([sum >> 8, sum & 0xff], IP + 10);
  return frame;
}

describe("decodeFrame", () => {
  it("reads a datagram of a client with its checksums", () => {
    const frame = decodeFrame(capturedFrame("reference-discover"));
    deepEqual(
      [frame?.source, frame?.destination].map((each) => each?.join(".")),
      ["0.0.0.0", "255.255.255.255"],
    );
    deepEqual([frame?.sourcePort, frame?.destinationPort, frame?.payload.length], [68, 67, 300]);
    equal(formatHex(frame?.sourceMac ?? new Uint8Array()), "c6 87 41 5e  d7 14");
  });

  it("takes a sum that a network card would have completed", () => {
    equal(decodeFrame(capturedFrame("dnsmasq-ack"))?.sourcePort, 67);
  });

  it("takes a datagram without a sum", () => {
    equal(decodeFrame(changed("reference-discover", [UDP + 6, 0, 0]))?.sourcePort, 68);
  });

  it("leaves out what fills a short frame up", () => {
    const frame = Uint8Array.from([...capturedFrame("dnsmasq-ack"), 1, 2, 3]);
    equal(decodeFrame(frame)?.payload.length, 366);
  });

  it("steps over options of IPv4", () => {
    const plain = capturedFrame("dnsmasq-ack");
    const frame = new Uint8Array(plain.length + 4);
    frame.set(plain.subarray(0, UDP));
    frame.set([1, 1, 1, 1], UDP);
    frame.set(plain.subarray(UDP), UDP + 4);
    frame.set([0x46], IP);
    frame.set([0x01, 0x8e, 0, 0, 0, 0, 64, 17, 0, 0], IP + 2);
    const sum = checksum(frame.subarray(IP, UDP + 4));
    frame.set([sum >> 8, sum & 0xff], IP + 10);
    equal(decodeFrame(frame)?.payload.length, 366);
  });

  it("does not know other protocols and fragments", () => {
    equal(decodeFrame(capturedFrame("arp-request")), undefined);
    equal(decodeFrame(changed("dnsmasq-ack", [IP + 9, 6])), undefined);
    equal(decodeFrame(changed("dnsmasq-ack", [IP + 6, 0x20, 0])), undefined);
    equal(decodeFrame(changed("dnsmasq-ack", [IP + 6, 0, 1])), undefined);
  });

  const refusals: [what: string, frame: Uint8Array, message: RegExp][] = [
    [
      "a UDP length below its header",
      changed("dnsmasq-ack", [UDP + 4, 0, 7]),
      /udp\.length at byte 38: want 8 to 374, got 7$/,
    ],
    [
      "a UDP length over the packet",
      changed("dnsmasq-ack", [UDP + 4, 1, 0x77]),
      /udp\.length .* want 8 to 374, got 375$/,
    ],
    [
      "a packet longer than the frame",
      changed("dnsmasq-ack", [IP + 2, 1, 0x8b]),
      /ipv4\.totalLength .* want 20 to 394, got 395$/,
    ],
    [
      "a packet shorter than its header",
      changed("dnsmasq-ack", [IP + 2, 0, 19]),
      /ipv4\.totalLength/,
    ],
    ["a header shorter than it can be", changed("dnsmasq-ack", [IP, 0x44]), /ipv4\.version/],
    ["another version", changed("dnsmasq-ack", [IP, 0x65]), /ipv4\.version/],
    ["a spoilt payload", changed("reference-discover", [UDP + 20, 1]), /udp\.checksum/],
  ];
  for (const [what, frame, message] of refusals) {
    it(`refuses ${what}`, () => throws(() => decodeFrame(frame), { name: "DecodeError", message }));
  }

  it("refuses a header whose sum is wrong", () => {
    const frame = capturedFrame("dnsmasq-ack");
    frame[IP + 1] = 1;
    throws(() => decodeFrame(frame), { message: /ipv4\.checksum/ });
  });

  for (const name of names) {
    it(`refuses every truncation of ${name}`, () => {
      const frame = capturedFrame(name);
      for (let length = 0; length < frame.length; length++) {
        throws(() => decodeFrame(frame.slice(0, length)), DecodeError);
      }
    });
  }

  it("ends in a DecodeError or a payload inside the frame, whatever is done to captures", () => {
    const random = randomNumbers(1);
    let taken = 0;
    for (let round = 0; round < 5000; round++) {
      const name = names[random() % names.length] as string;
      const frame = mutate(capturedFrame(name), random);
      try {
        const found = decodeFrame(frame);
        if (found === undefined) continue;
        ok(found.payload.length + 42 <= frame.length);
        taken++;
      } catch (error) {
        ok(error instanceof DecodeError, String(error));
      }
    }
    ok(taken > 50, `${taken} taken`);
  });
});

describe("encodeFrame", () => {
  for (const name of ["reference-discover", "reference-request", "reference-release"]) {
    it(`writes the frame of ${name} again`, () => {
      const bytes = capturedFrame(name);
      const frame = decodeFrame(bytes);
      ok(frame);
      equal(formatHex(encodeFrame(frame)), formatHex(bytes));
    });
  }

  it("never writes a sum that would mean none", () => {
    const mac = new Uint8Array(6);
    const none = new Uint8Array(4);
    for (let word = 0; word < 0x10000; word += 1) {
      const payload = Uint8Array.of(word >> 8, word & 0xff);
      const frame = encodeFrame({ sourceMac: mac, source: none, destination: none, payload });
      ok(frame[UDP + 6] !== 0 || frame[UDP + 7] !== 0);
    }
  });
});

describe("onesComplementSum", () => {
  it("carries over, and fills an odd length up", () => {
    equal(onesComplementSum(Uint8Array.of(0xff, 0xff, 0x00, 0x02)), 2);
    equal(onesComplementSum(Uint8Array.of(0x01)), 0x0100);
  });
});

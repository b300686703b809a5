import { deepEqual, throws } from "node:assert/strict";
import { formatIp } from "../../../core/net/address.ts";
import { decodeAdvertisement } from "../../../dhcp-proxy/packet6/router.ts";

const hex = (text: string) =>
  Uint8Array.from(text.replace(/#.*/g, "").match(/[0-9a-f]{2}/g) ?? [], (pair) =>
    Number.parseInt(pair, 16),
  );

/** By RFC 4861 section 4.2 and RFC 8106 sections 5.1 and 5.2. */
const whole = hex(`
  86 00 00 00  40 40 07 08                           # type, code, checksum; hop limit, O, lifetime 1800
  00 00 00 00  00 00 00 00                           # reachable time, retransmission timer
  03 04 40 c0  00 00 0e 10  00 00 07 08  00 00 00 00 # prefix: /64, L and A, 3600 s, 1800 s
  20 01 0d b8  00 00 00 00  00 00 00 00  00 00 00 00
  05 01 00 00  00 00 05 dc                           # an MTU
  19 03 00 00  00 00 0e 10                           # RDNSS: 3600 s
  20 01 0d b8  00 00 00 00  00 00 00 00  00 00 00 53
  1f 02 00 00  00 00 0e 10  03 73 69 78  00 00 00 00 # DNSSL: 3600 s, "six"
`);

const read = (bytes: Uint8Array) => {
  const { nameservers, ...more } = decodeAdvertisement(bytes);
  return { ...more, nameservers: nameservers.map(formatIp) };
};

/** The bytes with some of them changed. */
const changed = (...changes: [at: number, byte: number][]) => {
  const bytes = whole.slice();
  for (const [at, byte] of changes) bytes[at] = byte;
  return bytes;
};

const expected = {
  isDefault: true,
  hasOptions: true,
  hasPrefix: true,
  nameservers: ["2001:db8::53"],
  search: ["six"],
};

describe("decodeAdvertisement", () => {
  it("reads what a pod needs", () => {
    deepEqual(read(whole), expected);
  });

  it("knows a router that is none to send to, and one that names no server", () => {
    deepEqual(read(changed([5, 0], [6, 0], [7, 0])), {
      ...expected,
      isDefault: false,
      hasOptions: false,
    });
  });

  it("counts no prefix that is not for hosts to choose from, or has ended", () => {
    deepEqual(read(changed([19, 0x80])), { ...expected, hasPrefix: false });
    deepEqual(read(changed([22, 0], [23, 0])), { ...expected, hasPrefix: false });
  });

  it("leaves out resolvers and names that have ended", () => {
    const ended = changed([62, 0], [63, 0], [86, 0], [87, 0]);
    deepEqual(read(ended), { ...expected, nameservers: [], search: [] });
  });

  it("refuses another code, as RFC 4861 section 6.1.2 has it", () => {
    throws(() => decodeAdvertisement(changed([1, 1])), {
      message: "decode advertisement.code at byte 1: want 0, got 1",
    });
  });

  it("refuses another message, an option without a length, and one that does not end inside", () => {
    throws(() => read(changed([0, 133])), /want a router advertisement, got 133/);
    throws(() => read(changed([17, 0])), /option 3 at byte 16: want -2 bytes/);
    throws(() => read(changed([17, 99])), /option 3 at byte 16: want 790 bytes, got 78/);
  });

  it("reads or refuses every truncation", () => {
    const ends = [16, 48, 56, 80, 96];
    for (let length = 0; length < whole.length; length++) {
      const cut = whole.slice(0, length);
      if (ends.includes(length)) read(cut);
      else throws(() => read(cut), { name: "DecodeError" });
    }
  });
});

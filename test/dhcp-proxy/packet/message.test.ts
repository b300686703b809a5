import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { fuzz } from "netlink-ts/testing/fuzz.ts";
import { formatHex } from "netlink-ts/testing/hex.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import { decodeMessage, encodeMessage } from "../../../dhcp-proxy/packet/message.ts";
import {
  addressListOption,
  addressOption,
  messageTypeOf,
  option,
  textOption,
  u16Option,
  u32Option,
} from "../../../dhcp-proxy/packet/options.ts";
import { capturedPayload, captureNames } from "./capture.ts";

const codec = {
  parse: decodeMessage,
  encode: (message: ReturnType<typeof decodeMessage>) => encodeMessage(message, 0),
};
const names = captureNames(/^(dnsmasq|reference|udhcpc|kea|isc)/);
const ack = () => capturedPayload("dnsmasq-ack");
/** A message with these bytes in place of its options. */
const withOptions = (...options: number[]) =>
  Uint8Array.from([...ack().subarray(0, 240), ...options]);
const text = (value: string) => [...new TextEncoder().encode(value)];

describe("decodeMessage", () => {
  it("reads a DHCPACK of dnsmasq", () => {
    const { op, xid, yiaddr, siaddr, chaddr, options } = decodeMessage(ack());
    deepEqual([op, xid], [2, 0x6cfb7952]);
    deepEqual(
      [yiaddr, siaddr].map((each) => each.join(".")),
      ["192.168.1.5", "192.168.1.1"],
    );
    equal(formatHex(chaddr), "c6 87 41 5e  d7 14");
    equal(messageTypeOf(options), 5);
    equal(u32Option(options, option.leaseTime), 120);
    equal(u16Option(options, option.interfaceMtu), 1400);
    equal(addressOption(options, option.serverId)?.join("."), "192.168.1.1");
    equal(textOption(options, option.domainName), "example.net");
    const servers = addressListOption(options, option.domainNameServers);
    deepEqual(
      servers.map((each) => each.join(".")),
      ["9.9.9.9", "1.1.1.1"],
    );
  });

  it("joins what stands twice, whatever stands between", () => {
    const { options } = decodeMessage(withOptions(119, 2, 1, 2, 53, 1, 5, 119, 3, 3, 4, 5, 255));
    deepEqual(options.get(119), Uint8Array.of(1, 2, 3, 4, 5));
    equal(messageTypeOf(options), 5);
  });

  it("knows no option of a fixed length that has another", () => {
    const { options } = decodeMessage(
      withOptions(51, 4, 0, 0, 0, 9, 51, 4, 0, 0, 0, 9, 53, 0, 255),
    );
    equal(u32Option(options, option.leaseTime), undefined);
    equal(messageTypeOf(options), undefined);
  });

  it("finds options in file and then in sname when these are overloaded", () => {
    const bytes = withOptions(52, 1, 3, 12, 1, ...text("a"), 255);
    bytes.set([12, 1, ...text("c"), 255, 99], 44);
    bytes.set([12, 1, ...text("b"), 255, 99], 108);
    const { options, file, sname } = decodeMessage(bytes);
    equal(textOption(options, option.hostName), "abc");
    equal(options.has(option.overload), false);
    ok([...file, ...sname].every((byte) => byte === 0));
  });

  it("leaves file alone when only sname is overloaded", () => {
    const bytes = withOptions(52, 1, 2, 255);
    bytes.set([12, 1, ...text("s"), 255], 44);
    bytes.set([12, 1, ...text("f"), 255], 108);
    const { options, file } = decodeMessage(bytes);
    equal(textOption(options, option.hostName), "s");
    equal(file[0], 12);
  });

  it("takes options without an end marker, and nothing behind one", () => {
    equal(messageTypeOf(decodeMessage(withOptions(0, 0, 53, 1, 6)).options), 6);
    deepEqual([...decodeMessage(withOptions(255, 53, 9)).options], []);
  });

  it("refuses what does not end inside its field", () => {
    const refusals: [Uint8Array, string][] = [
      [withOptions(53, 2, 5), "decode dhcp.option 53 at byte 242: want 2 bytes, got 1 to the end"],
      [withOptions(53), "decode dhcp.option 53 at byte 241: want a length, got 0 to the end"],
      [ack().subarray(0, 100), "decode dhcp at byte 0: want 240 bytes, got 100"],
    ];
    for (const [bytes, message] of refusals) throws(() => decodeMessage(bytes), { message });
  });

  it("names the field of an overloaded option that is too long", () => {
    const bytes = withOptions(52, 1, 1, 255);
    bytes.set([12, 127], 108);
    const message = "decode dhcp.file.option 12 at byte 2: want 127 bytes, got 126 to the end";
    throws(() => decodeMessage(bytes), { message });
  });

  it("refuses another cookie and a hardware address that does not fit", () => {
    const cookie = ack();
    cookie[236] = 1;
    const message = "decode dhcp.cookie at byte 236: want 0x63825363, got 0x01825363";
    throws(() => decodeMessage(cookie), { message });
    const hlen = ack();
    hlen[2] = 17;
    throws(() => decodeMessage(hlen), {
      message: "decode dhcp.hlen at byte 2: want at most 16, got 17",
    });
  });

  for (const name of names) {
    it(`refuses every truncation of ${name} before its options, and reads or refuses all others`, () => {
      const { refused, accepted } = truncations(codec, capturedPayload(name));
      ok(refused.includes(239) && accepted.every((length) => length >= 240));
    });
  }

  it("survives what is done to captures, and re-encodes what it accepts", () => {
    const captures = names.map(capturedPayload);
    const { accepted, refused } = fuzz(codec, captures, { rounds: 5000 });
    ok(accepted > 1000 && refused > 1000, `${accepted} accepted, ${refused} refused`);
  });
});

describe("encodeMessage", () => {
  for (const name of captureNames(/^reference/)) {
    it(`writes the bytes of ${name} again`, () => {
      const bytes = capturedPayload(name);
      equal(formatHex(encodeMessage(decodeMessage(bytes))), formatHex(bytes));
    });
  }

  it("splits a value over 255 bytes, and sends an empty one", () => {
    const long = Uint8Array.from({ length: 300 }, (_, index) => index & 0xff);
    const message = decodeMessage(withOptions(255));
    message.options.set(119, long).set(80, new Uint8Array());
    const bytes = encodeMessage(message);
    equal(bytes.length, 240 + 2 + (2 + 255) + (2 + 45) + 1);
    deepEqual(decodeMessage(bytes).options.get(119), long);
    deepEqual(decodeMessage(bytes).options.get(80), new Uint8Array());
  });

  it("fills up to 300 bytes", () => {
    equal(encodeMessage(decodeMessage(withOptions(255))).length, 300);
  });

  it("refuses a code that means padding or the end", () => {
    const message = decodeMessage(withOptions(255));
    message.options.set(255, new Uint8Array());
    throws(() => encodeMessage(message), { message: "want an option 1 to 254, got 255" });
  });
});

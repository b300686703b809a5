import { equal } from "node:assert/strict";
import { formatMessage } from "../../../core/net/netlink-debug.ts";

describe("formatMessage", () => {
  it("is one line, bytes in hexadecimal, without what is not there", () => {
    const message = {
      ifname: "eth0",
      address: new Uint8Array([2, 10]),
      counter: 5n,
      mtu: undefined,
    };
    equal(formatMessage(message), '{"ifname":"eth0","address":"020a","counter":"5"}');
  });
});

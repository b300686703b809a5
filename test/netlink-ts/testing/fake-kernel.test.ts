import { deepEqual, equal, throws } from "node:assert/strict";
import { datagram, FakeKernel } from "netlink-ts/testing/fake-kernel.ts";
import { hex } from "netlink-ts/testing/hex.ts";

const REQUEST = 1;
const ACK = 4;
const DUMP = 0x300;

describe("FakeKernel", () => {
  it("acknowledges when asked", () => {
    const kernel = new FakeKernel();
    kernel.send(datagram(16, REQUEST | ACK, 7, hex("01 02 03 04")));
    deepEqual(
      kernel.receive(),
      hex(`
        24 00 00 00  02 00 00 01  07 00 00 00  00 00 00 00
        00 00 00 00                                          # success
        14 00 00 00  10 00 05 00  07 00 00 00  00 00 00 00`),
    );
  });
  it("says nothing when not asked", () => {
    const kernel = new FakeKernel();
    kernel.send(datagram(16, REQUEST, 7, hex("")));
    equal(kernel.receiveIfAny(), undefined);
  });
  it("refuses with its words", () => {
    const kernel = new FakeKernel(() => ({ errno: 17, extendedAck: { message: "No" } }));
    kernel.send(datagram(16, REQUEST, 7, hex("")));
    deepEqual(
      kernel.receive(),
      hex(`
        2c 00 00 00  02 00 00 03  07 00 00 00  00 00 00 00   # NLM_F_CAPPED | NLM_F_ACK_TLVS
        ef ff ff ff
        10 00 00 00  10 00 01 00  07 00 00 00  00 00 00 00
        07 00 01 00  4e 6f 00 00                             # NLMSGERR_ATTR_MSG "No"`),
    );
  });
  it("plays a dump in several datagrams", () => {
    const payloads = [hex("01 00 00 00"), hex("02 00 00 00"), hex("03 00 00 00")];
    const kernel = new FakeKernel(() => ({ payloads }));
    kernel.send(datagram(18, REQUEST | DUMP, 7, hex("")));
    deepEqual(
      kernel.queue.map((bytes) => bytes.length),
      [40, 20, 20],
    );
    deepEqual(
      kernel.queue[2],
      hex("14 00 00 00  03 00 02 00  07 00 00 00  00 00 00 00  00 00 00 00"),
    );
  });
  it("keeps the requests of each datagram", () => {
    const kernel = new FakeKernel();
    kernel.send(new Uint8Array([...datagram(16, 1, 1, hex("")), ...datagram(17, 1, 2, hex(""))]));
    deepEqual(
      kernel.sent.map((requests) => requests.map(({ type }) => type)),
      [[16, 17]],
    );
  });
  it("throws where a real socket would wait", () => {
    throws(() => new FakeKernel().receive(), { message: /^the fake kernel has nothing to say/ });
  });
});

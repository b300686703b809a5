import { deepEqual, equal, throws } from "node:assert/strict";
import { type ConntrackMessage, conntrackMessage } from "netlink-ts/conntrack/conntrack.ts";
import { deleteConntracks, findConntracks } from "netlink-ts/conntrack/filter.ts";
import { Connection } from "netlink-ts/netlink/connection.ts";
import { type FakeAnswer, FakeKernel, type FakeRequest } from "netlink-ts/testing/fake-kernel.ts";
import { hex } from "netlink-ts/testing/hex.ts";

const GET = 0x101;
const pod = hex("0a 01 00 05");
const other = hex("0a 01 00 06");

function entry(num: number, dstPort: number, v4Dst = pod): Uint8Array {
  const tupleOrig = { ip: { v4Src: other, v4Dst }, proto: { num, srcPort: 1000, dstPort } };
  return conntrackMessage.encode({ family: 2, tupleOrig, id: num * 1000 + dstPort, mark: 5 });
}

/** A kernel that lists entries as an old one does, all of them, and answers deletions as told. */
function kernelWith(
  entries: Uint8Array[],
  onDelete: (request: FakeRequest) => FakeAnswer = () => ({}),
): FakeKernel {
  return new FakeKernel((request) =>
    request.type === GET ? { payloads: entries, type: 0x100 } : onDelete(request),
  );
}

const asked = (kernel: FakeKernel): ConntrackMessage[] =>
  kernel.requests.map(({ payload }) => conntrackMessage.parse(payload));
const entries = [entry(17, 53), entry(17, 54), entry(6, 53), entry(17, 53, other)];

describe("findConntracks", () => {
  it("asks the kernel for what is wanted", () => {
    const kernel = kernelWith([]);
    findConntracks(new Connection(kernel), { family: 2, proto: 17, dst: pod, dstPort: 53 });
    deepEqual(asked(kernel), [
      {
        family: 2,
        version: 0,
        resourceId: 0,
        tupleOrig: { ip: { v4Dst: pod }, proto: { num: 17, dstPort: 53 } },
        filter: { origFlags: 0x2a, replyFlags: 0 },
      },
    ]);
  });
  it("filters what an old kernel sends", () => {
    const found = findConntracks(new Connection(kernelWith(entries)), {
      family: 2,
      proto: 17,
      dstPort: 53,
    });
    deepEqual(
      found.map(({ id }) => id),
      [17053, 17053],
    );
  });
  it("tells addresses apart", () => {
    const found = findConntracks(new Connection(kernelWith(entries)), { family: 2, dst: other });
    equal(found.length, 1);
  });
  it("asks for all of a family without a filter", () => {
    const kernel = kernelWith(entries);
    equal(findConntracks(new Connection(kernel), { family: 2 }).length, 4);
    deepEqual(asked(kernel), [{ family: 2, version: 0, resourceId: 0 }]);
  });
  it("asks for what several filters have in common", () => {
    const kernel = kernelWith(entries);
    const udp = { family: 2, proto: 17, dst: pod };
    const found = findConntracks(
      new Connection(kernel),
      { ...udp, dstPort: 53 },
      { ...udp, dstPort: 54 },
    );
    equal(found.length, 2);
    deepEqual(asked(kernel)[0]?.filter, { origFlags: 0x0a, replyFlags: 0 });
  });
  it("asks for IPv6 addresses as such", () => {
    const kernel = kernelWith([]);
    const src = new Uint8Array(16).fill(1);
    findConntracks(new Connection(kernel), { family: 10, src });
    deepEqual(asked(kernel)[0]?.tupleOrig?.ip, { v6Src: src });
  });
});

describe("deleteConntracks", () => {
  const dns = { family: 2, proto: 17, dstPort: 53 };

  it("deletes what matched by tuple and id, in one send", () => {
    const kernel = kernelWith(entries);
    equal(deleteConntracks(new Connection(kernel), dns), 2);
    equal(kernel.sent.length, 2);
    deepEqual(asked(kernel)[1], {
      family: 2,
      version: 0,
      resourceId: 0,
      tupleOrig: {
        ip: { v4Src: other, v4Dst: pod },
        proto: { num: 17, srcPort: 1000, dstPort: 53 },
      },
      id: 17053,
    });
  });
  it("lists a family once for all its filters", () => {
    const kernel = kernelWith(entries);
    deleteConntracks(new Connection(kernel), dns, { ...dns, dstPort: 54 }, { ...dns, family: 10 });
    equal(kernel.requests.filter(({ type }) => type === GET).length, 2);
  });
  it("sends nothing when nothing matches", () => {
    const kernel = kernelWith(entries);
    equal(deleteConntracks(new Connection(kernel), { family: 2, proto: 132 }), 0);
    equal(kernel.sent.length, 1);
  });
  it("asks nothing without a filter", () => {
    const kernel = kernelWith(entries);
    equal(deleteConntracks(new Connection(kernel)), 0);
    equal(kernel.sent.length, 0);
  });
  it("does not mind entries that are gone", () => {
    const kernel = kernelWith(entries, () => ({ errno: 2 }));
    equal(deleteConntracks(new Connection(kernel), dns), 2);
  });
  it("throws another refusal, even behind one that is gone", () => {
    let deletions = 0;
    const kernel = kernelWith(entries, () => ({ errno: deletions++ % 2 === 0 ? 2 : 1 }));
    throws(() => deleteConntracks(new Connection(kernel), dns), {
      message: "IPCTNL_MSG_CT_DELETE: EPERM: operation not permitted",
    });
  });
  it("sends many in portions", () => {
    const many = Array.from({ length: 1200 }, (_, port) => entry(17, port));
    const kernel = kernelWith(many);
    equal(deleteConntracks(new Connection(kernel), { family: 2, proto: 17 }), 1200);
    deepEqual(
      kernel.sent.map((requests) => requests.length),
      [1, 500, 500, 200],
    );
  });
});

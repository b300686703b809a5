import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { Batch } from "netlink-ts/netlink/batch.ts";
import { Connection, type TraceEvent } from "netlink-ts/netlink/connection.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REQUEST } from "netlink-ts/netlink/flags.ts";
import type { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { answeredBy, call, flagged, messageType, request } from "netlink-ts/netlink/request.ts";
import { datagram, FakeKernel } from "netlink-ts/testing/fake-kernel.ts";
import { hex } from "netlink-ts/testing/hex.ts";
import { attributes } from "netlink-ts/wire/attributes.ts";
import { message } from "netlink-ts/wire/message.ts";
import { cstring, u32 } from "netlink-ts/wire/scalars.ts";
import { struct } from "netlink-ts/wire/struct.ts";

const thing = message(
  "thing",
  struct({ index: u32 }),
  attributes({ name: [3, cstring], mtu: [4, u32] }),
);
const newThing = request(messageType("NEWTHING", 32), NLM_F_CREATE, thing);
const getThing = request(messageType("GETTHING", 34), 0, thing);
const one = thing.encode({ index: 1, name: "one" });
const two = thing.encode({ index: 2, name: "two" });
const three = thing.encode({ index: 3, name: "three" });

describe("Connection.execute", () => {
  it("sends one request that wants an acknowledgement", () => {
    const kernel = new FakeKernel();
    new Connection(kernel).execute(newThing, { index: 7 });
    const [sent] = kernel.requests;
    equal(sent?.type, 32);
    equal(sent?.flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK);
    deepEqual(sent?.payload, hex("07 00 00 00"));
  });
  it("throws what the kernel says, in its words", () => {
    const kernel = new FakeKernel(() => ({ errno: 17, extendedAck: { message: "thing: Taken" } }));
    throws(() => new Connection(kernel).execute(newThing, {}), {
      name: "NetlinkError",
      message: "NEWTHING: EEXIST: thing: Taken",
      request: "NEWTHING",
      errno: 17,
      code: "EEXIST",
    });
  });
  it("says what the errno means when the kernel has no words", () => {
    const kernel = new FakeKernel(() => ({ errno: 19 }));
    throws(() => new Connection(kernel).execute(newThing, {}), {
      message: "NEWTHING: ENODEV: no such device",
    });
  });
  it("reads acknowledgements that repeat the request", () => {
    const answer = { errno: 22, extendedAck: { message: "Bad" } };
    const kernel = new FakeKernel(() => answer, { capsAcknowledgements: false });
    throws(() => new Connection(kernel).execute(newThing, { name: "x" }), {
      message: "NEWTHING: EINVAL: Bad",
    });
  });
  it("names the attribute the kernel points at", () => {
    const extendedAck = { message: "Attribute failed policy validation", offset: 20 };
    const kernel = new FakeKernel(() => ({ errno: 34, extendedAck }));
    throws(() => new Connection(kernel).execute(newThing, { name: "x" }), {
      message: "NEWTHING: ERANGE: Attribute failed policy validation (thing.name)",
    });
  });
  it("names it as well when other requests were sent since", () => {
    const extendedAck = { message: "Attribute failed policy validation", offset: 20 };
    const kernel = new FakeKernel(({ payload }) =>
      payload.length > 4 ? { errno: 34, extendedAck } : undefined,
    );
    const connection = new Connection(kernel);
    throws(
      () => connection.execute(newThing, { name: "x" }),
      (error: NetlinkError) => {
        connection.execute(newThing, { index: 7 });
        equal(error.extendedAck?.attribute, "thing.name");
        return true;
      },
    );
  });
  it("names the attribute the kernel misses", () => {
    const kernel = new FakeKernel(() => ({ errno: 22, extendedAck: { missingType: 4 } }));
    throws(() => new Connection(kernel).execute(newThing, { name: "x" }), {
      message: "NEWTHING: EINVAL: invalid argument (thing.mtu is missing)",
    });
  });
  it("steps over notifications and rests of earlier exchanges", () => {
    const kernel = new FakeKernel();
    kernel.queue.push(datagram(32, 0, 0, one), datagram(2, 0, 0, hex("ef ff ff ff")));
    new Connection(kernel).execute(newThing, {});
    equal(kernel.queue.length, 0);
  });
  it("sends nothing when a value does not fit, and works on", () => {
    const kernel = new FakeKernel();
    const connection = new Connection(kernel);
    throws(() => connection.execute(newThing, { mtu: -1 }), RangeError);
    equal(kernel.sent.length, 0);
    connection.execute(newThing, { index: 1 });
    deepEqual(kernel.requests[0]?.payload, hex("01 00 00 00"));
  });
  it("takes a warning for success", () => {
    const kernel = new FakeKernel(() => ({ extendedAck: { message: "Deprecated" } }));
    new Connection(kernel).execute(newThing, {});
  });
  it("refuses an answer whose length cannot be", () => {
    const kernel = new FakeKernel(() => ({ silent: true }));
    kernel.queue.push(hex("ff 00 00 00  02 00 00 00  01 00 00 00  00 00 00 00"));
    throws(() => new Connection(kernel).execute(newThing, {}), {
      name: "DecodeError",
      message: "decode nlmsghdr at byte 0: want a message length of 16 to 16, got 255",
    });
  });
});

describe("Connection.executeAll", () => {
  it("sends one datagram and wants one acknowledgement, the last", () => {
    const kernel = new FakeKernel();
    new Connection(kernel).executeAll(call(newThing, { index: 1 }), call(newThing, { index: 2 }));
    equal(kernel.sent.length, 1);
    deepEqual(
      kernel.requests.map(({ flags }) => (flags & NLM_F_ACK) !== 0),
      [false, true],
    );
  });
  it("throws the first refusal, after all were worked on", () => {
    const kernel = new FakeKernel(({ payload }) => ({ errno: payload[0] as number }));
    const calls = [call(newThing, { index: 1 }), call(newThing, { index: 2 })];
    throws(() => new Connection(kernel).executeAll(...calls), { code: "EPERM" });
    equal(kernel.queue.length, 0);
  });
  it("throws when an earlier request fails and the last succeeds", () => {
    const kernel = new FakeKernel(({ payload }) => (payload[0] === 1 ? { errno: 17 } : {}));
    const calls = [call(newThing, { index: 1 }), call(getThing, { index: 2 })];
    throws(() => new Connection(kernel).executeAll(...calls), { message: /^NEWTHING: EEXIST/ });
  });
  it("returns what each request was answered with", () => {
    const kernel = new FakeKernel(({ type }) => (type === 34 ? { payloads: [one] } : {}));
    const answers = new Connection(kernel).executeAll(
      call(newThing, { index: 1 }),
      call(getThing, { name: "one" }),
    );
    deepEqual(answers, [[], [{ index: 1, name: "one" }]]);
  });
  it("needs no request", () => deepEqual(new Connection(new FakeKernel()).executeAll(), []));
});

describe("Connection.exchange", () => {
  const open = { ...newThing, name: "OPEN", silent: true };
  it("wants the acknowledgement of the last request that is not silent", () => {
    const kernel = new FakeKernel(({ payload }) => ({ silent: payload[0] === 9 }));
    const batch = new Batch().add(open, { index: 9 }).add(newThing, {}).add(open, { index: 9 });
    deepEqual(new Connection(kernel).exchange(batch), [[], [], []]);
    deepEqual(
      kernel.requests.map(({ flags }) => (flags & NLM_F_ACK) !== 0),
      [false, true, false],
    );
  });
  it("ends when the whole batch is refused in its first request", () => {
    const kernel = new FakeKernel(({ payload }) =>
      payload[0] === 9 ? { errno: 85 } : { silent: true },
    );
    const batch = new Batch().add(open, { index: 9 }).add(newThing, {});
    throws(() => new Connection(kernel).exchange(batch), {
      message: "OPEN: ERESTART: interrupted system call should be restarted",
    });
  });
  it("sends a batch again with new sequence numbers", () => {
    const kernel = new FakeKernel();
    const connection = new Connection(kernel);
    const batch = new Batch().add(newThing, {}).add(newThing, {});
    connection.exchange(batch);
    connection.exchange(batch);
    deepEqual(
      kernel.requests.map(({ sequence }) => sequence),
      [1, 2, 3, 4],
    );
  });
});

describe("Connection.get", () => {
  it("returns the answer", () => {
    const kernel = new FakeKernel(() => ({ payloads: [two] }));
    deepEqual(new Connection(kernel).get(getThing, { index: 2 }), { index: 2, name: "two" });
  });
  it("does not ask for an acknowledgement", () => {
    const kernel = new FakeKernel(() => ({ payloads: [two] }));
    new Connection(kernel).get(getThing, { index: 2 });
    equal(kernel.requests[0]?.flags, NLM_F_REQUEST);
    equal(kernel.queue.length, 0);
  });
  it("throws what the kernel says", () => {
    const kernel = new FakeKernel(() => ({ errno: 19 }));
    throws(() => new Connection(kernel).get(getThing, { index: 2 }), { code: "ENODEV" });
  });
  it("throws ENODATA when the kernel only acknowledges", () => {
    const kernel = new FakeKernel();
    const asking = flagged(getThing, NLM_F_ACK);
    throws(() => new Connection(kernel).get(asking, {}), { code: "ENODATA" });
  });
});

describe("Connection.getAll", () => {
  it("sends one datagram without a wish for acknowledgements and returns the answers", () => {
    const kernel = new FakeKernel(({ payload }) => ({ payloads: [payload[0] === 1 ? one : two] }));
    const connection = new Connection(kernel);
    const answers = connection.getAll(call(getThing, { index: 1 }), call(getThing, { index: 2 }));
    deepEqual(answers, [
      { index: 1, name: "one" },
      { index: 2, name: "two" },
    ]);
    equal(kernel.sent.length, 1);
    deepEqual(
      kernel.requests.map(({ flags }) => flags & NLM_F_ACK),
      [0, 0],
    );
  });
  it("returns a refusal in its place", () => {
    const kernel = new FakeKernel(({ payload }) =>
      payload[0] === 1 ? { errno: 2 } : { payloads: [two] },
    );
    const connection = new Connection(kernel);
    const [first, second] = connection.getAll(
      call(getThing, { index: 1 }),
      call(getThing, { index: 2 }),
    );
    equal((first as NetlinkError).code, "ENOENT");
    deepEqual(second, { index: 2, name: "two" });
  });
  it("needs no question", () => deepEqual(new Connection(new FakeKernel()).getAll(), []));
});

describe("Connection.dump", () => {
  it("collects messages over several datagrams", () => {
    const kernel = new FakeKernel(() => ({ payloads: [one, two, three] }));
    const names = new Connection(kernel).dump(getThing, {}).map(({ name }) => name);
    deepEqual(names, ["one", "two", "three"]);
    equal(kernel.requests[0]?.flags, NLM_F_REQUEST | NLM_F_DUMP);
  });
  it("may be empty", () => {
    deepEqual(new Connection(new FakeKernel(() => ({ payloads: [] }))).dump(getThing, {}), []);
  });
  it("decodes what is picked", () => {
    const kernel = new FakeKernel(() => ({ payloads: [one] }));
    const brief = answeredBy(getThing, thing.pick("mtu"));
    deepEqual(new Connection(kernel).dump(brief, {}), [{ index: 1 }]);
  });
  it("is read again when it changed meanwhile", () => {
    let interruptions = 4;
    const kernel = new FakeKernel(() => ({ payloads: [one], interrupted: interruptions-- > 0 }));
    deepEqual(new Connection(kernel).dump(getThing, {}), [{ index: 1, name: "one" }]);
    equal(kernel.requests.length, 5);
  });
  it("gives up when it changes every time", () => {
    const kernel = new FakeKernel(() => ({ payloads: [one], interrupted: true }));
    throws(() => new Connection(kernel).dump(getThing, {}), {
      name: "NetlinkError",
      message: "GETTHING: EINTR: dump changed while it was read, 5 times",
    });
  });
  it("throws a refusal", () => {
    const kernel = new FakeKernel(() => ({ errno: 1 }));
    throws(() => new Connection(kernel).dump(getThing, {}), { code: "EPERM" });
  });
  it("throws an error that the dump ends with", () => {
    const kernel = new FakeKernel(() => ({ silent: true }));
    kernel.queue.push(datagram(3, 2, 1, hex("ea ff ff ff")));
    throws(() => new Connection(kernel).dump(getThing, {}), { code: "EINVAL" });
  });
  it("leaves nothing that the next exchange could take for its own", () => {
    const kernel = new FakeKernel(({ type }) =>
      type === 34 ? { payloads: [one, hex("01"), three] } : {},
    );
    const connection = new Connection(kernel);
    throws(() => connection.dump(getThing, {}), { name: "DecodeError" });
    connection.execute(newThing, {});
    equal(kernel.queue.length, 0);
  });
});

describe("ConnectionOptions.trace", () => {
  it("gets every message decoded", () => {
    const events: TraceEvent[] = [];
    const kernel = new FakeKernel(() => ({ errno: 17, extendedAck: { message: "Taken" } }));
    const connection = new Connection(kernel, { trace: (event) => events.push(event) });
    throws(() => connection.execute(newThing, { name: "x" }));
    deepEqual(
      events.map(({ direction, name, value }) => ({ direction, name, value })),
      [
        { direction: "sent", name: "NEWTHING", value: { index: 0, name: "x" } },
        {
          direction: "received",
          name: "NEWTHING",
          value: { errno: 17, extendedAck: { message: "Taken" } },
        },
      ],
    );
  });
});

describe("Connection.close", () => {
  it("closes the transport", () => {
    const kernel = new FakeKernel();
    new Connection(kernel).close();
    ok(kernel.isClosed);
  });
});

describe("NetlinkError", () => {
  it("carries the extended acknowledgement", () => {
    const extendedAck = { message: "No", offset: 20, policy: { type: 11, maxLength: 15 } };
    const kernel = new FakeKernel(() => ({ errno: 34, extendedAck }));
    throws(
      () => new Connection(kernel).execute(newThing, { name: "x" }),
      (error: NetlinkError) => {
        deepEqual(error.extendedAck, { ...extendedAck, attribute: "thing.name" });
        return true;
      },
    );
  });
});

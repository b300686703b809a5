import { deepEqual, equal, throws } from "node:assert/strict";
import { leaveToKernel, wakeCollector } from "../../../core/nft/leave-to-kernel.ts";
import { hostError, useHost } from "../../fake-host.ts";

const name = new Uint8Array([1, 0, 0, 0x61]);

/** Sockets by number, and what was sent. */
function sockets(failing?: { call: string; code: string }) {
  const log: string[] = [];
  let next = 7;
  const step = (call: string): void => {
    log.push(call);
    if (failing && call.startsWith(failing.call))
      throw hostError(failing.call as keyof Host, failing.code);
  };
  useHost({
    socket: () => {
      step("socket");
      return next++;
    },
    bind: () => step("bind"),
    getsockname: () => name,
    sendmsg: (fd: number, _data: Uint8Array, address?: Uint8Array, fds?: number[]) => {
      step(`sendmsg ${fd} to ${address?.join()} with ${fds?.join()}`);
      return 1;
    },
    close: (fd: number) => void log.push(`close ${fd}`),
  });
  return log;
}

describe("leaveToKernel", () => {
  it("sends the socket with its carrier to the carrier itself", () => {
    const log = sockets();
    equal(leaveToKernel(3), true);
    deepEqual(log, ["socket", "bind", "sendmsg 7 to 1,0,0,97 with 7,3", "close 7"]);
  });

  for (const [call, code] of [
    ["socket", "EMFILE"],
    ["sendmsg", "ETOOMANYREFS"],
    ["bind", "ENOMEM"],
  ] as const) {
    it(`only loses time when ${call} says ${code}`, () => {
      const log = sockets({ call, code });
      equal(leaveToKernel(3), false);
      equal(log.filter((each) => each.startsWith("close")).length, call === "socket" ? 0 : 1);
    });
  }

  it("throws what it does not expect", () => {
    const log = sockets({ call: "bind", code: "EINVAL" });
    throws(() => leaveToKernel(3), { code: "EINVAL" });
    equal(log.at(-1), "close 7");
  });
});

describe("wakeCollector", () => {
  it("leaves it to others when there is no memory for a socket", () => {
    sockets({ call: "socket", code: "ENOBUFS" });
    wakeCollector();
  });

  it("closes a unix socket of its own", () => {
    const log = sockets();
    wakeCollector();
    deepEqual(log, ["socket", "close 7"]);
  });
});

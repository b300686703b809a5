import { deepEqual, equal } from "node:assert/strict";
import { passedSockets } from "../../../core/daemon/activation.ts";
import { ServiceManager } from "../../../core/daemon/notify.ts";
import { nameProgram } from "../../../core/log.ts";
import { FakeHost, hostError, useHost } from "../../fake-host.ts";

describe("passedSockets", () => {
  const environ = (...more: string[]) => ["LISTEN_PID=7", "LISTEN_FDS=2", ...more];

  it("are those from descriptor 3 on, with their names", () => {
    deepEqual(passedSockets(environ("LISTEN_FDNAMES=a:b"), 7), [
      { fd: 3, name: "a" },
      { fd: 4, name: "b" },
    ]);
  });
  it("have no name when there are too few", () => {
    deepEqual(
      passedSockets(environ("LISTEN_FDNAMES=a"), 7).map(({ name }) => name),
      ["a", "unknown"],
    );
  });
  it("are none when they are meant for another process", () => {
    deepEqual(passedSockets(environ(), 8), []);
  });
  for (const count of ["", "x", "-1", "1e3", "0"]) {
    it(`are none when their number is "${count}"`, () => {
      deepEqual(passedSockets(["LISTEN_PID=7", `LISTEN_FDS=${count}`], 7), []);
    });
  }
});

/** What was sent, and where to, as text. */
function manager(environ: string[]) {
  const sent: string[] = [];
  useHost({
    socket: () => 5,
    close: () => {},
    clockGettime: () => 1234.5678,
    sendmsg: (_, data, address = new Uint8Array()) => {
      const path = new TextDecoder().decode(address.subarray(2)).replaceAll("\0", "~");
      sent.push(`${path}: ${new TextDecoder().decode(data)}`);
      return data.length;
    },
  });
  return { manager: new ServiceManager(environ, 7), sent };
}

describe("ServiceManager", () => {
  it("is told at a path", () => {
    const { manager: it, sent } = manager(["NOTIFY_SOCKET=/run/systemd/notify"]);
    it.tell({ READY: 1, STATUS: "serves 3 leases" });
    deepEqual(sent, ["/run/systemd/notify~: READY=1\nSTATUS=serves 3 leases"]);
  });
  it("is told at an abstract name", () => {
    const { manager: it, sent } = manager(["NOTIFY_SOCKET=@notify"]);
    it.tell({ STOPPING: 1 });
    deepEqual(sent, ["~notify: STOPPING=1"]);
  });
  it("is told when a reload began", () => {
    const { manager: it, sent } = manager(["NOTIFY_SOCKET=/n"]);
    it.tellReloading();
    deepEqual(sent, ["/n~: RELOADING=1\nMONOTONIC_USEC=1234567"]);
  });
  for (const environ of [[], ["NOTIFY_SOCKET="], ["NOTIFY_SOCKET=vsock:2:1234"]]) {
    it(`is nobody with ${JSON.stringify(environ)}`, () => {
      const { manager: it, sent } = manager(environ);
      it.tell({ READY: 1 });
      deepEqual(sent, []);
    });
  }
  it("that is gone is said, and no reason to fail", () => {
    const gone = {
      socket: () => 5,
      close: () => {},
      sendmsg: () => {
        throw hostError("sendmsg", "ENOENT");
      },
    };
    const fake = useHost(Object.assign(new FakeHost(), gone));
    nameProgram("test");
    new ServiceManager(["NOTIFY_SOCKET=/gone"], 7).tell({ READY: 1 });
    equal(
      fake.stderr,
      "netloom test: cannot notify the service manager: sendmsg: ENOENT: no such file or directory\n",
    );
  });
  for (const [environ, milliseconds] of [
    [["WATCHDOG_USEC=30000000"], 30_000],
    [["WATCHDOG_USEC=30000000", "WATCHDOG_PID=7"], 30_000],
    [["WATCHDOG_USEC=30000000", "WATCHDOG_PID=8"], undefined],
    [["WATCHDOG_USEC=0"], undefined],
    [["WATCHDOG_USEC=x"], undefined],
    [[], undefined],
  ] as const) {
    it(`wants to hear of us as ${JSON.stringify(environ)} says`, () => {
      equal(new ServiceManager(environ, 7).watchdogMs, milliseconds);
    });
  }
});

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, thrownOnHost } from "../program.ts";

describeKernel("poll", () => {
  after(removeFolders);

  it("tells what is ready, in order", () => {
    const ready = onHost((host) => {
      const [a, b] = host.socketpair(1, 1, 0);
      host.send(a, new Uint8Array(1));
      return host.poll(
        [
          { fd: a, events: 1 },
          { fd: b, events: 5 },
          { fd: 99, events: 1 },
        ],
        -1,
      );
    });
    deepEqual(ready, [0, 5, 0x20]);
  });
  it("returns after its time", () => {
    const [ready, waited] = onHost((host) => {
      const start = host.clockGettime(1);
      return [
        host.poll([{ fd: host.socketpair(1, 1, 0)[0], events: 1 }], 50),
        host.clockGettime(1) - start,
      ];
    }) as [number[], number];
    deepEqual(ready, [0]);
    ok(waited >= 50 && waited < 1000, `${waited} ms`);
  });
  it("does not wait with a time of 0", () => {
    deepEqual(
      onHost((host) => host.poll([{ fd: host.socketpair(1, 1, 0)[0], events: 1 }], 0)),
      [0],
    );
  });
  it("waits its whole time although a signal comes", () => {
    const waited = onHost((host) => {
      const script = `setsid sh -c 'for i in 1 2 3; do sleep 0.03; kill -CONT ${host.getpid()}; kill -STOP ${host.getpid()}; kill -CONT ${host.getpid()}; done' >/dev/null 2>&1 &`;
      host.finish(
        host.start({
          path: "/bin/sh",
          argv: ["sh", "-c", script],
          env: ["PATH=/usr/bin:/bin"],
          stdin: new Uint8Array(),
        }),
      );
      const start = host.clockGettime(1);
      host.poll([], 200);
      host.nanosleep(100);
      return host.clockGettime(1) - start;
    });
    ok(waited >= 300, `${waited} ms`);
  });
});

describeKernel("timerfd, signalfd", () => {
  after(removeFolders);

  it("a timer fires once, or again and again, or not when it is stopped", () => {
    const told = onHost((host) => {
      const fd = host.timerfdCreate(1);
      const fired = (ms: number) => host.poll([{ fd, events: 1 }], ms)[0];
      host.timerfdSettime(fd, 10, 0);
      const once = [fired(1000), host.read(fd, 8)[0], fired(30)];
      host.timerfdSettime(fd, 0, 5);
      const twice = [fired(1000), host.read(fd, 8).length, fired(1000)];
      host.timerfdSettime(fd, 0, 0);
      return [once, twice, fired(30)];
    });
    deepEqual(told, [[1, 1, 0], [1, 8, 1], 0]);
  });
  it("a clock that has no timers is refused", () => {
    equal(
      thrownOnHost((host) => host.timerfdCreate(2))?.message,
      "timerfdCreate: EINVAL: invalid argument",
    );
    equal(thrownOnHost((host) => host.timerfdSettime(0, 1, 0))?.syscall, "timerfdSettime");
  });
  it("a signal is read instead of taken", () => {
    const told = onHost((host) => {
      const fd = host.signalfd([15, 10]);
      host.kill(host.getpid(), 15);
      const info = host.read(fd, 128);
      return [info.length, info[0]];
    });
    deepEqual(told, [128, 15]);
  });
  it("a signal that is none is refused", () => {
    equal(
      thrownOnHost((host) => host.signalfd([999]))?.message,
      "signalfd: EINVAL: invalid argument",
    );
  });
});

describeKernel("clockGettime, nanosleep, getrandom", () => {
  after(removeFolders);

  it("the clocks are the system's", () => {
    const [real, , boot] = onHost((host) => [0, 1, 7].map((clock) => host.clockGettime(clock))) as [
      number,
      number,
      number,
    ];
    ok(Math.abs(real - Date.now()) < 10_000);
    ok(boot > 0);
    equal(
      thrownOnHost((host) => host.clockGettime(99))?.message,
      "clockGettime: EINVAL: invalid argument",
    );
  });
  it("nanosleep sleeps that long", () => {
    const waited = onHost((host) => {
      const start = host.clockGettime(1);
      host.nanosleep(20.5);
      return host.clockGettime(1) - start;
    });
    ok(waited >= 20.5 && waited < 500, `${waited} ms`);
  });
  it("getrandom gives that many bytes, other ones each time", () => {
    const told = onHost((host) => [
      host.getrandom(0).length,
      host.getrandom(300_000).length,
      new Set([1, 2, 3].map(() => host.getrandom(8).join())).size,
    ]);
    deepEqual(told, [0, 300_000, 3]);
  });
});

describeKernel("ioctl, uname", () => {
  after(removeFolders);

  it("ioctl fills a buffer: SIOCGIFINDEX of lo", () => {
    const index = onHost((host) => {
      const request = new Uint8Array(40);
      request.set([108, 111]);
      const value = host.ioctl(host.socket(2, 2, 0), 0x8933, request);
      return [value, request[16]];
    });
    deepEqual(index, [0, 1]);
  });
  it("ioctl takes a number: NS_GET_NSTYPE", () => {
    equal(
      onHost((host) => host.ioctl(host.open("/proc/self/ns/net", 0), 0xb703, 0)),
      0x40000000,
    );
  });
  it("ioctl fails in the one shape", () => {
    equal(
      thrownOnHost((host) => host.ioctl(host.open("/dev/null", 0), 0x5401, new Uint8Array(64)))
        ?.message,
      "ioctl: ENOTTY: not a tty",
    );
  });
  it("uname tells the kernel", () => {
    const name = onHost((host) => host.uname());
    deepEqual(
      [name.sysname, Object.keys(name)],
      ["Linux", ["sysname", "nodename", "release", "version", "machine"]],
    );
    match(name.release, /^\d+\.\d+/);
  });
});

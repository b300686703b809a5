import { deepEqual, equal } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, thrownOnHost } from "../program.ts";

describeKernel("sockets", () => {
  after(removeFolders);

  it("bind, listen, connect, accept, send, recv over TCP", () => {
    const told = onHost((host) => {
      const server = host.socket(2, 1, 0);
      host.setsockopt(server, 1, 2, 1);
      host.bind(server, new Uint8Array([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]));
      host.listen(server, 5);
      const address = host.getsockname(server);
      const client = host.socket(2, 1, 0);
      host.connect(client, address);
      const { fd, address: peer } = host.accept(server);
      const sent = host.send(client, new Uint8Array([1, 2, 3]));
      const data = host.recv(fd, 100);
      host.shutdown(client, 1);
      const same =
        host.getpeername(fd).join() === peer.join() &&
        host.getsockname(client).join() === peer.join();
      return [address.length, [...address.subarray(4, 8)], sent, data, host.recv(fd, 100), same];
    });
    deepEqual(told, [16, [127, 0, 0, 1], 3, [1, 2, 3], [], true]);
  });
  it("getsockopt and setsockopt take ints and bytes", () => {
    const told = onHost((host) => {
      const fd = host.socket(2, 1, 0);
      host.setsockopt(fd, 1, 9, 1);
      host.setsockopt(fd, 1, 13, new Uint8Array([1, 0, 0, 0, 5, 0, 0, 0]));
      return [
        host.getsockopt(fd, 1, 9, 4),
        host.getsockopt(fd, 1, 13, 8),
        host.getsockopt(fd, 1, 3, 64).length,
      ];
    });
    deepEqual(told, [[1, 0, 0, 0], [1, 0, 0, 0, 5, 0, 0, 0], 4]);
  });
  it("netlink speaks: RTM_GETLINK of lo", () => {
    const [type, index] = onHost((host) => {
      const fd = host.socket(16, 3, 0);
      host.bind(fd, new Uint8Array([16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]));
      const request = new DataView(new ArrayBuffer(32));
      request.setUint32(0, 32, true);
      request.setUint16(4, 18, true);
      request.setUint16(6, 1, true);
      request.setInt32(20, 1, true);
      host.send(fd, new Uint8Array(request.buffer));
      const reply = host.recv(fd, 32768);
      const view = new DataView(reply.buffer);
      return [view.getUint16(4, true), view.getInt32(20, true)];
    }) as [number, number];
    deepEqual([type, index], [16, 1]);
  });
  it("recv throws EAGAIN instead of giving nothing", () => {
    equal(
      thrownOnHost((host) => host.recv(host.socketpair(1, 1, 0)[0], 10, 0x40))?.message,
      "recv: EAGAIN: resource temporarily unavailable",
    );
  });
  it("send to a closed socket is EPIPE", () => {
    equal(
      thrownOnHost((host) => {
        const [a, b] = host.socketpair(1, 1, 0);
        host.close(b);
        host.send(a, new Uint8Array(1));
      })?.code,
      "EPIPE",
    );
  });

  const failures: [string, (host: Host) => unknown, string][] = [
    [
      "socket",
      (host) => host.socket(99, 1, 0),
      "EAFNOSUPPORT: address family not supported by protocol",
    ],
    ["socketpair", (host) => host.socketpair(2, 1, 0), "EOPNOTSUPP: not supported"],
    [
      "bind",
      (host) => host.bind(host.socket(2, 1, 0), new Uint8Array(3)),
      "EINVAL: invalid argument",
    ],
    [
      "connect",
      (host) =>
        host.connect(
          host.socket(2, 1, 0),
          new Uint8Array([2, 0, 0, 1, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]),
        ),
      "ECONNREFUSED: connection refused",
    ],
    ["listen", (host) => host.listen(host.socket(2, 2, 0), 1), "EOPNOTSUPP: not supported"],
    ["accept", (host) => host.accept(host.socket(2, 1, 0)), "EINVAL: invalid argument"],
    [
      "getsockname",
      (host) => host.getsockname(host.open("/etc/passwd", 0)),
      "ENOTSOCK: not a socket",
    ],
    [
      "getpeername",
      (host) => host.getpeername(host.socket(2, 1, 0)),
      "ENOTCONN: socket not connected",
    ],
    [
      "getsockopt",
      (host) => host.getsockopt(host.socket(2, 1, 0), 1, 9999, 4),
      "ENOPROTOOPT: protocol not available",
    ],
    [
      "setsockopt",
      (host) => host.setsockopt(host.socket(2, 1, 0), 1, 9999, 1),
      "ENOPROTOOPT: protocol not available",
    ],
    [
      "shutdown",
      (host) => host.shutdown(host.socket(2, 1, 0), 2),
      "ENOTCONN: socket not connected",
    ],
    [
      "send",
      (host) => host.send(host.open("/etc/passwd", 0), new Uint8Array(1)),
      "ENOTSOCK: not a socket",
    ],
    ["recv", (host) => host.recv(99, 1), "EBADF: bad file descriptor"],
    [
      "sendmsg",
      (host) => host.sendmsg(host.socket(1, 2, 0), new Uint8Array(1)),
      "ENOTCONN: socket not connected",
    ],
    [
      "recvmsg",
      (host) => host.recvmsg(host.socketpair(1, 1, 0)[0], 1, 0x40),
      "EAGAIN: resource temporarily unavailable",
    ],
  ];
  for (const [name, body, message] of failures) {
    it(`${name} fails in the one shape`, () => {
      const thrown = thrownOnHost(body);
      deepEqual([thrown?.message, thrown?.syscall], [`${name}: ${message}`, name]);
    });
  }
});

describeKernel("sendmsg, recvmsg", () => {
  after(removeFolders);

  it("carry descriptors", () => {
    const told = onHost((host) => {
      const [a, b] = host.socketpair(1, 1, 0);
      const [c, d] = host.socketpair(1, 1, 0);
      const sent = host.sendmsg(a, new Uint8Array([7]), undefined, [c, c]);
      const { data, fds, flags } = host.recvmsg(b, 10);
      host.send(fds[1] ?? -1, new Uint8Array([8]));
      return [sent, data, fds.length, flags & ~0x40000000, host.recv(d, 1)];
    });
    deepEqual(told, [1, [7], 2, 0, [8]]);
  });
  it("carry addresses", () => {
    const told = onHost((host) => {
      const any = new Uint8Array([2, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
      const [a, b] = [host.socket(2, 2, 0), host.socket(2, 2, 0)];
      host.bind(a, any);
      host.bind(b, any);
      host.sendmsg(a, new Uint8Array([1, 2]), host.getsockname(b));
      const { data, address } = host.recvmsg(b, 10);
      return [data, address.join() === host.getsockname(a).join()];
    });
    deepEqual(told, [[1, 2], true]);
  });
  it("tell that a datagram was cut", () => {
    const told = onHost((host) => {
      const [a, b] = host.socketpair(1, 2, 0);
      host.send(a, new Uint8Array(10));
      const { data, flags } = host.recvmsg(b, 4);
      return [data.length, flags & 0x20];
    });
    deepEqual(told, [4, 0x20]);
  });
  it("recv with MSG_TRUNC gives no more than there is room for", () => {
    equal(
      onHost((host) => {
        const [a, b] = host.socketpair(1, 2, 0);
        host.send(a, new Uint8Array(10));
        return host.recv(b, 4, 0x20).length;
      }),
      4,
    );
  });
  it("refuse more descriptors than a message carries", () => {
    const thrown = thrownOnHost((host) =>
      host.sendmsg(0, new Uint8Array(1), undefined, Array(254).fill(0)),
    );
    equal(thrown?.message, "sendmsg: fds: want at most 253, got 254");
  });
});

describeKernel("every descriptor", () => {
  after(removeFolders);

  it("is close-on-exec", () => {
    const kept = onHost((host) => {
      const server = host.socket(2, 1, 0);
      host.listen(server, 1);
      const client = host.socket(2, 1, 0);
      host.connect(client, host.getsockname(server));
      const [a, b] = host.socketpair(1, 1, 0);
      host.sendmsg(a, new Uint8Array(1), undefined, [a]);
      const made = [
        host.open("/etc/passwd", 0),
        server,
        client,
        host.accept(server).fd,
        a,
        b,
        ...host.recvmsg(b, 1).fds,
        host.timerfdCreate(1),
        host.signalfd([10]),
      ];
      return made.filter((fd) => {
        const info = host.open(`/proc/self/fdinfo/${fd}`, 0);
        const flags =
          /flags:\s*(\d+)/.exec(new TextDecoder().decode(host.read(info, 1000)))?.[1] ?? "0";
        host.close(info);
        return (Number.parseInt(flags, 8) & 0o2000000) === 0;
      });
    });
    deepEqual(kept, []);
  });
});

describeKernel("attachFilter", () => {
  after(removeFolders);

  it("lets through what its program accepts, at most that much of it", () => {
    const received = onHost((host) => {
      const [left, right] = host.socketpair(1, 2, 0);
      const instruction = (code: number, jumpTrue: number, jumpFalse: number, k: number) => [
        ...[code & 0xff, code >> 8, jumpTrue, jumpFalse],
        ...new Uint8Array(Uint32Array.of(k).buffer),
      ];
      host.attachFilter(
        right,
        Uint8Array.from([
          ...instruction(0x30, 0, 0, 0), // ldb [0]
          ...instruction(0x15, 0, 1, 1), // jeq #1
          ...instruction(0x06, 0, 0, 3), // ret #3
          ...instruction(0x06, 0, 0, 0), // ret #0
        ]),
      );
      const sent = [Uint8Array.of(2, 9), Uint8Array.of(1, 9, 9, 9)].map((bytes) =>
        host.send(left, bytes),
      );
      return [sent, [...host.recv(right, 100, 0x40)]];
    });
    deepEqual(received, [
      [2, 4],
      [1, 9, 9],
    ]);
  });
  for (const [what, bytes] of [
    ["no instruction", []],
    ["half an instruction", [6, 0, 0, 0]],
    ["a jump behind the end", [0x05, 0, 0, 0, 9, 0, 0, 0]],
  ] as const) {
    it(`refuses ${what}`, () => {
      const thrown = thrownOnHost(
        (host, program) => host.attachFilter(host.socket(1, 2, 0), Uint8Array.from(program)),
        bytes,
      );
      equal(thrown?.message, "attachFilter: EINVAL: invalid argument");
    });
  }
});

import { deepEqual, equal } from "node:assert/strict";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, temporaryFolder, thrownOnHost } from "../program.ts";

describeKernel("open, read, write, close", () => {
  after(removeFolders);

  it("make, fill and read a file", () => {
    const path = `${temporaryFolder()}/file`;
    const read = onHost((host, path) => {
      const fd = host.open(path, 0o102, 0o640);
      const written = host.write(fd, new Uint8Array([1, 2, 3]));
      host.close(fd);
      const again = host.open(path, 0);
      return [written, host.read(again, 2), host.read(again, 100), host.read(again, 100)];
    }, path);
    deepEqual(read, [3, [1, 2], [3], []]);
    equal(statSync(path).mode & 0o777, 0o640 & ~process.umask());
  });

  it("read lengths around the size of the host's buffer", () => {
    const path = `${temporaryFolder()}/big`;
    writeFileSync(path, Buffer.alloc(300_000, 7));
    const lengths = onHost((host, path) => {
      return [131_071, 131_072, 131_073, 300_000, 1_000_000].map((length) => {
        const fd = host.open(path, 0);
        const bytes = host.read(fd, length);
        host.close(fd);
        return [
          bytes.length,
          bytes.every((byte) => byte === 7),
          bytes.byteOffset,
          bytes.buffer.byteLength,
        ];
      });
    }, path);
    deepEqual(
      lengths,
      [131_071, 131_072, 131_073, 300_000, 300_000].map((n) => [n, true, 0, n]),
    );
  });

  it("give arrays of their own that may be grown and moved", () => {
    const sizes = onHost((host) => {
      const fd = host.open("/dev/zero", 0);
      return [100, 200_000].map((length) => {
        const bytes = host.read(fd, length);
        bytes.fill(1);
        const moved = (
          bytes.buffer as ArrayBuffer & { transfer(length: number): ArrayBuffer }
        ).transfer(length * 2);
        return [
          bytes.length,
          moved.byteLength,
          new Uint8Array(moved).filter((byte) => byte === 1).length,
        ];
      });
    });
    deepEqual(sizes, [
      [0, 200, 100],
      [0, 400_000, 200_000],
    ]);
  });

  it("write a part of an array", () => {
    const path = `${temporaryFolder()}/part`;
    onHost(
      (host, path) =>
        host.write(host.open(path, 0o101, 0o600), new Uint8Array([1, 2, 3, 4]).subarray(1, 3)),
      path,
    );
    deepEqual([...readFileSync(path)], [2, 3]);
  });

  it("write nothing of an empty array", () => {
    equal(
      onHost((host) => host.write(host.open("/dev/null", 1), new Uint8Array())),
      0,
    );
  });

  it("write from one buffer that became empty with EPIPE when nobody reads", () => {
    equal(
      thrownOnHost((host) => {
        const [read, write] = host.socketpair(1, 1, 0);
        host.close(read);
        host.write(write, new Uint8Array(1));
      })?.code,
      "EPIPE",
    );
  });

  const failures: [string, (host: Host) => unknown, string][] = [
    [
      "open of a directory for writing",
      (host) => host.open("/tmp", 1),
      'open "/tmp": EISDIR: is a directory',
    ],
    [
      "open with O_EXCL of what is there",
      (host) => host.open("/etc/passwd", 0o301, 0),
      'open "/etc/passwd": EEXIST: file exists',
    ],
    [
      "open below a file",
      (host) => host.open("/etc/passwd/x", 0),
      'open "/etc/passwd/x": ENOTDIR: not a directory',
    ],
    [
      "read of a directory",
      (host) => host.read(host.open("/tmp", 0), 1),
      "read: EISDIR: is a directory",
    ],
    [
      "write to what is open for reading",
      (host) => host.write(host.open("/etc/passwd", 0), new Uint8Array(1)),
      "write: EBADF: bad file descriptor",
    ],
    [
      "fsync of a pipe-like file",
      (host) => host.fsync(host.socketpair(1, 1, 0)[0]),
      "fsync: EINVAL: invalid argument",
    ],
    [
      "ftruncate to a negative length",
      (host) => host.ftruncate(host.open("/dev/null", 1), -1),
      "ftruncate: length: -1 is out of range",
    ],
  ];
  for (const [what, body, message] of failures) {
    it(`fail for ${what}`, () => equal(thrownOnHost(body)?.message, message));
  }
});

describeKernel("fsync, fdatasync, ftruncate", () => {
  after(removeFolders);

  it("succeed on a file", () => {
    const path = `${temporaryFolder()}/file`;
    onHost((host, path) => {
      const fd = host.open(path, 0o102, 0o600);
      host.write(fd, new Uint8Array(10));
      host.fsync(fd);
      host.fdatasync(fd);
      host.ftruncate(fd, 4);
    }, path);
    equal(statSync(path).size, 4);
  });
});

import { deepEqual, equal, match, throws } from "node:assert/strict";
import { cniErrorOf } from "../../../core/errors.ts";
import { withLock } from "../../../core/state/lock.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const O_RDONLY = 0;
const LOCK_EX = 2;

/** The error object a program would print. */
function failureOf(fn: () => void): { code: number; message: string; details: string | undefined } {
  try {
    fn();
  } catch (error) {
    const { code, message, details } = cniErrorOf(error);
    return { code, message, details };
  }
  throw new Error("nothing was thrown");
}

function hostWithLock(files: Record<string, string> = {}): FakeHost {
  return useHost(new FakeHost({ files: { "/s/lock": "", ...files } }));
}

describe("withLock", () => {
  it("returns what the function returns and lets go", () => {
    const host = hostWithLock();
    equal(
      withLock("/s/lock", {}, () => 7),
      7,
    );
    equal(
      withLock("/s/lock", { timeoutMs: 0 }, () => 8),
      8,
    );
    equal(host.descriptors.size, 0);
  });

  it("lets go when the function throws", () => {
    const host = hostWithLock();
    throws(() =>
      withLock("/s/lock", {}, () => {
        throw new Error("inside");
      }),
    );
    equal(host.descriptors.size, 0);
  });

  it("lets stand what the function did when close(2) reports an error", () => {
    const host = hostWithLock();
    host.failOn("close", "EIO");
    equal(
      withLock("/s/lock", {}, () => 7),
      7,
    );
    match(host.stderr, /close lock "\/s\/lock": close: EIO/);
  });

  it("holds the lock while the function runs", () => {
    const host = hostWithLock();
    withLock("/s/lock", {}, () => {
      const fd = host.open("/s/lock", O_RDONLY);
      throws(() => host.flock(fd, LOCK_EX | 4), /EAGAIN/);
    });
  });

  it("makes the file with the mode it is given", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/s");
    withLock("/s/lock", { mode: 0o750 }, () => {});
    equal(host.stat("/s/lock").mode & 0o777, 0o750);
  });

  it("follows no symbolic link", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/s");
    host.symlink("/etc/passwd", "/s/lock");
    throws(() => withLock("/s/lock", {}, () => {}), { message: 'lock "/s/lock"', code: 999 });
    deepEqual(host.list(), ["/s/lock"]);
  });

  describe("that another process keeps", () => {
    const stat = `812 (sleep (odd) x) T 1 812 812 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 ${1000 * 100} 0 0`;

    function keptBy(locks: (ino: number) => string, files: Record<string, string> = {}): FakeHost {
      const host = hostWithLock(files);
      host.flock(host.open("/s/lock", O_RDONLY), LOCK_EX);
      host.put("/proc/locks", locks(host.stat("/s/lock").ino));
      return host;
    }

    it("gives up after the time with code 11, naming pid, command, age and state", () => {
      const host = keptBy(
        (ino) => `1: -> FLOCK  ADVISORY  WRITE 9 00:01:${ino} 0 EOF
2: POSIX  ADVISORY  WRITE 10 00:01:${ino} 0 EOF
3: FLOCK  ADVISORY  WRITE 11 00:01:99999 0 EOF
4: FLOCK  ADVISORY  WRITE 812 00:01:${ino} 0 EOF
`,
        { "/proc/812/cmdline": "/opt/cni/bin/host-local\0--x\0", "/proc/812/stat": stat },
      );
      const before = host.clock.nowMs;
      const ageSeconds = (before + 500 - 1_600_000_000_000) / 1000 - 1000;
      deepEqual(
        failureOf(() => withLock("/s/lock", { timeoutMs: 500 }, () => {})),
        {
          code: 11,
          message:
            `lock "/s/lock": held by process 812 ("/opt/cni/bin/host-local --x", ` +
            `running for ${Math.round(ageSeconds)} s, stopped)`,
          details: "waited 500 ms",
        },
      );
      equal(host.clock.nowMs - before, 500);
    });

    it("says so when the holder is gone from /proc", () => {
      keptBy((ino) => `1: FLOCK  ADVISORY  WRITE 812 00:01:${ino} 0 EOF\n`);
      equal(
        failureOf(() => withLock("/s/lock", { timeoutMs: 1 }, () => {})).message,
        'lock "/s/lock": held by process 812',
      );
    });

    it("says so when the holder is in another pid namespace", () => {
      keptBy((ino) => `1: FLOCK  ADVISORY  WRITE 0 00:01:${ino} 0 EOF\n`);
      equal(
        failureOf(() => withLock("/s/lock", { timeoutMs: 1 }, () => {})).message,
        'lock "/s/lock": held by a process of another pid namespace',
      );
    });

    it("finds the holder where the device's number differs, as on btrfs", () => {
      keptBy((ino) => `1: FLOCK  ADVISORY  WRITE 812 00:2f:${ino} 0 EOF\n`);
      equal(
        failureOf(() => withLock("/s/lock", { timeoutMs: 1 }, () => {})).message,
        'lock "/s/lock": held by process 812',
      );
    });

    it("does without /proc", () => {
      const host = keptBy(() => "");
      host.unlink("/proc/locks");
      equal(
        failureOf(() => withLock("/s/lock", { timeoutMs: 1 }, () => {})).message,
        'lock "/s/lock": held by a process that /proc/locks does not name',
      );
    });
  });
});

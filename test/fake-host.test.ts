import { deepEqual, equal, throws } from "node:assert/strict";

import { host } from "../core/host.ts";
import { FakeHost, useHost } from "./fake-host.ts";

const O_WRONLY = 1;
const O_CREAT = 0o100;
const O_EXCL = 0o200;
const O_NOFOLLOW = 0o400000;
const LOCK_EX = 2;

describe("FakeHost", () => {
  it("keeps what is written to a file", () => {
    const fake = useHost(new FakeHost({ files: { "/run/a": "one" } }));
    const fd = host.open("/run/b", O_WRONLY | O_CREAT | O_EXCL, 0o600);
    host.write(fd, new TextEncoder().encode("two"));
    host.close(fd);
    deepEqual(fake.list(), ["/run/a", "/run/b"]);
    equal(fake.text("/run/b"), "two");
    equal(host.stat("/run/b").mode, 0o100600);
  });

  it("throws the host's error shape", () => {
    useHost(new FakeHost());
    throws(() => host.open("/none", 0), {
      name: "HostError",
      message: 'open "/none": ENOENT: no such file or directory',
      code: "ENOENT",
      errno: 2,
      syscall: "open",
      path: "/none",
    });
  });

  it("does not follow a link when told so", () => {
    const fake = useHost(new FakeHost({ files: { "/etc/passwd": "root" } }));
    fake.symlink("/etc/passwd", "/link");
    throws(() => host.open("/link", O_WRONLY | O_NOFOLLOW), { code: "ELOOP" });
    equal(host.stat("/link").size, 4);
  });

  it("waits out the time of a lock that another descriptor holds", () => {
    const fake = useHost(new FakeHost({ files: { "/lock": "" } }));
    const holder = host.open("/lock", 0);
    host.flock(holder, LOCK_EX);
    const before = fake.clock.nowMs;
    throws(() => host.flock(host.open("/lock", 0), LOCK_EX, 500), { code: "ETIMEDOUT" });
    equal(fake.clock.nowMs - before, 500);
    host.close(holder);
    host.flock(host.open("/lock", 0), LOCK_EX, 500);
  });

  it("fails the call a test asked to fail, once", () => {
    const fake = useHost(new FakeHost({ files: { "/a": "" } }));
    fake.failOn("open", "EIO", /a$/);
    throws(() => host.open("/a", 0), { code: "EIO" });
    host.close(host.open("/a", 0));
  });

  it("names a call that is not faked", () => {
    useHost(new FakeHost());
    throws(() => host.socket(16, 3, 0), /netloomHost.socket: not faked in this test/);
  });
});

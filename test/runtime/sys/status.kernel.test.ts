import { deepEqual, equal } from "node:assert/strict";
import { statfsSync, statSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, temporaryFolder, thrownOnHost } from "../program.ts";

describeKernel("stat, lstat, fstat", () => {
  after(removeFolders);

  it("tell what Node tells", () => {
    const path = `${temporaryFolder()}/file`;
    writeFileSync(path, "x".repeat(5000), { mode: 0o604 });
    utimesSync(path, 1, 1234567.5);
    const { dev, ino, mode, uid, gid, nlink, size } = statSync(path);
    const expected = { dev, ino, mode, uid, gid, nlink, size, mtime: 1234567.5 };
    const told = onHost(
      (host, path) => [host.stat(path), host.lstat(path), host.fstat(host.open(path, 0))],
      path,
    );
    deepEqual(told, [expected, expected, expected]);
  });
  it("lstat does not follow, stat does", () => {
    const folder = temporaryFolder();
    symlinkSync("/etc", `${folder}/link`);
    const modes = onHost(
      (host, path) => [host.lstat(path).mode >> 12, host.stat(path).mode >> 12],
      `${folder}/link`,
    );
    deepEqual(modes, [0o12, 0o4]);
  });
  it("size is exact beyond 32 bits", () => {
    const path = `${temporaryFolder()}/large`;
    const size = onHost((host, path) => {
      const fd = host.open(path, 0o102, 0o600);
      host.ftruncate(fd, 2 ** 40 + 1);
      return host.fstat(fd).size;
    }, path);
    equal(size, 2 ** 40 + 1);
  });
  it("name the path when they fail", () => {
    equal(
      thrownOnHost((host) => host.lstat("/none"))?.message,
      'lstat "/none": ENOENT: no such file or directory',
    );
    equal(
      thrownOnHost((host) => host.stat("/none"))?.message,
      'stat "/none": ENOENT: no such file or directory',
    );
    equal(thrownOnHost((host) => host.fstat(99))?.message, "fstat: EBADF: bad file descriptor");
  });
});

describeKernel("access, chmod", () => {
  after(removeFolders);

  it("access tells what may be done", () => {
    equal(
      onHost((host) => host.access("/etc/passwd", 4) ?? "yes"),
      "yes",
    );
    equal(
      thrownOnHost((host) => host.access("/etc/passwd", 1))?.message,
      'access "/etc/passwd": EACCES: permission denied',
    );
  });
  it("chmod sets the bits", () => {
    const path = `${temporaryFolder()}/file`;
    writeFileSync(path, "");
    onHost((host, path) => host.chmod(path, 0o4755), path);
    equal(statSync(path).mode & 0o7777, 0o4755);
    equal(thrownOnHost((host) => host.chmod("/none", 0))?.code, "ENOENT");
  });
});

describeKernel("statfs, fstatfs", () => {
  after(removeFolders);

  it("tell what Node tells", () => {
    const { type, bsize, bavail, ffree } = statfsSync("/proc");
    const expected = { type, blockSize: bsize, blocksAvailable: bavail, filesFree: ffree };
    deepEqual(
      onHost((host) => [host.statfs("/proc"), host.fstatfs(host.open("/proc", 0))]),
      [expected, expected],
    );
  });
  it("know a network namespace", () => {
    equal(
      onHost((host) => host.statfs("/proc/self/ns/net").type),
      0x6e736673,
    );
  });
  it("name the path when they fail", () => {
    equal(
      thrownOnHost((host) => host.statfs("/none"))?.message,
      'statfs "/none": ENOENT: no such file or directory',
    );
    equal(thrownOnHost((host) => host.fstatfs(99))?.code, "EBADF");
  });
});

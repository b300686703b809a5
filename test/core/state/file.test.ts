import { deepEqual, equal, throws } from "node:assert/strict";
import {
  createFileAtomically,
  directoryOf,
  ensureDirectory,
  isTemporaryName,
  readFileIfPresent,
  writeFileAtomically,
} from "../../../core/state/file.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("readFileIfPresent", () => {
  it("reads the whole file", () => {
    useHost(new FakeHost({ files: { "/s/a": "content" } }));
    deepEqual(readFileIfPresent("/s/a", 7), bytes("content"));
  });

  it("reads an empty file as no bytes", () => {
    useHost(new FakeHost({ files: { "/s/a": "" } }));
    deepEqual(readFileIfPresent("/s/a", 7), new Uint8Array());
  });

  it("is undefined without the file or its directory", () => {
    useHost(new FakeHost());
    equal(readFileIfPresent("/s/a", 7), undefined);
  });

  it("refuses a file beyond the limit by name", () => {
    useHost(new FakeHost({ files: { "/s/a": "content" } }));
    throws(() => readFileIfPresent("/s/a", 6), { message: '"/s/a" has more than 6 bytes' });
  });

  it("refuses a directory by name", () => {
    useHost(new FakeHost({ files: { "/s/a/b": "" } }));
    throws(() => readFileIfPresent("/s/a", 6), { message: '"/s/a" is no regular file' });
  });

  it("follows a symbolic link only when told", () => {
    const host = useHost(new FakeHost({ files: { "/s/a": "content" } }));
    host.symlink("a", "/s/link");
    throws(() => readFileIfPresent("/s/link", 10), /ELOOP/);
    deepEqual(readFileIfPresent("/s/link", 10, { follow: true }), bytes("content"));
  });

  it("closes what it opened, also when it refuses", () => {
    const host = useHost(new FakeHost({ files: { "/s/a": "content" } }));
    readFileIfPresent("/s/a", 10);
    throws(() => readFileIfPresent("/s/a", 1));
    equal(host.descriptors.size, 0);
  });
});

describe("createFileAtomically", () => {
  it("creates the file with its content and mode", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/s");
    createFileAtomically("/s/a", bytes("x"), 0o640);
    equal(host.text("/s/a"), "x");
    equal(host.stat("/s/a").mode & 0o777, 0o640);
    equal(host.descriptors.size, 0);
  });

  it("is undefined and changes nothing when the name is taken", () => {
    const host = useHost(new FakeHost({ files: { "/s/a": "old" } }));
    equal(createFileAtomically("/s/a", bytes("new")), undefined);
    equal(host.text("/s/a"), "old");
  });

  it("takes a dangling symbolic link for a taken name", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/s");
    host.symlink("/etc/passwd", "/s/a");
    equal(createFileAtomically("/s/a", bytes("new")), undefined);
    deepEqual(host.list(), ["/s/a"]);
  });

  it("does without O_TMPFILE where the file system has none", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/s");
    host.failOn("open", "EOPNOTSUPP", "/s");
    createFileAtomically("/s/a", bytes("x"));
    deepEqual(host.list(), ["/s/a"]);
    equal(host.text("/s/a"), "x");
  });

  for (const step of ["write", "linkat", "fstat"] as const) {
    it(`closes everything when ${step} fails`, () => {
      const host = useHost(new FakeHost());
      host.putDirectory("/s");
      host.failOn(step, "ENOSPC");
      throws(() => createFileAtomically("/s/a", bytes("x")), /ENOSPC/);
      equal(host.descriptors.size, 0);
      deepEqual(host.list(), []);
    });
  }

  for (const failing of ["", "EISDIR"]) {
    it(`leaves nothing when close fails${failing && ", with a temporary name too"}`, () => {
      const host = useHost(new FakeHost());
      host.putDirectory("/s");
      if (failing) host.failOn("open", failing, "/s");
      host.failOn("close", "EIO");
      throws(() => createFileAtomically("/s/a", bytes("x")), /EIO/);
      deepEqual(host.list(), []);
    });
  }

  for (const step of ["write", "linkat"] as const) {
    it(`leaves nothing when ${step} fails, with a temporary name too`, () => {
      const host = useHost(new FakeHost());
      host.putDirectory("/s");
      host.failOn("open", "EISDIR", "/s");
      host.failOn(step, "ENOSPC");
      throws(() => createFileAtomically("/s/a", bytes("x")), /ENOSPC/);
      deepEqual(host.list(), []);
      equal(host.descriptors.size, 0);
    });
  }
});

describe("writeFileAtomically", () => {
  it("replaces a file", () => {
    const host = useHost(new FakeHost({ files: { "/s/a": "a longer old content" } }));
    writeFileAtomically("/s/a", bytes("new"));
    equal(host.text("/s/a"), "new");
    deepEqual(host.list(), ["/s/a"]);
  });

  it("replaces a symbolic link and not what it points to", () => {
    const host = useHost(new FakeHost({ files: { "/etc/passwd": "root" } }));
    host.putDirectory("/s");
    host.symlink("/etc/passwd", "/s/a");
    writeFileAtomically("/s/a", bytes("new"));
    equal(host.text("/etc/passwd"), "root");
    equal(host.text("/s/a"), "new");
  });

  for (const step of ["open", "write", "rename"] as const) {
    it(`keeps the old content and leaves nothing else when ${step} fails`, () => {
      const host = useHost(new FakeHost({ files: { "/s/a": "old" } }));
      host.failOn(step, "ENOSPC");
      throws(() => writeFileAtomically("/s/a", bytes("new")), /ENOSPC/);
      deepEqual(host.list(), ["/s/a"]);
      equal(host.text("/s/a"), "old");
      equal(host.descriptors.size, 0);
    });
  }
});

describe("isTemporaryName", () => {
  it("knows the names that a kill leaves", () => {
    const host = useHost(new FakeHost({ files: { "/s/a": "old" } }));
    host.failOn("rename", "EIO");
    host.failOn("unlink", "EIO");
    throws(() => writeFileAtomically("/s/a", bytes("new")));
    deepEqual(
      host.readdir("/s").filter((name) => !isTemporaryName(name)),
      ["a"],
    );
    equal(host.readdir("/s").length, 2);
  });
});

describe("ensureDirectory", () => {
  it("makes what is missing", () => {
    const host = useHost(new FakeHost());
    ensureDirectory("/run/netloom/n/c", 0o700);
    equal(host.stat("/run/netloom").mode & 0o777, 0o700);
    equal(host.stat("/run/netloom/n/c").mode & 0o777, 0o700);
  });

  it("takes a directory that is there", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/data/n", 0o777);
    ensureDirectory("/data/n", 0o755);
  });

  it("refuses a file", () => {
    useHost(new FakeHost({ files: { "/data/n": "" } }));
    throws(() => ensureDirectory("/data/n", 0o755), { message: '"/data/n" is no directory' });
  });

  it("refuses a link where only root may write", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/elsewhere");
    host.symlink("/elsewhere", "/private");
    throws(() => ensureDirectory("/private", 0o700), { message: '"/private" is no directory' });
    ensureDirectory("/private", 0o755);
  });

  it("refuses a private directory that is open to others", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/private", 0o777);
    throws(() => ensureDirectory("/private", 0o700), {
      message: '"/private" has mode 777, want 700',
    });
  });

  it("takes a directory that is there on a read-only file system", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/data/n");
    host.failOn("mkdir", "EROFS");
    ensureDirectory("/data/n", 0o755);
  });

  it("passes on why it cannot make one", () => {
    const host = useHost(new FakeHost());
    host.full = "EROFS";
    throws(() => ensureDirectory("/data/n", 0o755), /EROFS/);
  });
});

describe("directoryOf", () => {
  it("leaves out the last part", () => {
    equal(directoryOf("/a/b"), "/a");
    equal(directoryOf("/a"), "/");
    equal(directoryOf("a"), ".");
  });
});

import { deepEqual, equal, throws } from "node:assert/strict";
import { writePidfile } from "../../../core/daemon/pidfile.ts";
import { isListening, peerCredentials, unixAddress } from "../../../core/daemon/unix-socket.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

describe("unixAddress", () => {
  it("is the family and the path with a zero behind it", () => {
    deepEqual([...unixAddress("/a")], [1, 0, 0x2f, 0x61, 0]);
  });
  it("of an abstract name has a zero before it", () => {
    deepEqual([...unixAddress("@a")], [1, 0, 0, 0x61]);
  });
  it("takes a path of 107 bytes", () => {
    equal(unixAddress(`/${"a".repeat(106)}`).length, 110);
  });
  for (const path of ["", `/${"a".repeat(107)}`, "/a\0b"]) {
    it(`refuses a path of ${path.length} characters`, () => {
      throws(() => unixAddress(path), {
        message: `a socket's path has 1 to 107 bytes, got ${JSON.stringify(path)}`,
      });
    });
  }
});

describe("peerCredentials", () => {
  it("reads struct ucred", () => {
    useHost({ getsockopt: () => Uint8Array.of(7, 1, 0, 0, 0, 0, 0, 0, 0xe8, 3, 0, 0) });
    deepEqual(peerCredentials(5), { pid: 263, uid: 0, gid: 1000 });
  });
});

describe("isListening", () => {
  it("is what SO_ACCEPTCONN says", () => {
    useHost({ getsockopt: () => Uint8Array.of(1, 0, 0, 0) });
    equal(isListening(3), true);
    useHost({ getsockopt: () => new Uint8Array(4) });
    equal(isListening(3), false);
  });
});

describe("writePidfile", () => {
  it("writes the pid, without a line's end", () => {
    const fake = useHost(new FakeHost({ pid: 4711 }));
    fake.mkdir("/run", 0o755);
    writePidfile("/run/dhcp.pid");
    equal(fake.text("/run/dhcp.pid"), "4711");
  });
  it("wants an absolute path, in the reference's words", () => {
    throws(() => writePidfile("dhcp.pid"), {
      message: 'Error writing pidfile "dhcp.pid": path not absolute',
    });
  });
});

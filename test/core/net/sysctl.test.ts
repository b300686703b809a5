import { equal, throws } from "node:assert/strict";
import {
  ensureSysctl,
  readSysctl,
  readSysctlIfPresent,
  sysctlPath,
  tryWriteSysctl,
  writeSysctl,
} from "../../../core/net/sysctl.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const file = "/proc/sys/net/ipv4/ip_forward";

describe("sysctlPath", () => {
  for (const [name, path] of [
    ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
    ["net/ipv4/ip_forward", "net/ipv4/ip_forward"],
    ["net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"],
    ["net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"],
    ["kernel", "kernel"],
  ] as const) {
    it(`reads ${name}`, () => equal(sysctlPath(name), `/proc/sys/${path}`));
  }

  for (const name of [
    "",
    "../../etc/passwd",
    "net/../../x",
    "net/./x",
    "/net",
    "net//x",
    "net.ipv4./",
    "a\0b",
  ]) {
    it(`refuses ${JSON.stringify(name)}`, () => {
      throws(() => sysctlPath(name), /want the name of a kernel parameter/);
    });
  }
});

describe("sysctl", () => {
  it("reads without the line's end", () => {
    useHost(new FakeHost({ files: { [file]: "0\n" } }));
    equal(readSysctl("net.ipv4.ip_forward"), "0");
    equal(readSysctlIfPresent("net.ipv6.x"), undefined);
  });

  it("writes only what is different", () => {
    const host = useHost(new FakeHost({ files: { [file]: "1\n" } }));
    host.failOn("write", "EIO");
    ensureSysctl("net.ipv4.ip_forward", "1");
    throws(
      () => ensureSysctl("net.ipv4.ip_forward", "0"),
      /set kernel parameter "net.ipv4.ip_forward" to "0"/,
    );
  });

  it("is content with a /proc/sys that cannot be written when all is right", () => {
    const host = useHost(new FakeHost({ files: { [file]: "1\n" } }));
    host.failOn("write", "EROFS", undefined, 2);
    writeSysctl("net.ipv4.ip_forward", "1");
    throws(() => writeSysctl("net.ipv4.ip_forward", "0"), { code: 5 });
  });

  it("says what could not be written, unless the kernel has no such parameter", () => {
    const host = useHost(new FakeHost({ files: { [file]: "1\n" } }));
    tryWriteSysctl("net.ipv6.none", "1");
    equal(host.stderr, "");
    host.failOn("write", "EIO");
    tryWriteSysctl("net.ipv4.ip_forward", "0");
    equal(/EIO/.test(host.stderr), true);
  });
});

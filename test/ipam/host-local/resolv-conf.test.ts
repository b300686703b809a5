import { deepEqual, throws } from "node:assert/strict";
import { parseResolvConf, readResolvConf } from "../../../ipam/host-local/resolv-conf.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

describe("parseResolvConf", () => {
  it("collects every line in order", () => {
    const text = `; a comment
# another
nameserver\t192.0.2.1
nameserver 2001:db8::1  # not a comment, but the fields behind the first mean nothing
 domain example.com
domain  example.org
search a.example b.example
search\tc.example
options ndots:5 rotate
options  timeout:1
sortlist 130.155.160.0
nameserver

`;
    deepEqual(parseResolvConf(text), {
      nameservers: ["192.0.2.1", "2001:db8::1"],
      domain: "example.org",
      search: ["a.example", "b.example", "c.example"],
      options: ["ndots:5", "rotate", "timeout:1"],
    });
  });

  it("finds nothing in an empty file, and reads lines that end in CR LF", () => {
    deepEqual(parseResolvConf(""), {});
    deepEqual(parseResolvConf("domain example.com\r\n"), { domain: "example.com" });
  });
});

describe("readResolvConf", () => {
  it("follows a symbolic link, as systemd-resolved makes one", () => {
    const host = useHost(new FakeHost({ files: { "/run/r/stub.conf": "domain example.com\n" } }));
    host.putDirectory("/etc");
    host.symlink("../run/r/stub.conf", "/etc/resolv.conf");
    deepEqual(readResolvConf("/etc/resolv.conf"), { domain: "example.com" });
  });

  it("names the key and the file that is missing", () => {
    useHost(new FakeHost());
    throws(() => readResolvConf("/etc/none"), {
      code: 7,
      message: '"ipam.resolvConf" names no file: "/etc/none"',
    });
  });

  it("names the key and the file that cannot be read", () => {
    const host = useHost(new FakeHost());
    host.putDirectory("/etc");
    throws(() => readResolvConf("/etc"), {
      code: 7,
      message: '"ipam.resolvConf" cannot be read: "/etc"',
    });
  });
});

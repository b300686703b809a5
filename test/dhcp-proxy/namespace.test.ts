import { equal, throws } from "node:assert/strict";
import { isAway, Netns } from "../../core/net/netns.ts";
import { identityOf, visit } from "../../dhcp-proxy/namespace.ts";
import { FakeHost, useHost } from "../fake-host.ts";

const NSFS_MAGIC = 0x6e736673;
const CLONE_NEWNET = 0x40000000;

/** A host with one namespace. */
function world() {
  const kernel = {
    statfs: () => ({ type: NSFS_MAGIC }) as HostStatfs,
    open: () => 9,
    close: () => {},
    ioctl: () => CLONE_NEWNET,
    stat: () => ({ dev: 4, ino: 7 }) as HostStat,
    fstat: () => ({ dev: 4, ino: 7 }) as HostStat,
    socket: () => 10,
    getsockopt: () => Uint8Array.of(1, 2, 0, 0, 0, 0, 0, 0),
    setns: () => {},
  };
  return useHost(Object.assign(new FakeHost(), kernel));
}

describe("identityOf", () => {
  it("is device, inode and cookie", () => {
    world();
    using netns = Netns.open("/run/netns/p1");
    const { file, cookie } = identityOf(netns);
    equal(file, "4:7");
    equal(cookie, "0.0.0.0.0.0.2.1");
  });
});

describe("visit", () => {
  it("passes on what fails in there, once it is back", () => {
    world();
    using netns = Netns.open("/run/netns/p1");
    const fail = () => {
      throw new Error("as planned");
    };
    throws(() => visit(netns, fail), { message: "as planned" });
    equal(isAway(), false);
  });
});

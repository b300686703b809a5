import { deepEqual, equal, throws } from "node:assert/strict";
import { isAway, Netns } from "../../core/net/netns.ts";
import { identityOf, visit, visitAnywhere } from "../../dhcp-proxy/namespace.ts";
import { FakeHost, useHost } from "../fake-host.ts";

const NSFS_MAGIC = 0x6e736673;
const CLONE_NEWNET = 0x40000000;

/** A host with one namespace, and what is different there. */
function world(more: object = {}) {
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
  return useHost(Object.assign(new FakeHost(), kernel, more));
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

describe("visitAnywhere", () => {
  const identity = { file: "4:7", cookie: "0.0.0.0.0.0.2.1" };

  it("looks at the path of before, then where namespaces are kept, then at processes", () => {
    const seen: string[] = [];
    const found = "/root/proc/12/ns/net";
    world({
      readdir: (path: string) => (path === "/root/proc" ? ["self", "12", "13"] : ["a"]),
      stat: (path: string) => {
        seen.push(path);
        return { dev: 4, ino: path === found ? 7 : 8 };
      },
    });
    deepEqual(
      visitAnywhere(identity, "/run/netns/p1", "/root", ({ path }) => `in ${path}`),
      { path: found, value: `in ${found}` },
    );
    const folders = ["/root/run/netns/a", "/root/run/docker/netns/a"];
    deepEqual(seen, ["/run/netns/p1", ...folders, found]);
  });

  it("runs nothing in another namespace that has the inode now", () => {
    world({ readdir: () => [] });
    const other = { ...identity, cookie: "0.0.0.0.0.0.2.2" };
    const run = () => {
      throw new Error("in the wrong namespace");
    };
    equal(visitAnywhere(other, "/run/netns/p1", "", run), undefined);
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

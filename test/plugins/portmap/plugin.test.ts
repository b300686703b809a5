import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { linkMessage } from "netlink-ts/route/link.ts";
import { routeMessage } from "netlink-ts/route/route.ts";
import { FakeKernel, type FakeRequest } from "netlink-ts/testing/fake-kernel.ts";
import { parseConfig } from "../../../core/cni/config.ts";
import type { AddCall, DelCall, GcCall, Ipam } from "../../../core/cni/plugin.ts";
import { CniError, explain } from "../../../core/errors.ts";
import { type PortmapConfig, portmapConfig } from "../../../plugins/portmap/config.ts";
import { portmap } from "../../../plugins/portmap/plugin.ts";
import { FakeNfTables } from "../../core/nft/fake-nf-tables.ts";
import { FakeHost, hostError, useHost } from "../../fake-host.ts";

const AF_UNIX = 1;
const NETLINK_ROUTE = 0;
const RTM_GETLINK = 18;
const NFT_MSG_GETTABLE = 1;
const NFT_MSG_GETSETELEM = 13;
const localnet = "/proc/sys/net/ipv4/conf/br0/route_localnet";
const tcp = { hostPort: 8080, containerPort: 80, protocol: "tcp" };

/** A host whose every address is behind bridge br0. */
class PortmapHost extends FakeHost {
  readonly nf = new FakeNfTables();
  readonly #sockets = new Map<number, FakeKernel | undefined>();
  #next = 1000;

  constructor() {
    super({ files: { "/run/netns/a": "", [localnet]: "0\n" } });
  }

  get openSockets(): number {
    return this.#sockets.size;
  }

  socket(domain: number, _type: number, protocol: number): number {
    const route = () => new FakeKernel((request) => this.#route(request));
    const netlink = protocol === NETLINK_ROUTE ? route() : this.nf.transport();
    this.#sockets.set(++this.#next, domain === AF_UNIX ? undefined : netlink);
    return this.#next;
  }

  override close(fd: number): void {
    if (!this.#sockets.delete(fd)) super.close(fd);
  }

  setsockopt(): void {}
  bind(): void {}
  getsockname(): Uint8Array {
    return new Uint8Array([AF_UNIX, 0, 0, 0x61]);
  }
  sendmsg(): number {
    return 1;
  }

  send(fd: number, bytes: Uint8Array): number {
    this.#sockets.get(fd)?.send(bytes);
    return bytes.length;
  }

  recvmsg(fd: number, _length: number, flags = 0): HostMessage {
    const kernel = this.#sockets.get(fd);
    const data = flags === 0 ? kernel?.receive() : kernel?.receiveIfAny();
    if (data === undefined) throw hostError("recvmsg", "EAGAIN");
    return { data, address: new Uint8Array(), flags: 0, fds: [] };
  }

  #route({ type }: FakeRequest) {
    if (type === RTM_GETLINK) {
      const link = { ifindex: 7, ifname: "br0", linkInfo: { kind: "bridge" } };
      return { payloads: [linkMessage.encode(link)] };
    }
    return { payloads: [routeMessage.encode({ family: 2, type: 1, oif: 7 })] };
  }
}

const noIpam = { configured: false } as Ipam;

function callOf(keys: object = {}, containerId = "c1", netnsPath = "/run/netns/a") {
  const document = { name: "net", runtimeConfig: { portMappings: [tcp] }, ...keys };
  const attachment = { network: "net", containerId, ifname: "eth0" };
  const call = {
    config: parseConfig(portmapConfig, document),
    network: "net",
    cniVersion: "1.1.0",
    args: {},
    ipam: noIpam,
    warn: () => {},
    containerId,
    ifName: "eth0",
    attachment,
    netnsPath,
    prevResult: { ips: [{ address: "10.1.0.5/24" }] },
  };
  return call as unknown as AddCall<PortmapConfig> & DelCall<PortmapConfig>;
}

function gcCallOf(valid: string[] | undefined): GcCall<PortmapConfig> {
  const list = valid?.map((containerId) => ({ network: "net", containerId, ifname: "eth0" }));
  const isStale = ({ containerId }: { containerId: string }) => !valid?.includes(containerId);
  return {
    ...callOf(),
    validAttachments: list,
    isStale,
  } as unknown as GcCall<PortmapConfig>;
}

describe("portmap", () => {
  let host: PortmapHost;
  const records = (): string[] =>
    host.list("/run/netloom").filter((path: string) => path.endsWith("portmap.json"));
  beforeEach(() => {
    host = useHost(new PortmapHost());
  });

  it("leaves elements, a record and route_localnet, and no open socket", () => {
    const call = callOf();
    equal(portmap.add(call as never), call.prevResult);
    deepEqual(host.nf.owners(), [
      "any4 net/c1:eth0",
      "near -",
      "self4 net/c1:eth0",
      "snat4 net/c1:eth0",
    ]);
    deepEqual(records(), ["/run/netloom/net/c1:eth0/portmap.json"]);
    equal(host.text(localnet)?.trim(), "1");
    equal(host.openSockets, 0);
  });

  it("writes the record before it tells the kernel", () => {
    host.nf.beforeBatch = () => equal(records().length, 1);
    portmap.add(callOf() as never);
    equal(host.nf.batches.length, 1);
  });

  const failures: [string, () => void][] = [
    ["the record cannot be written", () => host.failOn("linkat", "ENOSPC")],
    ["the kernel refuses the elements", () => (host.nf.refuse = { command: 12, errno: 12 })],
    ["the kernel refuses set-up", () => (host.nf.refuse = { command: 6, errno: 95 })],
    ["the parameter cannot be set", () => host.failOn("open", "EACCES", localnet)],
  ];
  for (const [what, fail] of failures) {
    it(`leaves nothing when ${what}`, () => {
      fail();
      throws(() => portmap.add(callOf() as never));
      deepEqual(
        host.nf.owners().filter((owner) => owner.includes("/")),
        [],
      );
      deepEqual(records(), []);
      equal(host.openSockets, 0);
      throws(() => host.lstat("/run/netloom/net"), /ENOENT/);
    });
  }

  it("keeps what an earlier ADD of the container published when a later one fails", () => {
    portmap.add(callOf() as never);
    const before = [host.nf.owners(), host.text(records()[0]!)];
    const other = callOf({ runtimeConfig: { portMappings: [{ ...tcp, hostPort: 9 }] } }, "c2");
    portmap.add({ ...other, prevResult: { ips: [{ address: "10.1.0.6/24" }] } } as never);
    const clash = {
      runtimeConfig: {
        portMappings: [
          { ...tcp, hostPort: 9 },
          { ...tcp, hostPort: 10 },
        ],
      },
    };
    throws(() => portmap.add(callOf(clash) as never), /published by "net\/c2:eth0"/);
    deepEqual(before[1], host.text("/run/netloom/net/c1:eth0/portmap.json"));
    portmap.del(callOf({}, "c2") as never);
    deepEqual(before[0], host.nf.owners());
  });

  it("takes a port over from a container whose namespace is another by now", () => {
    portmap.add(callOf() as never);
    host.put("/run/netns/b", "");
    throws(
      () => portmap.add(callOf({}, "c2", "/run/netns/b") as never),
      /published by "net\/c1:eth0"/,
    );
    host.unlink("/run/netns/a");
    portmap.add(callOf({}, "c2", "/run/netns/b") as never);
    equal(host.nf.owners()[0], "any4 net/c2:eth0");
    portmap.del(callOf() as never);
    equal(host.nf.owners()[0], "any4 net/c2:eth0");
  });

  it("DEL keeps the record until the kernel has done its part", () => {
    portmap.add(callOf() as never);
    host.nf.refuse = { command: 14, errno: 12 };
    throws(() => portmap.del(callOf() as never));
    equal(records().length, 1);
    host.nf.refuse = undefined;
    portmap.del(callOf() as never);
    portmap.del(callOf() as never);
    deepEqual(host.nf.owners(), ["near -"]);
    deepEqual(records(), []);
    equal(host.openSockets, 0);
  });

  it("DEL without record looks for the reference's rules even when our own elements cannot be listed", () => {
    portmap.add(callOf({}, "c2") as never);
    host.nf.refuse = { command: NFT_MSG_GETSETELEM, errno: 12 };
    const asked: number[] = [];
    const send = host.send.bind(host);
    host.send = (fd, bytes) => {
      asked.push(bytes[4] ?? 0); // the low byte of nlmsg_type is the command
      return send(fd, bytes);
    };
    throws(() => portmap.del(callOf()), /NFT_MSG_GETSETELEM: ENOMEM/);
    ok(asked.lastIndexOf(NFT_MSG_GETTABLE) > asked.indexOf(NFT_MSG_GETSETELEM));
    equal(host.openSockets, 0);
  });

  it("DEL finds nothing on a kernel without nf_tables, and says nothing", () => {
    host.failOn("socket", "EPROTONOSUPPORT");
    portmap.del(callOf() as never);
  });

  it("CHECK names all that is missing, the first as the message", () => {
    portmap.add(callOf() as never);
    host.nf.state.elements.clear();
    throws(
      () => portmap.check(callOf() as never),
      (error: unknown) => {
        match(
          explain(error),
          /no inet netloom any4 \{ tcp \. 8080 : 10\.1\.0\.5 \. 80 \}; nf_tables has no/,
        );
        return error instanceof CniError && error.code === 101;
      },
    );
  });

  it("GC removes the stale, with record or without, and nothing without a list", () => {
    for (const [at, id] of ["c1", "c2", "c3"].entries()) {
      const portMappings = [{ ...tcp, hostPort: 8080 + at }];
      const prevResult = { ips: [{ address: `10.1.0.${at + 5}/24` }] };
      portmap.add({ ...callOf({ runtimeConfig: { portMappings } }, id), prevResult } as never);
    }
    host.unlink("/run/netloom/net/c2:eth0/portmap.json");
    portmap.gc(gcCallOf(undefined) as never);
    equal(host.nf.owners().length, 10);
    portmap.gc(gcCallOf(["c3"]) as never);
    deepEqual(host.nf.owners(), [
      "any4 net/c3:eth0",
      "near -",
      "self4 net/c3:eth0",
      "snat4 net/c3:eth0",
    ]);
    deepEqual(records(), ["/run/netloom/net/c3:eth0/portmap.json"]);
  });

  it("STATUS is code 50 when the kernel refuses a part of set-up", () => {
    portmap.status(callOf() as never);
    deepEqual(host.nf.owners(), []);
    host.nf.refuse = { command: 6, errno: 2 };
    throws(
      () => portmap.status(callOf() as never),
      (error: unknown) => error instanceof CniError && error.code === 50,
    );
    equal(host.openSockets, 0);
  });
});

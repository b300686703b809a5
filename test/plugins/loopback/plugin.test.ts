import { deepEqual, equal, match } from "node:assert/strict";

import { runOnce } from "../../../core/cni/skeleton.ts";
import { specVersions } from "../../../core/cni/versions.ts";
import { parseIp } from "../../../core/net/address.ts";
import { loopback } from "../../../plugins/loopback/plugin.ts";
import { FakeNetwork } from "../../core/net/fake-network.ts";
import { hostError, useHost } from "../../fake-host.ts";
import { completeEnvironment } from "../../run-plugin.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const IFF_UP = 1;
const netns = "/run/netns/t1";

interface World {
  command?: string;
  change?: object;
  env?: Record<string, string>;
  up?: boolean;
  addresses?: string[];
  refuses?: FakeNetwork["refuses"];
  prepare?: (network: FakeNetwork) => void;
}

/** One call in a network with a container whose `lo` has those addresses. */
function call(world: World = {}) {
  const { command = "ADD", change = {}, addresses = ["127.0.0.1/8", "::1/128"] } = world;
  const config = { cniVersion: "1.1.0", name: "n", type: "loopback", ...change };
  const env = { ...completeEnvironment(command), ...world.env };
  const network = useHost(new FakeNetwork({ env, stdin: JSON.stringify(config) }));
  const container = network.container(netns);
  const lo = container.link("lo")!;
  if (world.up) lo.flags = IFF_UP;
  for (const text of addresses) {
    const [ip = "", length] = text.split("/");
    const address = parseIp(ip);
    const family = address.length === 4 ? AF_INET : AF_INET6;
    container.addresses.push({
      family,
      prefixLength: Number(length),
      ifindex: lo.ifindex,
      address,
    });
  }
  network.refuses = world.refuses ?? network.refuses;
  world.prepare?.(network);
  const status = runOnce(loopback);
  const json = network.stdout === "" ? undefined : JSON.parse(network.stdout);
  const left = { up: (lo.flags & IFF_UP) !== 0, open: network.openDescriptors };
  return { status, json, left, requests: network.requests, stderr: network.stderr };
}

describe("loopback ADD", () => {
  for (const version of specVersions) {
    it(`brings lo up and tells its addresses in ${version}`, () => {
      const { status, json, left } = call({ change: { cniVersion: version } });
      deepEqual([status, left], [0, { up: true, open: 0 }]);
      equal(json.cniVersion, version);
      equal(json.ip4?.ip ?? json.ips[0].address, "127.0.0.1/8");
      equal(json.ip6?.ip ?? json.ips[1].address, "::1/128");
    });
  }

  it("tells the first address of each family", () => {
    const addresses = ["127.0.0.9/8", "127.0.0.1/8", "::1/128"];
    const { ips } = call({ addresses }).json;
    deepEqual(ips, [
      { address: "127.0.0.9/8", interface: 0 },
      { address: "::1/128", interface: 0 },
    ]);
  });

  it("prints prevResult again", () => {
    const prevResult = { cniVersion: "1.1.0", ips: [{ address: "10.0.0.1/8" }] };
    const { json, left } = call({ change: { prevResult } });
    deepEqual([json, left.up], [prevResult, true]);
  });

  it("refuses a foreign address and takes lo down again", () => {
    const { json, left } = call({ addresses: ["127.0.0.1/8", "10.0.0.1/32"] });
    equal(json.msg, 'loopback interface found with non-loopback address "10.0.0.1"');
    deepEqual(left, { up: false, open: 0 });
  });

  it("leaves lo up when it was up before it failed", () => {
    equal(call({ addresses: ["10.0.0.1/32"], up: true }).left.up, true);
  });

  it("leaves nothing when any of its requests fails", () => {
    const { requests } = call();
    for (let failing = 1; failing <= requests; failing++) {
      const { status, json, left } = call({
        refuses: (count) => (count === failing ? 1 : undefined),
      });
      deepEqual([status, left], [1, { up: false, open: 0 }]);
      match(json.details ?? json.msg, /EPERM|no permission/);
    }
  });

  it("takes lo down again when the kernel's answer is lost", () => {
    const { status, left } = call({
      prepare: (network) => {
        const recvmsg = network.recvmsg.bind(network);
        let answers = 0;
        network.recvmsg = (...args) => {
          answers += 1;
          if (answers === 2) throw hostError("recvmsg", "ENOBUFS");
          return recvmsg(...args);
        };
      },
    });
    deepEqual([status, left], [1, { up: false, open: 0 }]);
  });

  it("names CNI_NETNS when it leads nowhere", () => {
    const { json } = call({ env: { CNI_NETNS: "/run/netns/gone" } });
    equal(json.code, 4);
    match(json.msg, /CNI_NETNS names no network namespace: "\/run\/netns\/gone"/);
  });
});

describe("loopback CHECK", () => {
  const check = (world: World = {}) => call({ ...world, command: "CHECK", up: world.up ?? true });
  const prevResult = {
    interfaces: [{ name: "lo", sandbox: netns }],
    ips: [{ address: "127.0.0.1/8", interface: 0 }],
  };

  it("is content when lo is up", () => deepEqual(check().left, { up: true, open: 0 }));

  it("fails when lo is down, and leaves it so", () => {
    const { json, left } = check({ up: false });
    equal(json.msg, "loopback interface is down");
    equal(left.up, false);
  });

  it("fails when an address that ADD told of is gone", () => {
    const { json } = check({ change: { prevResult }, addresses: ["::1/128"] });
    equal(json.msg, 'loopback interface has lost address "127.0.0.1/8"');
  });

  it("does not mind addresses of other interfaces, nor those that later plugins took away", () => {
    const other = [{ name: "lo", sandbox: "/other" }, { name: "eth0" }];
    const ips = [
      { address: "10.0.0.1/8", interface: 1 },
      { address: "127.9.9.9/8", interface: 0 },
    ];
    equal(check({ change: { prevResult: { interfaces: other, ips } } }).status, 0);
    equal(check({ change: { prevResult: { ...prevResult, ips: [] } } }).status, 0);
  });
});

describe("loopback DEL", () => {
  const del = (world: World = {}) => call({ ...world, command: "DEL" });

  it("takes lo down", () => deepEqual(del({ up: true }).left, { up: false, open: 0 }));
  it("succeeds when lo is down already", () => equal(del().status, 0));

  for (const path of ["", "/run/netns/gone"]) {
    it(`succeeds without a namespace: "${path}"`, () => {
      equal(del({ env: { CNI_NETNS: path } }).status, 0);
    });
  }

  it("says what the kernel refused", () => {
    const { json } = del({ up: true, refuses: () => 1 });
    equal(json.code, 999);
  });
});

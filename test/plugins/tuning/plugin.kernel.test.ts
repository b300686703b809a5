/**
 * The built tuning on the link of a container. Numbers are those of the conformance checklist, whose cases for tuning are asked
 * of the reference too; here is what the reference does otherwise.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import type { CniCall } from "../../kernel/sandbox.ts";
import { add, type Config, refused, succeed } from "../bridge/network.ts";
import { all, arpFilter, Host, somaxconn } from "./tuned-host.ts";

describeKernel("tuning", function () {
  this.timeout(60_000);

  it("sets everything, tells MAC address and MTU of the container's interface, and DEL restores it", () => {
    using host = new Host();
    const before = host.state();
    const result = add(host.sandbox, host.config(all), { netns: host.netns });
    deepEqual(result.interfaces, [
      { name: "eth0", mac: "02:00:00:00:00:01" },
      { name: "eth0", mac: "c2:11:22:33:44:77", mtu: 1400, sandbox: host.netns },
    ]);
    deepEqual(host.state(), [
      "c2:11:22:33:44:77 1400 77 1 true",
      "1",
      "1234",
      "/run/cni/tuning/c1_eth0.json\n/run/netloom/net/c1:eth0/tuning.json\n",
    ]);
    succeed(host.sandbox, host.call("CHECK"));
    for (const _ of "12") succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.state(), before);
  });

  it("hands the result on and keeps nothing when nothing is asked for", () => {
    using host = new Host();
    const { prevResult } = host.config({});
    deepEqual(add(host.sandbox, host.config({}), { netns: host.netns }), prevResult);
    equal(host.state()[3], "");
  });

  it("keeps nothing when the link has everything already", () => {
    using host = new Host();
    const [mac] = host.state()[0]?.split(" ") ?? [];
    const call = { ...host.call("ADD", { mtu: 1500 }), args: `MAC=${mac}` };
    succeed(host.sandbox, call);
    equal(host.state()[3], "");
    succeed(host.sandbox, { ...call, command: "CHECK" });
  });

  const changes: [what: string, command: string, says: RegExp][] = [
    ["a sysctl", `sysctl -qw ${arpFilter}=0`, /arp_filter" is "1", current value is "0"/],
    [
      "mac",
      "ip link set eth0 address 02:00:00:00:00:09",
      /"mac" of "eth0" is c2:.*:77, .* 02:.*:09/,
    ],
    ["mtu", "ip link set eth0 mtu 1300", /"mtu" of "eth0" is 1400, current value is 1300/],
    ["promisc", "ip link set eth0 promisc off", /"promisc" .* true, current value is false/],
    ["allmulti", "ip link set eth0 allmulticast off", /"allmulti" .* true, current value is false/],
    ["txQLen", "ip link set eth0 txqueuelen 5", /"txQLen" .* 77, current value is 5/],
    ["the link", "ip link delete eth0", /^Cannot find container link "eth0"/],
  ];
  it("CHECK names each thing that has another value", () => {
    using host = new Host();
    for (const [what, command, says] of changes) {
      add(host.sandbox, host.config(all), { netns: host.netns });
      host.sandbox.ok(command.split(" "), { netns: host.netns });
      const { code, msg } = refused(host.sandbox, host.call("CHECK"));
      match(msg, says, what);
      equal(code, what === "the link" ? 999 : 100, what);
    }
  });

  it("CHECK does not mind a packet capture, and knows what the kernel writes otherwise", () => {
    using host = new Host();
    const keys = { promisc: true, sysctl: { "net.ipv4.tcp_rmem": "4096 87380  6291456" } };
    add(host.sandbox, host.config(keys), { netns: host.netns });
    succeed(host.sandbox, host.call("CHECK", keys));
    succeed(host.sandbox, host.call("DEL", keys));
  });

  it("sets a sysctl that can only be written", () => {
    using host = new Host();
    const keys = { sysctl: { "net.ipv4.route.flush": "1" } };
    for (const command of ["ADD", "CHECK", "DEL"]) succeed(host.sandbox, host.call(command, keys));
  });

  const failing: [what: string, keys: Config, code: number, says: RegExp][] = [
    [
      "no such parameter",
      { ...all, sysctl: { "net.ipv4.none": "1" } },
      7,
      /names no kernel parameter of the container: "net\.ipv4\.none"/,
    ],
    [
      "a value that it cannot have",
      { ...all, sysctl: { [arpFilter]: "1", [somaxconn]: "x" } },
      999,
      /somaxconn" to "x"/,
    ],
    ["an MTU that it cannot have", { ...all, mtu: 70000 }, 999, /set "mtu" to 70000/],
    ["a multicast MAC address", { ...all, mac: "01:00:00:00:00:01" }, 7, /"mac" wants a unicast/],
    ["a relative dataDir", { ...all, dataDir: "x" }, 7, /"dataDir".*absolute/],
    [
      "a number as value",
      { ...all, sysctl: { [arpFilter]: 1 } },
      6,
      /"sysctl.*want a string, got 1/,
    ],
  ];
  for (const [what, keys, code, says] of failing) {
    it(`ADD with ${what} fails and leaves everything as it was`, () => {
      using host = new Host();
      const before = host.state();
      const error = refused(host.sandbox, host.call("ADD", keys));
      deepEqual([error.code, host.state()], [code, before]);
      match(error.msg, says);
    });
  }

  it("ADD without the link names it", () => {
    using host = new Host();
    const call = { ...host.call("ADD"), ifName: "eth7" };
    match(refused(host.sandbox, call).msg, /Cannot find container link "eth7" in "\/run/);
  });

  it("a second ADD keeps what was before the first, and undoes no more than its own when it fails", () => {
    using host = new Host();
    const before = host.state();
    succeed(host.sandbox, host.call("ADD"));
    const once = host.state();
    refused(host.sandbox, host.call("ADD", { ...all, mac: "02:00:00:00:00:0a", mtu: 70000 }));
    deepEqual(host.state(), once);
    succeed(host.sandbox, host.call("ADD", { mtu: 1300 }));
    succeed(host.sandbox, host.call("DEL", { mtu: 1300 }));
    deepEqual(host.state(), before);
  });

  it("DEL needs neither prevResult nor a right configuration nor the namespace", () => {
    using host = new Host();
    const before = host.state();
    succeed(host.sandbox, host.call("ADD"));
    succeed(host.sandbox, host.call("DEL", { prevResult: undefined, mtu: "x", sysctl: 5 }));
    deepEqual(host.state(), before);
    succeed(host.sandbox, host.call("ADD"));
    succeed(host.sandbox, { ...host.call("DEL"), netns: "/run/netns/gone" });
    equal(host.state()[3], "");
  });

  it("DEL leaves a sysctl that the container has changed since, and another namespace at the path", () => {
    using host = new Host();
    succeed(host.sandbox, host.call("ADD", { sysctl: { [somaxconn]: "1234" } }));
    host.sandbox.sysctl(somaxconn, 999, host.netns);
    succeed(host.sandbox, host.call("DEL", {}));
    equal(host.state()[2], "999");

    succeed(host.sandbox, host.call("ADD"));
    const other = host.pod("b");
    const untouched = host.state(other);
    succeed(host.sandbox, { ...host.call("DEL"), netns: other });
    deepEqual(host.state(other), [...untouched.slice(0, 3), ""]);
  });

  it("DEL on another network leaves the attachment alone", () => {
    using host = new Host();
    succeed(host.sandbox, host.call("ADD"));
    const added = host.state();
    succeed(host.sandbox, host.call("DEL", { ...all, name: "other" }));
    deepEqual(host.state(), added);
  });

  it("GC forgets stale attachments of its network, restores those that live on, and leaves files that are nobody's", () => {
    using host = new Host();
    const { sandbox, netns } = host;
    const before = host.state();
    succeed(sandbox, host.call("ADD"));
    const other = host.pod("b");
    succeed(sandbox, { ...host.call("ADD"), containerId: "c2", netns: other });
    const third = host.pod("c");
    const elsewhere = {
      ...host.call("ADD", { ...all, name: "other" }),
      containerId: "c3",
      netns: third,
    };
    succeed(sandbox, elsewhere);
    sandbox.ok(["sh", "-c", "echo '{\"mtu\":1500}' >/run/cni/tuning/theirs_eth0.json"]);
    const gc = (valid: unknown): CniCall => {
      const config = {
        ...host.config(all),
        prevResult: undefined,
        "cni.dev/valid-attachments": valid,
      };
      return { command: "GC", config, containerId: null, ifName: null };
    };
    const files = () => sandbox.ok(["ls", "/run/cni/tuning"]).trim().split("\n");
    succeed(sandbox, gc(undefined));
    equal(files().length, 4);
    succeed(sandbox, gc([{ containerID: "c2", ifname: "eth0" }]));
    deepEqual(files(), ["c2_eth0.json", "c3_eth0.json", "theirs_eth0.json"]);
    deepEqual(host.state(netns).slice(0, 3), before.slice(0, 3));
    sandbox.deletePod("b");
    for (const _ of "12") succeed(sandbox, gc([]));
    deepEqual(files(), ["c3_eth0.json", "theirs_eth0.json"]);
    match(host.state(third)[0] ?? "", /^c2:11:22:33:44:77 1400/);
    equal(sandbox.ok(["ls", "/run/netloom"]).trim(), "other");
  });

  it("GC takes a file without a record where other records of the attachment tell its network, and no other's do", () => {
    using host = new Host();
    const { sandbox } = host;
    const leave = (network: string, containerId: string) => {
      const folder = `/run/netloom/${network}/${containerId}:eth0`;
      const saved = `/run/cni/tuning/${containerId}_eth0.json`;
      const script = `mkdir -p -m 700 /run/netloom ${folder} /run/cni/tuning; echo '{"mtu":1500}' >${saved}`;
      sandbox.ok(["sh", "-ec", script]);
    };
    for (const containerId of ["stale", "valid", "both"]) leave("net", containerId);
    for (const containerId of ["both", "theirs"]) leave("other", containerId);
    const valid = [{ containerID: "valid", ifname: "eth0" }];
    const config = {
      ...host.config(all),
      prevResult: undefined,
      "cni.dev/valid-attachments": valid,
    };
    for (const _ of "12")
      succeed(sandbox, { command: "GC", config, containerId: null, ifName: null });
    const left = ["both", "theirs", "valid"].map((each) => `${each}_eth0.json`);
    deepEqual(sandbox.ok(["ls", "/run/cni/tuning"]).trim().split("\n"), left);
  });

  it("STATUS says why an ADD could not succeed", () => {
    using host = new Host();
    const status = (keys: Config): CniCall => {
      const config = { ...host.config(keys), prevResult: undefined };
      return { command: "STATUS", config, containerId: null, ifName: null };
    };
    succeed(host.sandbox, status(all));
    equal(refused(host.sandbox, status({ sysctl: { "kernel.x": "1" } })).code, 7);
    const readOnly = "mkdir /run/full; mount -t tmpfs -o ro full /run/full";
    host.sandbox.ok(["sh", "-ec", readOnly]);
    equal(refused(host.sandbox, status({ mtu: 1400, dataDir: "/run/full/x/y" })).code, 50);
    const list =
      "mount -t tmpfs etc /etc; mkdir -p /etc/cni/tuning; echo ^net.core >/etc/cni/tuning/allowlist.conf";
    host.sandbox.ok(["sh", "-ec", list]);
    match(refused(host.sandbox, status(all)).msg, /arp_filter is not allowed/);
    succeed(host.sandbox, status({ sysctl: { [somaxconn]: "1" } }));
  });
});

import { deepEqual, equal, throws } from "node:assert/strict";
import { resolveSysctls, restoreSysctl, sameValue } from "../../../plugins/tuning/sysctls.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const named = (sysctl: Record<string, string>, ifName = "eth0") =>
  resolveSysctls({ sysctl }, ifName).map(({ name }) => name);

describe("resolveSysctls", () => {
  const names: [key: string, name: string, ifName?: string][] = [
    ["net.ipv4.conf.all.log_martians", "net/ipv4/conf/all/log_martians"],
    ["net/ipv4/conf/all/log_martians", "net/ipv4/conf/all/log_martians"],
    ["net.ipv4.conf.IFNAME.arp_filter", "net/ipv4/conf/eth0/arp_filter"],
    ["net.ipv4.conf.IFNAME.arp_filter", "net/ipv4/conf/eth0.5/arp_filter", "eth0.5"],
    ["net/ipv4/conf/IFNAME/arp_filter", "net/ipv4/conf/$&/arp_filter", "$&"],
    ["net/ipv4/conf/eth0.5/arp_filter", "net/ipv4/conf/eth0.5/arp_filter"],
    ["net.ipv4.conf.eth0/5.arp_filter", "net/ipv4/conf/eth0.5/arp_filter"],
  ];
  for (const [key, name, ifName] of names) {
    it(`reads ${key} as ${name}`, () => deepEqual(named({ [key]: "1" }, ifName), [name]));
  }

  for (const key of [
    "",
    "net",
    "net.",
    "kernel.pid_max",
    "../../etc/passwd",
    "net/../kernel/pid_max",
    "net.ipv4...conf",
    "/net/ipv4/ip_forward",
    "net.ipv4.conf.../../x",
    "net/ipv4/\0",
  ]) {
    it(`refuses ${JSON.stringify(key)}`, () => {
      throws(() => named({ [key]: "1" }), { code: 7, message: /^invalid net sysctl key: / });
    });
  }

  it("refuses two spellings of one parameter", () => {
    const both = { "net.core.somaxconn": "1", "net/core/somaxconn": "2" };
    throws(() => named(both), { code: 7, message: "duplicated sysctl keys are not allowed" });
  });

  it("takes a later map before an earlier one, however it spells a name", () => {
    const found = resolveSysctls(
      { sysctl: { "net.a": "1", "net.b": "1" }, "args.cni.sysctl": { "net/a": "2" } },
      "eth0",
    );
    deepEqual(
      found.map(({ name, value }) => [name, value]),
      [
        ["net/a", "2"],
        ["net/b", "1"],
      ],
    );
  });
});

describe("sameValue", () => {
  it("takes blanks as the kernel does", () =>
    equal(sameValue("4096 87380\t6291456\n", "4096\t87380 6291456"), true));
  it("tells values apart", () => equal(sameValue("1", "10"), false));
  it("tells a missing one", () => equal(sameValue(undefined, ""), false));
});

describe("restoreSysctl", () => {
  const path = "/proc/sys/net/core/somaxconn";
  const restored = (now: string, set: object): string => {
    const host = useHost(new FakeHost({ files: { [path]: now } }));
    restoreSysctl({ name: "net/core/somaxconn", value: "1234", before: "5678", ...set });
    return host.text(path) ?? "";
  };
  it("gives the earlier value back", () => equal(restored("1234", {}), "5678"));
  it("leaves what somebody else set since", () => equal(restored("99\n", {}), "99\n"));
  it("knows what the kernel made of it", () => equal(restored("4321", { made: "4321" }), "5678"));
  it("leaves one that could not be read", () =>
    equal(restored("1234\n", { before: undefined }), "1234\n"));
  it("lives without the parameter", () => {
    useHost(new FakeHost());
    restoreSysctl({ name: "net/core/somaxconn", value: "1234", before: "128" });
  });
});

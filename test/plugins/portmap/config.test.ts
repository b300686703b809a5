import { deepEqual, equal, throws } from "node:assert/strict";
import { parseConfig } from "../../../core/cni/config.ts";
import { formatCidr, formatIp, parseIp } from "../../../core/net/address.ts";
import { conditionAddress, conditionStyle } from "../../../plugins/portmap/conditions.ts";
import {
  portmapConfig,
  publishedPorts,
  requireConsistent,
} from "../../../plugins/portmap/config.ts";
import { podAddresses } from "../../../plugins/portmap/pod.ts";

const parse = (keys: object) => parseConfig(portmapConfig, { name: "net", ...keys });
const mappings = (...portMappings: object[]) => parse({ runtimeConfig: { portMappings } });
const good = { hostPort: 8080, containerPort: 80, protocol: "tcp" };

describe("portmapConfig", () => {
  it("has no ports without a runtime's", () => {
    deepEqual(publishedPorts(parse({})), []);
    deepEqual(publishedPorts(mappings()), []);
  });

  it("takes protocols in any case and an empty hostIP as none", () => {
    const config = mappings({ ...good, protocol: "SCTP", hostIP: "" });
    deepEqual(publishedPorts(config), [
      { hostPort: 8080, containerPort: 80, protocol: 132, hostIp: undefined },
    ]);
  });

  it("takes an IPv4-mapped hostIP as IPv4", () => {
    const [port] = publishedPorts(mappings({ ...good, hostIP: "::ffff:192.0.2.1" }));
    equal(formatIp(port!.hostIp!), "192.0.2.1");
  });

  const refused: [object, RegExp][] = [
    [
      { ...good, hostPort: 0 },
      /^"runtimeConfig.portMappings\[0\].hostPort": Invalid host port number: 0/,
    ],
    [{ ...good, hostPort: -1 }, /Invalid host port number: -1/],
    [{ ...good, containerPort: 70000 }, /Invalid container port number: 70000/],
    [{ ...good, hostPort: 80.5 }, /hostPort": want/],
    [{ ...good, protocol: "" }, /protocol": want "tcp", "udp" or "sctp", got ""/],
    [{ ...good, protocol: "constructor" }, /protocol": want "tcp"/],
    [{ ...good, hostIP: "localhost" }, /hostIP": want an IP address, got "localhost"/],
  ];
  for (const [mapping, message] of refused) {
    it(`refuses ${JSON.stringify(mapping)}`, () => throws(() => mappings(mapping), { message }));
  }
});

describe("requireConsistent", () => {
  it("takes either back end's own words", () => {
    requireConsistent(
      parse({ backend: "iptables", externalSetMarkChain: "X", conditionsV4: ["-d", "192.0.2.1"] }),
    );
    requireConsistent(parse({ backend: "nftables", conditionsV4: ["ip", "daddr", "192.0.2.1"] }));
    requireConsistent(parse({ externalSetMarkChain: "X", conditionsV4: [] }));
  });

  it("names the words of the other back end, in upstream's order", () => {
    const config = {
      backend: "nftables",
      conditionsV6: ["-d", "fd00::1"],
      conditionsV4: ["!", "-d", "192.0.2.1"],
      externalSetMarkChain: "X",
    };
    throws(() => requireConsistent(parse(config)), {
      code: 7,
      message:
        "nftables backend was requested but configuration contains iptables-specific options [externalSetMarkChain conditionsV4 conditionsV6]",
    });
  });

  it("refuses a condition that cannot be kept, by key", () => {
    throws(() => requireConsistent(parse({ conditionsV6: ["-s", "fd00::/8"] })), {
      code: 7,
      message:
        '"conditionsV6": want one destination address, as "-d 2001:db8::1", got "-s fd00::/8"',
    });
  });
});

describe("publishedPorts", () => {
  it("narrows ports of every address to the condition's, and drops those it excludes", () => {
    const config = parse({
      conditionsV4: ["-d", "192.0.2.1/32"],
      runtimeConfig: {
        portMappings: [
          good,
          { ...good, hostPort: 81, hostIP: "127.0.0.1" },
          { ...good, hostPort: 82, hostIP: "192.0.2.1" },
        ],
      },
    });
    deepEqual(
      publishedPorts(config).map(({ hostPort, hostIp }) => `${hostPort} ${formatIp(hostIp!)}`),
      ["8080 192.0.2.1", "8080 ::", "82 192.0.2.1"],
    );
  });
});

describe("conditionAddress", () => {
  it("reads one address in every spelling", () => {
    const words = [
      ["-d", "192.0.2.1"],
      ["--destination", "192.0.2.1/32"],
      ["--dst", "192.0.2.1"],
      ["ip daddr 192.0.2.1"],
    ];
    for (const each of words) deepEqual(conditionAddress(each, 4), parseIp("192.0.2.1"));
    deepEqual(conditionAddress(["ip6", "daddr", "fd00::1"], 16), parseIp("fd00::1"));
  });

  it("is nothing without conditions", () => {
    for (const each of [undefined, [], [""]]) equal(conditionAddress(each, 4), undefined);
  });

  it("refuses what is not one address of its family", () => {
    const words = [
      ["-d", "192.0.2.0/24"],
      ["!", "-d", "192.0.2.1"],
      ["-d", "fd00::1"],
      ["ip6 daddr 192.0.2.1"],
      ["-d", "192.0.2.300"],
      ["-d", "192.0.2.1", "-i", "eth0"],
    ];
    for (const each of words)
      throws(() => conditionAddress(each, 4), /want one destination address/);
  });

  it("is in the words of iptables or of nft", () => {
    deepEqual([["-d"], ["!"], ["ip daddr"], [""], undefined].map(conditionStyle), [
      "iptables",
      "iptables",
      "nftables",
      undefined,
      undefined,
    ]);
  });
});

describe("podAddresses", () => {
  const interfaces = [
    { name: "br0" },
    { name: "eth0" },
    { name: "eth0", sandbox: "/run/netns/a" },
    { name: "eth1", sandbox: "/run/netns/a" },
  ];
  const found = (ips: { address: string; interface?: number }[], links = interfaces) => {
    const { v4, v6 } = podAddresses({ ips, interfaces: links }, "eth0");
    return [v4 && formatCidr(v4), v6 && formatCidr(v6)];
  };

  it("are the first of each family on the container's interface", () => {
    deepEqual(
      found([
        { address: "10.0.0.1/24", interface: 0 },
        { address: "10.0.0.2/24", interface: 1 },
        { address: "10.0.0.3/24", interface: 3 },
        { address: "10.0.0.4/24", interface: 2 },
        { address: "10.0.0.5/24", interface: 2 },
        { address: "fd00::4/64", interface: 2 },
      ]),
      ["10.0.0.4/24", "fd00::4/64"],
    );
  });

  it("may be of no interface, or of one that is not there", () => {
    deepEqual(found([{ address: "10.0.0.4/24" }, { address: "fd00::4/64", interface: 9 }]), [
      "10.0.0.4/24",
      "fd00::4/64",
    ]);
  });
});

import { deepEqual, equal } from "node:assert/strict";
import { NF_ACCEPT, NFT_JUMP } from "netlink-ts/nftables/data.ts";
import { cmp, NFT_CMP_EQ } from "netlink-ts/nftables/expr/cmp.ts";
import { counter } from "netlink-ts/nftables/expr/counter.ts";
import type { Expression } from "netlink-ts/nftables/expr/expressions.ts";
import { verdict } from "netlink-ts/nftables/expr/immediate.ts";
import { payload } from "netlink-ts/nftables/expr/payload.ts";
import { match, target } from "netlink-ts/nftables/expr/xtables.ts";
import { NFPROTO_IPV4, NFPROTO_IPV6 } from "netlink-ts/nftables/nfgenmsg.ts";
import { ruleMessage } from "netlink-ts/nftables/rule.ts";
import { hex } from "netlink-ts/testing/hex.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import { ruleWords } from "../../../../core/nft/reference/rule-words.ts";
import { captured, inWords } from "./captured.ts";

const words = (name: string, among: RegExp): string[] =>
  captured(name)
    .filter(({ place }) => among.test(place))
    .map(inWords);

describe("ruleWords", () => {
  it("reads masquerade of iptables", () => {
    deepEqual(words("iptables", /CNI-19|POSTROUTING/), [
      'ip nat CNI-19ac768986684ddf870d0b91: daddr 10.9.2.0/24 accept # name: "bn" id: "c1"',
      'ip nat CNI-19ac768986684ddf870d0b91: daddr != 224.0.0.0/4 masquerade # name: "bn" id: "c1"',
      "ip nat POSTROUTING: jump CNI-HOSTPORT-MASQ # CNI portfwd requiring masquerade",
      'ip nat POSTROUTING: saddr 10.9.2.2/32 jump CNI-19ac768986684ddf870d0b91 # name: "bn" id: "c1"',
      'ip6 nat CNI-19ac768986684ddf870d0b91: daddr fd09::/64 accept # name: "bn" id: "c1"',
      'ip6 nat CNI-19ac768986684ddf870d0b91: daddr != ff00::/8 masquerade # name: "bn" id: "c1"',
      "ip6 nat POSTROUTING: jump CNI-HOSTPORT-MASQ # CNI portfwd requiring masquerade",
      'ip6 nat POSTROUTING: saddr fd09::2/128 jump CNI-19ac768986684ddf870d0b91 # name: "bn" id: "c1"',
    ]);
  });

  it("reads published ports of iptables", () => {
    const chain = "CNI-DN-19ac768986684ddf870d0";
    deepEqual(words("iptables", /^ip nat (CNI-DN|CNI-HOSTPORT|PREROUTING|OUTPUT)/), [
      "ip nat CNI-HOSTPORT-SETMARK: set mark 0x2000/0x2000 # CNI portfwd masquerade mark",
      "ip nat CNI-HOSTPORT-MASQ: mark 0x2000/0x2000 masquerade",
      `ip nat CNI-HOSTPORT-DNAT: l4proto tcp dport 8080 jump ${chain} # dnat name: "bn" id: "c1"`,
      `ip nat CNI-HOSTPORT-DNAT: l4proto udp dport 53,54 jump ${chain} # dnat name: "bn" id: "c1"`,
      "ip nat PREROUTING: daddr type local jump CNI-HOSTPORT-DNAT",
      "ip nat OUTPUT: daddr type local jump CNI-HOSTPORT-DNAT",
      `ip nat ${chain}: saddr 10.9.2.0/24 l4proto tcp dport 8080 jump CNI-HOSTPORT-SETMARK`,
      `ip nat ${chain}: saddr 127.0.0.1/32 l4proto tcp dport 8080 jump CNI-HOSTPORT-SETMARK`,
      `ip nat ${chain}: l4proto tcp dport 8080 dnat 10.9.2.2:80`,
      `ip nat ${chain}: saddr 10.9.2.0/24 daddr 127.0.0.1/32 l4proto udp dport 53 jump CNI-HOSTPORT-SETMARK`,
      `ip nat ${chain}: saddr 127.0.0.1/32 daddr 127.0.0.1/32 l4proto udp dport 53 jump CNI-HOSTPORT-SETMARK`,
      `ip nat ${chain}: daddr 127.0.0.1/32 l4proto udp dport 53 dnat 10.9.2.2:53`,
    ]);
    deepEqual(
      words("iptables", /^ip6 nat CNI-DN/).filter((line) => line.includes("dnat")),
      [
        `ip6 nat ${chain}: l4proto tcp dport 8080 dnat [fd09::2]:80`,
        `ip6 nat ${chain}: daddr ::1/128 l4proto udp dport 54 dnat [fd09::2]:53`,
      ],
    );
  });

  it("reads firewall", () => {
    const policy = "CNI firewall plugin rules (ingressPolicy: same-bridge|isolated)";
    deepEqual(words("iptables", /^ip filter/), [
      "ip filter CNI-FORWARD: jump CNI-ADMIN # CNI firewall plugin admin overrides",
      "ip filter CNI-FORWARD: daddr 10.9.2.2/32 ct state 0x6 accept",
      "ip filter CNI-FORWARD: saddr 10.9.2.2/32 accept",
      `ip filter FORWARD: jump CNI-ISOLATION-STAGE-1 # ${policy}`,
      "ip filter FORWARD: jump CNI-FORWARD # CNI firewall plugin rules",
      "ip filter CNI-ISOLATION-STAGE-1: iifname br9 oifname != br9 jump CNI-ISOLATION-STAGE-2 # CNI firewall plugin rules (ingressPolicy: same-bridge)",
      `ip filter CNI-ISOLATION-STAGE-1: return # ${policy}`,
      `ip filter CNI-ISOLATION-STAGE-2: oifname br9 drop # ${policy}`,
      `ip filter CNI-ISOLATION-STAGE-2: return # ${policy}`,
    ]);
  });

  it("reads the MAC check", () => {
    deepEqual(words("iptables", /^bridge/), [
      "bridge nat PREROUTING: iifname veth18f21559 jump cni-br-iface-c1-eth0 # macspoofchk-c1-eth0",
      "bridge nat cni-br-iface-c1-eth0: jump cni-br-iface-c1-eth0-mac # macspoofchk-c1-eth0",
      "bridge nat cni-br-iface-c1-eth0-mac: ether saddr ca:7a:5b:76:d3:f7 return # macspoofchk-c1-eth0",
      "bridge nat cni-br-iface-c1-eth0-mac: drop # macspoofchk-c1-eth0",
    ]);
  });

  it("reads the nftables back ends", () => {
    const mark = "b043063594eee9a0-f4d01f2ef4b92245, net: bn, if: eth0, id: c1";
    deepEqual(words("nftables", /masq_checks|postrouting|masquerading|hostports$|hostports_all/), [
      `inet cni_plugins_masquerade masq_checks: saddr 10.9.2.2/32 daddr != 10.9.2.0/24 masquerade # ${mark}`,
      `inet cni_plugins_masquerade masq_checks: saddr fd09::2/128 daddr != fd09::/64 masquerade # ${mark}`,
      "inet cni_plugins_masquerade postrouting: daddr 224.0.0.0/4 return",
      "inet cni_plugins_masquerade postrouting: daddr ff00::/8 return",
      "inet cni_plugins_masquerade postrouting: goto masq_checks",
      "ip cni_hostport hostports: l4proto tcp dport 8080 dnat 10.9.2.2:80 # c1",
      "ip cni_hostport hostports: daddr 127.0.0.1/32 l4proto udp dport 53 dnat 10.9.2.2:53 # c1",
      "ip cni_hostport hostports_all: jump hostip_hostports",
      "ip cni_hostport hostports_all: jump hostports",
      "ip cni_hostport masquerading: saddr 10.9.2.2/32 daddr 10.9.2.2/32 masquerade # c1",
      "ip cni_hostport masquerading: saddr 127.0.0.1/32 daddr 10.9.2.2/32 masquerade # c1",
      "ip6 cni_hostport hostports: l4proto tcp dport 8080 dnat [fd09::2]:80 # c1",
      "ip6 cni_hostport hostports: daddr ::1/128 l4proto udp dport 54 dnat [fd09::2]:53 # c1",
      "ip6 cni_hostport hostports_all: jump hostip_hostports",
      "ip6 cni_hostport hostports_all: jump hostports",
      "ip6 cni_hostport masquerading: saddr fd09::2/128 daddr fd09::2/128 masquerade # c1",
    ]);
  });

  it("reads the same without xt extensions, and says what it does not understand", () => {
    deepEqual(words("native", /./), [
      "ip nat CNI-1: daddr 10.9.2.0/23 accept",
      "ip nat CNI-1: daddr != 224.0.0.0/4 masquerade",
      "ip nat CNI-HOSTPORT-SETMARK: set mark 0x2000/0x2000",
      "ip nat CNI-HOSTPORT-MASQ: mark 0x2000/0x2000 masquerade",
      "ip nat CNI-DN-1: saddr 10.9.2.0/24 daddr 192.0.2.1/32 l4proto tcp dport 8080 jump CNI-HOSTPORT-SETMARK",
      "ip nat CNI-DN-1: l4proto tcp dport 8080 dnat 10.9.2.2:80",
      "ip nat CNI-DN-1: l4proto udp dport 53 dnat 10.9.2.2",
      "ip nat CNI-DN-1: l4proto tcp ?lookup dnat 10.9.2.2",
      "ip nat PREROUTING: daddr type local jump CNI-DN-1",
      "ip6 nat CNI-DN-1: saddr fd09::/65 l4proto sctp dport 54 dnat [fd09::2]:53",
      "ip filter CNI-FORWARD: daddr 10.9.2.2/32 ct state 0x6 accept",
      "ip filter CNI-FORWARD: saddr 10.9.2.2/32 l4proto tcp dport 22 accept",
      "ip filter CNI-FORWARD: saddr 10.9.2.2/32 ?limit accept",
      "ip filter CNI-FORWARD: iifname br9 oifname != br9 drop",
      "ip filter CNI-FORWARD: iifname veth+ return",
      "ip filter CNI-FORWARD: saddr != 10.9.2.2/32 ?reject",
    ]);
  });

  const text = (expressions: Expression[], family: number = NFPROTO_IPV4): string =>
    ruleWords({ family, handle: 1n, expressions, userdata: undefined }).text;
  const xt = (name: string, info: string, length: number, revision = 0): Expression => {
    const bytes = new Uint8Array(length);
    bytes.set(hex(info));
    return match({ name, revision, info: bytes });
  };
  const to = (revision: number, info: string): Expression =>
    target({ name: "DNAT", revision, info: hex(info) });
  const accept = verdict(NF_ACCEPT);

  // the structs as iptables' releases before 1.8.8 send them
  const structs: [what: string, expressions: Expression[], words: string][] = [
    ["-m tcp --dport 8080", [xt("tcp", "0000ffff 901f901f", 16)], "dport 8080 accept"],
    ["-m udp --dport 53", [xt("udp", "0000ffff 35003500", 16)], "dport 53 accept"],
    ["-m tcp --dport 80:90", [xt("tcp", "0000ffff 50005a00", 16)], "?match accept"],
    ["-m tcp --sport 1 --dport 80", [xt("tcp", "01000100 50005000", 16)], "?match accept"],
    ["-m tcp --syn", [xt("tcp", "0000ffff 50005000 00170200", 16)], "?match accept"],
    [
      "-m sctp --dport 80",
      [xt("sctp", `50005000 0000ffff ${"00".repeat(52)} 02000000`, 72)],
      "dport 80 accept",
    ],
    [
      "-m multiport --dports 80,443",
      [xt("multiport", "0102 5000 bb01", 48, 1)],
      "dport 80,443 accept",
    ],
    ["-m multiport --sports 80", [xt("multiport", "0001 5000", 48, 1)], "?match accept"],
    ["-m mark --mark 0x1", [xt("mark", "01000000ffffffff00", 16, 1)], "mark 0x1/0xffffffff accept"],
    [
      "-m mark ! --mark 0x1",
      [xt("mark", "01000000ffffffff01", 16, 1)],
      "mark != 0x1/0xffffffff accept",
    ],
    [
      "-m addrtype --dst-type LOCAL",
      [xt("addrtype", "00000400", 16, 1)],
      "daddr type local accept",
    ],
    ["-m addrtype --src-type LOCAL", [xt("addrtype", "04000000", 16, 1)], "?match accept"],
    ["a match that is cut", [xt("tcp", "", 4)], "?match accept"],
    ["-m limit", [xt("limit", "", 48)], "?match accept"],
  ];
  for (const [what, expressions, wanted] of structs) {
    it(`reads ${what}`, () => equal(text([...expressions, counter({}), accept]), wanted));
  }

  it("reads DNAT of every revision", () => {
    const v4 = `01000000 03000000 0a090202 0a090202 0050 0050`;
    equal(text([to(0, v4)]), "dnat 10.9.2.2:80");
    const range = (min: string) => `03000000 ${min} ${min} 0050 0050`;
    equal(text([to(2, range(`0a090202${"00".repeat(12)}`))]), "dnat 10.9.2.2:80");
    equal(text([to(1, range(`fd09${"00".repeat(13)}02`))], NFPROTO_IPV6), "dnat [fd09::2]:80");
    equal(text([to(0, "01000000")]), "?target");
    equal(text([target({ name: "LOG", revision: 0, info: hex("00") })]), "?target");
  });

  it("says of two conditions of one kind that there is more", () => {
    const from = (last: number) => [
      payload({ dreg: 1, base: 1, offset: 12, length: 4 }),
      cmp({ sreg: 1, operator: NFT_CMP_EQ, data: { value: new Uint8Array([10, 0, 0, last]) } }),
    ];
    equal(text([...from(1), ...from(2), accept]), "saddr 10.0.0.1/32 ?cmp accept");
  });

  it("tells the chain that a rule leads to", () => {
    const rule = { family: NFPROTO_IPV4, handle: 7n, userdata: undefined };
    const { target, handle } = ruleWords({ ...rule, expressions: [verdict(NFT_JUMP, "CNI-1")] });
    deepEqual([target, handle], ["CNI-1", 7n]);
  });

  it("reads or refuses every truncation of a rule", () => {
    const rule = captured("iptables").find(({ place }) => place.includes("CNI-DN"))!;
    const { accepted } = truncations(ruleMessage, rule.payload);
    for (const length of accepted) {
      equal(typeof ruleWords(ruleMessage.parse(rule.payload.subarray(0, length))).text, "string");
    }
  });
});

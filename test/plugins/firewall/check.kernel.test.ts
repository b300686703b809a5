/**
 * What CHECK and STATUS of the built firewall see, above all other firewalls: what they name takes the command they give.
 */
import { equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { firewallWorld } from "./firewall-world.ts";
import { dockerOfNftables, droppers } from "./other-firewalls.ts";

describeKernel(
  "firewall CHECK and STATUS",
  function () {
    this.timeout(60_000);
    const here = firewallWorld();
    const { good, refused, reaches, cut } = here;
    const sh = (command: string): string => here.world.sh("H", command);
    const none = {
      config: { prevResult: undefined },
      call: { containerId: null, ifName: null, netns: null },
    };

    const losses: [string, string, RegExp][] = [
      [
        "an element",
        "nft delete element inet netloom pods6 { fd71::2 }",
        /no inet netloom pods6 \{ fd71::2 \}/,
      ],
      [
        "the bridge's policy",
        "nft flush set inet netloom closed",
        /no inet netloom closed \{ "br0" \}/,
      ],
      ["a rule", "nft flush chain inet netloom isolate", /chain "isolate" of table "inet netloom"/],
      ["the table", "nft delete table inet netloom", /table "inet netloom" is missing/],
      [
        "the accepting rule",
        "ip6tables -D CNI-FORWARD -m mark --mark 0x1000/0x1000 -j ACCEPT",
        /"ip6 filter" has no rule in CNI-FORWARD/,
      ],
      ["the record", "rm -r /run/netloom/net", /record of this attachment is missing/],
      [
        "its address to another",
        "nft 'delete element inet netloom pods4 { 10.71.0.2 }; add element inet netloom pods4 { 10.71.0.2 comment \"net/Z:eth0\" }'",
        /no inet netloom pods4/,
      ],
      [
        "its place before docker's drop",
        "iptables -I FORWARD -s 10.0.0.0/8 -j DROP",
        /it takes: iptables -I FORWARD -j CNI-FORWARD/,
      ],
    ];
    for (const [what, command, message] of losses) {
      it(`CHECK misses ${what}`, () => {
        sh(droppers.docker);
        const policy = { config: { ingressPolicy: "same-bridge" } };
        good("ADD", "A", policy);
        good("CHECK", "A", policy);
        sh(command);
        refused(101, message, "CHECK", "A", policy);
      });
    }

    const chain = (priority: string, policy: string, ...rules: string[]): string =>
      `table inet filter { chain forward { type filter hook forward priority ${priority}; policy ${policy}; ${rules.map((rule) => `${rule};`).join(" ")} }; }`;
    const foreign: [string, string][] = [
      ["a policy", chain("filter", "drop")],
      [
        "a policy behind states in a map",
        chain(
          "filter",
          "drop",
          "ct state vmap { established : accept, related : accept, invalid : drop }",
        ),
      ],
      ["a policy, late", chain("filter + 20", "drop", "ct state established,related accept")],
      ["a policy, late, both ways", chain("300", "drop")],
      ["a policy, early", chain("filter - 20", "drop", "ct state established accept")],
      [
        "a last rule",
        chain(
          "filter",
          "accept",
          "ct state established accept",
          'iifname "eth7" accept',
          "counter drop",
        ),
      ],
      [
        "a last rule that rejects",
        chain(
          "filter",
          "accept",
          "ip saddr 10.8.0.0/16 accept",
          "reject with icmpx type admin-prohibited",
        ),
      ],
      [
        "a jump",
        `table inet filter { chain last { drop; }; chain forward { type filter hook forward priority 0; ct state new jump last; }; }`,
      ],
      [
        "a rule in the first place",
        chain(
          "filter",
          "accept",
          "ip saddr { 10.71.0.0/24, 10.9.0.0/16 } drop; ip6 saddr fd71::/64 drop",
          "accept",
        ),
      ],
    ];
    for (const [what, rules] of foreign) {
      it(`CHECK tells what opens another table that drops by ${what}`, () => {
        good("ADD", "A");
        here.world.nft(rules);
        cut("A", "192.0.2.2");
        const text = refused(101, /chain "forward" of table "inet filter" drops/, "CHECK", "A");
        const commands = [...text.matchAll(/it takes: (.*?)(?=;|$)/g)].map(
          ([, command]) => command!,
        );
        for (const command of commands) sh(command);
        reaches("A", "192.0.2.2");
        good("CHECK", "A");
      });
    }

    const harmless: [string, string][] = [
      ["accepts", chain("filter", "accept", 'iifname "eth7" drop')],
      [
        "accepts addresses of its own",
        chain(
          "filter",
          "drop",
          "ct state established,related accept",
          "ip saddr 10.71.0.0/16 accept",
          "ip6 saddr fd71::/64 accept",
        ),
      ],
      [
        "accepts the bridge",
        chain("filter", "drop", "ct state established accept", 'iifname { "br0", "br9" } accept'),
      ],
      [
        "may accept, by port",
        chain("filter", "drop", "ct state established accept", "tcp dport 80 accept"),
      ],
    ];
    for (const [what, rules] of harmless) {
      it(`CHECK says nothing of another table that ${what}`, () => {
        good("ADD", "A");
        here.world.nft(rules);
        reaches("A", "192.0.2.2");
        good("CHECK", "A");
        good("STATUS", "A", none);
      });
    }

    it("CHECK tells what opens Docker's table of nftables", () => {
      here.world.nft(dockerOfNftables);
      good("ADD", "A");
      cut("A", "192.0.2.2");
      const told = /chain "filter-FORWARD" of table "ip docker-bridges" drops what pods send/;
      good("STATUS", "A", none); // its own links pass, and a network may be on one of those
      const text = refused(101, told, "CHECK", "A");
      for (const [, command] of text.matchAll(/it takes: (.*?)(?=;|$)/g)) sh(command!);
      reaches("A", "192.0.2.2");
      good("CHECK", "A");
      good("STATUS", "A", none);
    });

    const unsure: [string, string][] = [
      [
        "a map that lets some links through",
        chain(
          "filter",
          "drop",
          "ct state established,related accept",
          'oifname vmap { "eth7" : accept }',
        ),
      ],
      [
        "a map whose chain lets some ports through",
        "table inet filter { chain web { tcp dport 80 accept; }; chain forward { type filter hook forward priority filter; policy drop; ct state established accept; oifname vmap { uplink : jump web }; }; }",
      ],
      [
        "a chain that is left for some sources",
        "table inet filter { chain some { return; }; chain each { ip saddr . tcp dport { 10.71.0.2 . 80 } goto some; meta nfproto ipv4 drop; }; chain forward { type filter hook forward priority filter; ct state established accept; jump each; }; }",
      ],
      [
        "a mark that some packets lose",
        "table inet filter { chain forward { type filter hook forward priority filter; policy drop; ct state established accept; tcp dport 22 meta mark set 0; meta mark & 0x1000 == 0x1000 accept; }; }",
      ],
    ];
    for (const [what, rules] of unsure) {
      it(`CHECK says nothing of ${what}`, () => {
        good("ADD", "A");
        here.world.nft(rules);
        good("CHECK", "A");
      });
    }

    it("says what iptables-legacy takes, whose tables it does not look into", () => {
      const legacy = ["iptables-legacy", "ip6tables-legacy"];
      equal(good("STATUS", "A", none).stderr, "");
      for (const tool of legacy) sh(`${tool} -P FORWARD DROP`);
      good("ADD", "A");
      cut("A", "192.0.2.2");
      const { stderr } = good("STATUS", "A", none);
      equal(good("CHECK", "A").stderr, stderr);
      const told = [...stderr.matchAll(/it takes: (.*)/g)].map(([, command]) => command!);
      equal(told.length, 2);
      for (const command of told) sh(command);
      reaches("A", "192.0.2.2");
      cut("O", "10.71.0.2"); // answers carry the mark as well: nothing else is opened
      for (const tool of legacy) sh(`${tool} -F FORWARD; ${tool} -P FORWARD ACCEPT`);
    });

    it("names firewalld's own way", () => {
      good("ADD", "A");
      here.world.nft(
        "table inet firewalld { chain filter_FORWARD { type filter hook forward priority filter + 10; ct state { established, related } accept; reject with icmpx type admin-prohibited; }; }",
      );
      refused(101, /firewall-cmd --zone=trusted --add-source=10\.71\.0\.0\/24/, "CHECK", "A");
    });

    it("STATUS is well on a virgin host, and where ADD opens the way", () => {
      good("STATUS", "A", none);
      sh(droppers.docker);
      good("STATUS", "A", none);
    });

    it("STATUS says with 51 who drops IPv4, and on stderr who drops IPv6 alone", () => {
      here.world.nft(
        "table ip6 mine { chain walled { type filter hook forward priority 0; policy drop; }; }",
      );
      const { stderr } = good("STATUS", "A", none);
      match(
        stderr,
        /chain "walled" of table "ip6 mine" drops what pods send; it takes: nft insert rule ip6 mine walled/,
      );
      here.world.nft(
        "table ip mine { chain walled { type filter hook forward priority 0; policy drop; }; }",
      );
      refused(51, /chain "walled" of table "ip mine" drops/, "STATUS", "A", none);
      sh("nft insert rule ip mine walled 'meta mark & 0x1000 == 0x1000 accept'");
      equal(good("STATUS", "A", none).stdout, "");
    });

    it("misses firewalld where it is asked for, and the bus with it", () => {
      const asked = { ...none, config: { ...none.config, backend: "firewalld" } };
      const there =
        /firewalld cannot be asked, there is no system bus: start firewalld.*"unix:path=\/run\/dbus\/system_bus_socket"/;
      refused(50, there, "STATUS", "A", asked);
      refused(11, there, "ADD", "A", { config: { backend: "firewalld" } });
      const env = { DBUS_SYSTEM_BUS_ADDRESS: "tcp:host=127.0.0.1" };
      refused(50, /DBUS_SYSTEM_BUS_ADDRESS has no address that can be used/, "STATUS", "A", {
        ...asked,
        call: { ...none.call, env },
      });
    });
  },
  [...usual, "iptables", "/usr/bin/python3"],
);

/**
 * Attachments of the reference in less usual states: rules that are gone, addresses and ports that went elsewhere, two interfaces,
 * iptables-legacy, many calls at once.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { installed, Node } from "./node.ts";

const c1 = { id: "c1", ports: [8080] };
const c2 = { id: "c2", ports: [8081] };
const references = installed().filter(([title]) => title.startsWith("reference"));
const [bridge, portmap, firewall] = [0, 1, 2];

describeKernel(
  "a container of the reference",
  function () {
    this.timeout(60_000);
    before(function () {
      if (references.length === 0) this.skip();
    });

    /** A node with one container of the reference. */
    const made = async (backend: string): Promise<Node> => {
      const [, who] = references[0]!;
      const node = new Node(who, backend);
      await node.attach(who.bin, c1);
      return node;
    };
    const flush = (family: string, chain: string) => `nft flush chain ${family} ${chain}`;

    const damages: [
      backend: string,
      plugin: number,
      what: string,
      command: string,
      said: RegExp,
    ][] = [
      [
        "iptables",
        bridge,
        "masquerade",
        flush("ip", "nat POSTROUTING"),
        /chain "POSTROUTING" of table "ip nat" has no rule "saddr 10\.9\.2\.2\/32 jump CNI-/,
      ],
      [
        "iptables",
        bridge,
        "its masquerade's chain",
        "iptables -t nat -F $(iptables -t nat -S | sed -n 's/^-N \\(CNI-[0-9a-f]*\\)$/\\1/p')",
        /has no rule "daddr 10\.9\.2\.0\/24 accept"/,
      ],
      [
        "iptables",
        bridge,
        "all of iptables",
        "nft flush ruleset",
        /is not masqueraded: there is no chain "CNI-/,
      ],
      [
        "nftables",
        bridge,
        "masquerade",
        flush("inet", "cni_plugins_masquerade masq_checks"),
        /"10\.9\.2\.2\/24" is not masqueraded/,
      ],
      [
        "nftables",
        bridge,
        "the MAC check",
        flush("bridge", "nat PREROUTING"),
        /chain "PREROUTING" of table "bridge nat" has no rule "iifname veth/,
      ],
      [
        "iptables",
        portmap,
        "what leads to its ports",
        flush("ip", "nat CNI-HOSTPORT-DNAT"),
        /does not lead l4proto tcp dport 8080 to "CNI-DN-/,
      ],
      [
        "iptables",
        portmap,
        "what leads there from outside",
        flush("ip6", "nat PREROUTING"),
        /chain "PREROUTING" of table "ip6 nat" has no rule "daddr type local jump CNI-HOSTPORT-DNAT"/,
      ],
      [
        "iptables",
        portmap,
        "masquerade of localhost",
        flush("ip", "nat CNI-HOSTPORT-MASQ"),
        /CNI-HOSTPORT-MASQ" of table "ip nat" has no rule "mark 0x2000\/0x2000 masquerade"/,
      ],
      [
        "nftables",
        portmap,
        "a port",
        flush("ip6", "cni_hostport hostports"),
        /chain "hostports" of table "ip6 cni_hostport" has no rule "l4proto tcp dport 8080 dnat \[fd09::2\]:80"/,
      ],
      [
        "nftables",
        portmap,
        "what leads to its ports",
        flush("ip", "cni_hostport output"),
        /chain "output" of table "ip cni_hostport" does not lead to "hostports_all"/,
      ],
      [
        "nftables",
        portmap,
        "both tables",
        "nft delete table ip cni_hostport; nft delete table ip6 cni_hostport",
        /any4.*record of this attachment is missing/,
      ],
      [
        "iptables",
        firewall,
        "what lets its answers in",
        "iptables -D CNI-FORWARD -d 10.9.2.2/32 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        /has no rule "daddr 10\.9\.2\.2\/32 ct state 0x6 accept"/,
      ],
      [
        "iptables",
        firewall,
        "what leads to its rules",
        flush("ip", "filter FORWARD"),
        /chain "FORWARD" of table "ip filter" has no rule "jump CNI-FORWARD"/,
      ],
      [
        "iptables",
        firewall,
        "its bridge's policy",
        flush("ip", "filter CNI-ISOLATION-STAGE-2"),
        /has no rule "oifname br9 drop"/,
      ],
    ];
    for (const [backend, plugin, what, command, said] of damages) {
      it(`SPEC-063: is missed ${what} by name (${backend})`, async () => {
        using node = await made(backend);
        const call = node.calls("CHECK", node.ours, c1)[plugin]!;
        node.good(call);
        node.sandbox.ok(["sh", "-ec", command]);
        match(node.bad(call), said);
      });
    }

    for (const [, who, backend] of references) {
      it(`keeps what its other interface has (${backend})`, async () => {
        using node = await made(backend);
        const second = { ...c1, ifName: "net1", ports: [8090] };
        await node.attach(who.bin, second);
        const [first, other] = [node.address("c1"), node.address("c1", "net1")];
        node.all("DEL", node.ours, c1, {}, false);
        equal(node.rulesWith(`"${first}"`).length, 0, `of ${first}`);
        ok(node.rulesWith(`"${other}"`).length >= 3, `of ${other}`);
        node.all("CHECK", node.ours, second);
        node.all("DEL", node.ours, second, {}, false);
        deepEqual(node.rulesWith(`"${other}"`, "CNI-DN-", "macspoofchk"), []);
      });

      it(`yields its port when it is gone and ours has its address (${backend})`, async () => {
        using node = await made(backend);
        const address = node.address("c1");
        node.sandbox.deletePod("c1");
        node.sandbox.ok([
          "sh",
          "-c",
          "rm /var/lib/cni/networks/net/10.* /var/lib/cni/networks/net/last* /var/lib/cni/networks/net/fd*",
        ]);
        await node.attach(node.ours, { id: "new", ports: [8080] });
        equal(node.address("new"), address);
        equal(node.answers(8080), "new new");
        node.all("CHECK", node.ours, { id: "new", ports: [8080] });
        node.all("DEL", node.ours, c1, { netns: null }, false);
        equal(node.answers(8080), "new new", "behind a late DEL");
      });

      it(`keeps a port that it has on another network, and says so (${backend})`, async () => {
        using node = await made(backend);
        const keys = {
          bridge: "br8",
          ipam: { type: "host-local", ranges: [[{ subnet: "10.8.2.0/24" }]] },
        };
        const second = { ...c1, ifName: "net1", network: "second", keys };
        const said = await node.attach(node.ours, second);
        match(said, /host port 8080\/tcp goes on leading to 10\.9\.2\.2/);
        equal(node.answers(8080), "c1 c1");
        node.all("DEL", node.ours, c1);
        const route = ["ip", "route", "add", "default", "via", "10.8.2.1"];
        node.sandbox.ok(route, { netns: "/run/netns/c1" });
        equal(node.answers(8080).split(" ")[0], "c1", "by the other network");
      });

      it(`is detached by many calls at once, while iptables changes the tables (${backend})`, async () => {
        using node = await made(backend);
        await node.attach(who.bin, c2);
        const before = node.rulesWith("canary");
        const loop =
          "while :; do iptables -w -t nat -A PREROUTING -m comment --comment canary -j RETURN; iptables -w -t nat -D PREROUTING -m comment --comment canary -j RETURN; done";
        const other = node.sandbox.start(["sh", "-c", loop]);
        const calls = [1, 2, 3].flatMap(() => node.calls("DEL", node.ours, c1));
        const done = await node.sandbox.cniAtOnce(calls);
        await other.stop();
        deepEqual(
          done.map(({ status, stdout }) => `${status} ${stdout}`),
          calls.map(() => "0 "),
        );
        node.sandbox.ok([
          "sh",
          "-c",
          "iptables -t nat -D PREROUTING -m comment --comment canary -j RETURN 2>/dev/null; true",
        ]);
        deepEqual(node.rulesWith("canary"), before);
        deepEqual(node.rulesWith('"10.9.2.2"', '\\"c1\\"', "id: c1", "cni-br-iface-c1"), []);
        equal(node.answers(8081), "c2 c2");
        node.all("CHECK", node.ours, c2);
      });
    }

    it("keeps what lets an address through that another container has by now", async () => {
      using node = await made("iptables");
      const late = node.calls("DEL", node.ours, c1)[firewall]!;
      node.sandbox.deletePod("c1");
      node.sandbox.ok(["sh", "-c", "printf 'c2\\r\\neth0' > /var/lib/cni/networks/net/10.9.2.2"]);
      node.good(late);
      equal(
        node.rulesWith('"right":"10.9.2.2"').filter((row) => row.includes("CNI-FORWARD")).length,
        2,
      );
      equal(
        node.rulesWith('"right":"fd09::2"').filter((row) => row.includes("CNI-FORWARD")).length,
        0,
      );
    });

    it("is not taken for one of another network that has the same interface", async () => {
      using node = await made("iptables");
      const keys = { bridge: "br8" };
      const before = node.rules();
      const call = node.calls("DEL", node.ours, { ...c1, network: "second", keys }, {}, false)[
        bridge
      ]!;
      node.good(call);
      deepEqual(node.rules(), before);
    });
  },
  [...usual, "iptables-nft", "python3"],
);

describeKernel(
  "a container of the reference on iptables-legacy",
  function () {
    this.timeout(60_000);
    before(function () {
      if (references.length === 0) this.skip();
    });

    it("is checked and detached as far as it goes, and the rest is said", async () => {
      const [, who] = references[0]!;
      using node = new Node(who, "iptables");
      const folder = `${node.sandbox.scratch}/legacy`;
      const links = ["iptables", "ip6tables"].map(
        (t) => `ln -s /usr/sbin/${t}-legacy ${folder}/${t}`,
      );
      node.sandbox.ok(["sh", "-ec", `mkdir ${folder}; ${links.join(";")}`]);
      node.path = `${folder}:${node.path}`;
      await node.attach(who.bin, c1);
      equal(node.answers(8080), "c1 c1");
      for (const command of ["CHECK", "DEL"] as const) {
        const said = node.all(command, node.ours, c1);
        match(
          said,
          /masquerade of "net\/c1:eth0" cannot be looked for in table "nat" of iptables-legacy/,
        );
        match(said, /published ports of "net\/c1:eth0" cannot be looked for/);
        match(said, /let through of "net\/c1:eth0" cannot be looked for in table "filter"/);
      }
      const left = node.sandbox.ok(["iptables-legacy", "-t", "nat", "-S"]);
      match(left, /CNI-DN-/);
    });
  },
  [...usual, "iptables-legacy", "python3"],
);

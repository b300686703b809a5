/**
 * The built firewall, and packets: hosts that drop what they forward, and policies between bridges. Numbers are those of the
 * conformance checklist.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { firewallWorld, resultOf } from "./firewall-world.ts";
import { droppers } from "./other-firewalls.ts";

describeKernel(
  "firewall ADD",
  function () {
    this.timeout(60_000);
    const here = firewallWorld();
    const { good, refused, state, elements, reaches, cut } = here;
    const saved = (tool: string): string[] =>
      here.world
        .sh("H", `${tool} -S`)
        .split("\n")
        .filter((line) => line.includes("CNI"));

    const isolated = { config: { ingressPolicy: "isolated" } };

    it("U-178: hands prevResult on as it was, in every version that it lists", () => {
      for (const version of ["1.1.0", "1.0.0", "0.4.0"]) {
        const given = resultOf("A", version);
        const config = { cniVersion: version, prevResult: given };
        const { json } = good("ADD", "A", { config });
        if (version.startsWith("1")) deepEqual(json, given);
        else equal(json.ips[1].address, "fd71::2/64");
      }
      refused(1, /0\.3\.1/, "ADD", "A", { config: { cniVersion: "0.3.1" } });
    });

    it("U-182: leaves one element an address and no table of iptables, however often", () => {
      good("ADD", "A");
      const before = state();
      good("ADD", "A");
      deepEqual(state(), before);
      equal(elements("pods4").length + elements("pods6").length, 2);
      match(elements("pods4").join(), /10\.71\.0\.2.*net\/A:eth0/);
      equal(here.world.sh("H", "nft list tables").includes("filter"), false);
    });

    it("has nothing to do for a result without addresses", () => {
      const before = state();
      const config = { prevResult: { cniVersion: "1.1.0" } };
      for (const verb of ["ADD", "CHECK", "DEL"]) good(verb, "A", { config });
      deepEqual(state(), before);
    });

    for (const [whose, rules] of Object.entries(droppers)) {
      for (const bits of [0, 1] as const) {
        it(`U-179, U-181: opens a host with ${whose}'s FORWARD DROP, br_netfilter ${bits}`, () => {
          here.world.bridgeNetfilter(bits);
          here.world.sh("H", rules);
          cut("A", "192.0.2.2");
          good("ADD", "A");
          good("CHECK", "A");
          reaches("A", "192.0.2.2");
          cut("O", "10.71.0.2");
          const left = saved("iptables");
          for (const tool of ["iptables", "ip6tables"]) {
            deepEqual(saved(tool), [
              "-N CNI-ADMIN",
              "-N CNI-FORWARD",
              '-A FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD',
              '-A CNI-FORWARD -m comment --comment "CNI firewall plugin admin overrides" -j CNI-ADMIN',
              "-A CNI-FORWARD -m mark --mark 0x1000/0x1000 -j ACCEPT",
            ]);
          }
          good("DEL", "A");
          cut("A", "192.0.2.2");
          deepEqual(saved("iptables"), left);
        });
      }
    }

    for (const name of ["kube-proxy", "kube-proxy of mode nftables"] as const) {
      for (const bits of [0, 1] as const) {
        it(`serves ${name}'s services, br_netfilter ${bits}`, () => {
          here.world.bridgeNetfilter(bits);
          here.world.sh("H", droppers[name]);
          const services = () =>
            here.world.ask(
              [
                { from: "A", dst: "10.96.0.10", port: 80 },
                { from: "B", dst: "10.96.0.10", port: 80 },
                { from: "C", dst: "10.96.0.10", port: 80 },
                { from: "H", dst: "10.96.0.10", port: 80 },
                { from: "O", dst: "192.0.2.1", port: 30080 },
              ],
              1,
            );
          for (const pod of ["A", "B", "C"] as const) good("ADD", pod);
          deepEqual(
            services().map((answer) => answer.split(" ")[0]),
            // without br_netfilter an answer within the bridge goes past the host: kube-proxy wants it on
            ["A", bits === 1 ? "A" : "hang", "A", "A", "A"],
          );
          for (const pod of ["A", "B", "C"] as const) good("CHECK", pod);
          good("STATUS", "A", { config: { prevResult: undefined } });
          for (const pod of ["A", "B", "C"] as const) good("DEL", pod);
          equal(services()[2], "hang");
          good("ADD", "A");
          equal(services()[2]?.split(" ")[0], "A");
        });
      }
    }

    it("opens published ports with the rest", () => {
      here.world.sh("H", droppers.docker);
      const runtimeConfig = {
        portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
      };
      const ports = { type: "portmap", runtimeConfig };
      good("ADD", "A", { config: ports });
      const ask = () => here.world.ask([{ from: "O", dst: "192.0.2.1", port: 8080 }], 0.6)[0];
      equal(ask(), "hang");
      good("ADD", "A");
      equal(ask(), "A 192.0.2.2");
    });

    it("touches the tables of the families that the container has", () => {
      here.world.sh("H", droppers.docker);
      const prevResult = { cniVersion: "1.1.0", ips: [{ address: "10.71.0.2/24" }] };
      good("ADD", "A", { config: { prevResult } });
      equal(saved("iptables").length, 5);
      deepEqual(saved("ip6tables"), []);
    });

    it("puts back what somebody flushed", () => {
      here.world.sh("H", droppers.docker);
      good("ADD", "A");
      here.world.sh("H", "iptables -F FORWARD; ip6tables -F CNI-FORWARD");
      refused(101, /"ip filter" has no jump from FORWARD to CNI-FORWARD/, "CHECK", "A");
      good("ADD", "B");
      good("CHECK", "A");
      reaches("A", "192.0.2.2");
    });

    it("U-180: asks the administrator's chain of that name first", () => {
      here.world.sh("H", droppers.docker);
      const own = { config: { iptablesAdminChainName: "CNI-foobar" } };
      good("ADD", "A");
      good("ADD", "B", own);
      good("CHECK", "B", own);
      for (const tool of ["iptables", "ip6tables"]) {
        equal(saved(tool).filter((line) => line.endsWith("-j CNI-foobar")).length, 1);
        here.world.sh("H", `${tool} -A CNI-foobar -p tcp --dport 80 -j DROP`);
      }
      cut("B", "192.0.2.2");
      good("CHECK", "B", own);
      good("DEL", "B", own);
      match(saved("iptables").join("\n"), /-A CNI-foobar -p tcp/);
    });

    for (const bits of [0, 1] as const) {
      it(`U-183: same-bridge keeps bridges from each other, br_netfilter ${bits}`, () => {
        here.world.bridgeNetfilter(bits);
        here.world.sh("H", droppers.docker);
        const policy = { config: { ingressPolicy: "same-bridge" } };
        for (const pod of ["A", "B", "C"] as const) good("ADD", pod, policy);
        reaches("B", "10.71.0.2");
        cut("C", "10.71.0.2");
        cut("A", "10.72.0.2");
        reaches("A", "192.0.2.2");
        for (const pod of ["A", "B", "C"] as const) good("CHECK", pod, policy);
      });
    }

    for (const bits of [0, 1] as const) {
      it(`U-184: isolated keeps containers of a bridge from each other too, br_netfilter ${bits}`, () => {
        here.world.bridgeNetfilter(bits);
        here.world.sh("H", droppers.docker);
        for (const pod of ["A", "B"] as const) good("ADD", pod);
        reaches("B", "10.71.0.2"); // and knows its MAC address from now on
        for (const pod of ["A", "B", "C"] as const) equal(good("ADD", pod, isolated).stderr, "");
        for (const pod of ["A", "B", "C"] as const) good("CHECK", pod, isolated);
        cut("B", "10.71.0.2");
        cut("C", "10.71.0.2");
        reaches("A", "192.0.2.2");
        reaches("B", "192.0.2.2");
        match(elements("apart_ports").join(), /vA.*net\/A:eth0.*vB/);
        for (const _ of "12") good("DEL", "B", isolated);
        equal(elements("apart_ports").join().includes("vB"), false);
      });
    }

    it("isolated lets nothing of another protocol through, and all to a port without it", () => {
      for (const pod of ["A", "B"] as const) good("ADD", pod, isolated);
      here.world.sh("B", "ip neigh flush dev eth0");
      equal(
        here.world.sandbox.run(["ping", "-c1", "-W1", "10.71.0.2"], here.world.netns("B")).status,
        1,
      );
      match(here.world.sh("B", "ip neigh show to 10.71.0.2"), /FAILED|INCOMPLETE/);
      good("DEL", "B", isolated);
      reaches("B", "10.71.0.2");
      reaches("A", "192.0.2.2");
    });

    it("CHECK misses what keeps a container's port apart", () => {
      good("ADD", "A", isolated);
      here.world.sh("H", "nft flush set bridge netloom apart_ports");
      refused(101, /no bridge netloom apart_ports \{ "vA" \}/, "CHECK", "A", isolated);
      good("ADD", "A", isolated);
      here.world.sh("H", "nft flush chain bridge netloom forward");
      refused(101, /chain "forward" of table "bridge netloom" has 0 rules/, "CHECK", "A", isolated);
    });

    it("says that isolated takes the port's name, or br_netfilter", () => {
      const prevResult = { ...resultOf("A"), interfaces: [{ name: "br0" }], ips: [] };
      const without = { config: { ...isolated.config, prevResult } };
      const { stderr } = good("ADD", "A", without);
      match(
        stderr,
        /"prevResult.interfaces" does not name their ports, and .*bridge-nf-call-iptables" is not 1/,
      );
      here.world.bridgeNetfilter(1);
      equal(good("ADD", "A", without).stderr, "");
    });

    it("lets bridges of policy open reach each other", () => {
      for (const pod of ["A", "C"] as const)
        good("ADD", pod, { config: { ingressPolicy: "open" } });
      reaches("C", "10.71.0.2");
    });

    const bad: [string, number, RegExp, object][] = [
      [
        "an unknown policy",
        7,
        /ingressPolicy.*unknown ingress policy: "shut"/,
        { ingressPolicy: "shut" },
      ],
      [
        "a chain of iptables' own",
        7,
        /iptablesAdminChainName.*"FORWARD"/,
        { iptablesAdminChainName: "FORWARD" },
      ],
      [
        "a chain's name with blanks",
        7,
        /iptablesAdminChainName.*"X -j DROP"/,
        { iptablesAdminChainName: "X -j DROP" },
      ],
      [
        "a chain's name of 29 bytes",
        7,
        /iptablesAdminChainName/,
        { iptablesAdminChainName: "X".repeat(29) },
      ],
      ["no result", 7, /prevResult/, { prevResult: undefined }],
      [
        "a policy without interfaces",
        7,
        /interface needs to be set for ingress policy "isolated"/,
        { ingressPolicy: "isolated", prevResult: { cniVersion: "1.1.0" } },
      ],
      [
        "a bridge without name",
        7,
        /got empty bridge name/,
        {
          ingressPolicy: "isolated",
          prevResult: { cniVersion: "1.1.0", interfaces: [{ name: "" }] },
        },
      ],
    ];
    for (const [what, code, message, config] of bad) {
      it(`refuses ${what}`, () => {
        for (const verb of ["ADD", "CHECK"]) refused(code, message, verb, "A", { config });
        good("DEL", "A", { config });
      });
    }

    it("takes any other back end for none, and says so", () => {
      for (const backend of ["", "iptables", "nftables"]) {
        equal(good("ADD", "A", { config: { backend } }).stderr, "");
      }
      match(
        good("ADD", "A", { config: { backend: "ufw" } }).stderr,
        /"backend" "ufw" is not known/,
      );
      const config = { backend: "iptables", firewalldZone: "public" };
      match(good("ADD", "A", { config }).stderr, /"firewalldZone" is not used/);
    });
  },
  [...usual, "iptables", "/usr/bin/python3"],
);

import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { firewallWorld, type More, resultOf } from "./firewall-world.ts";

describeKernel(
  "firewall DEL and GC",
  function () {
    this.timeout(60_000);
    const here = firewallWorld();
    const { good, run, state, elements } = here;
    const pods = (): string => [...elements("pods4"), ...elements("pods6")].join("\n");
    const folders = (): string =>
      here.world.sh("H", "cd /run/netloom 2>/dev/null && ls -d */* 2>/dev/null || true").trim();

    it("works twice, and on a host that knows nothing", () => {
      const before = state();
      good("DEL", "A");
      deepEqual(state(), before);
      good("ADD", "A");
      for (const _ of "12") good("DEL", "A");
      equal(pods() + folders(), "");
    });

    const without: [string, More][] = [
      ["prevResult", { config: { prevResult: undefined } }],
      ["a prevResult that is right", { config: { prevResult: { cniVersion: "9.9.9" } } }],
      ["a namespace", { call: { netns: null } }],
      ["a namespace that is there", { call: { netns: "/run/netns/none" } }],
      ["a back end that is known", { config: { backend: "firewalld" } }],
      [
        "a configuration that is right",
        { config: { ingressPolicy: 3, iptablesAdminChainName: "a b" } },
      ],
    ];
    for (const [what, more] of without) {
      it(`works without ${what}`, () => {
        good("ADD", "A");
        good("DEL", "A", more);
        equal(pods() + folders(), "");
      });
    }

    it("finds in the kernel what no record tells, or a broken one", () => {
      good("ADD", "A");
      good("ADD", "B");
      here.world.sh(
        "H",
        "rm -r /run/netloom/net/A:eth0; echo '{' > /run/netloom/net/B:eth0/firewall.json",
      );
      good("DEL", "A", { config: { prevResult: undefined } });
      equal(pods().includes("net/A:eth0"), false);
      match(pods(), /net\/B:eth0/);
      match(good("DEL", "B").stderr, /steps over/);
      equal(pods() + folders(), "");
    });

    it("leaves an address alone that another container has by now", () => {
      good("ADD", "A");
      good("ADD", "B", { config: { prevResult: resultOf("A") } });
      for (const _ of "12") good("DEL", "A");
      equal(pods().match(/net\/B:eth0/g)?.length, 2);
      here.world.sh("H", "rm -rf /run/netloom/net/B:eth0");
      good("DEL", "A");
      good("CHECK", "C", { config: { prevResult: { cniVersion: "1.1.0" } } });
      equal(pods().match(/net\/B:eth0/g)?.length, 2);
    });

    it("takes away what an earlier ADD had and a later one has not", () => {
      good("ADD", "A");
      const prevResult = { cniVersion: "1.1.0", ips: [{ address: "10.71.0.9/24" }] };
      good("ADD", "A", { config: { prevResult } });
      match(pods(), /^[^\n]*10\.71\.0\.9[^\n]*$/);
    });

    it("keeps what others share on the bridge", () => {
      const policy = { config: { ingressPolicy: "same-bridge" } };
      for (const pod of ["A", "B"] as const) good("ADD", pod, policy);
      good("DEL", "A", policy);
      good("CHECK", "B", policy);
    });

    it("is fine with tables that somebody flushed", () => {
      good("ADD", "A");
      here.world.nft("flush ruleset");
      good("DEL", "A");
      equal(folders(), "");
    });

    const collect = (valid: unknown): void => {
      const config = { "cni.dev/valid-attachments": valid, prevResult: undefined };
      good("GC", "A", { config, call: { containerId: null, ifName: null, netns: null } });
    };

    it("GC keeps the valid, other networks, and a stranger's", () => {
      for (const pod of ["A", "B"] as const) good("ADD", pod);
      good("ADD", "C", { config: { name: "net2" } });
      here.world.nft("add element inet netloom pods4 { 10.99.0.1 }");
      collect(undefined);
      equal(elements("pods4").length, 4);
      here.world.sh("H", "rm -r /run/netloom/net/B:eth0");
      for (const _ of "12") collect([{ containerID: "A", ifname: "eth0" }]);
      match(pods(), /net\/A:eth0/);
      match(pods(), /net2\/C:eth0/);
      match(pods(), /10\.99\.0\.1/);
      equal(pods().includes("net/B:eth0"), false);
      equal(folders(), "net/A:eth0\nnet2/C:eth0");
      collect([]);
      equal(folders(), "net2/C:eth0");
    });

    it("an ADD that fails leaves nothing", () => {
      here.world.sh("H", "iptables -P FORWARD DROP");
      const before = state();
      const call = here.call("ADD", "A");
      here.world.sh("H", "mkdir -p /run/netloom/net; echo x > /run/netloom/net/A:eth0");
      equal(here.world.sandbox.cni(call).status, 1);
      here.world.sh("H", "rm -rf /run/netloom");
      deepEqual(state(), before);
      equal(run("ADD", "A").status, 0);
    });
  },
  [...usual, "iptables", "/usr/bin/python3"],
);

import { equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import type { CniCall } from "../../kernel/sandbox.ts";
import { portmapWorld, tcp, udp } from "./portmap-world.ts";

describeKernel(
  "portmap DEL",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { good, published } = here;

    describe("DEL", () => {
      const gone = (): void => {
        equal(published(), "");
        equal(
          here.world.sh(
            "H",
            "find /run/netloom -type f -o -type d -name 'net' 2>/dev/null || true",
          ),
          "",
        );
      };

      it("works twice, and on a host that knows nothing", () => {
        good("DEL", "A", [tcp(8080)]);
        good("ADD", "A", [tcp(8080)]);
        good("DEL", "A", [tcp(8080)]);
        good("DEL", "A", [tcp(8080)]);
        gone();
      });

      const without: [string, object, Partial<CniCall>][] = [
        ["mappings", { runtimeConfig: undefined }, {}],
        ["prevResult", { prevResult: undefined }, {}],
        ["a prevResult that is right", { prevResult: { cniVersion: "9.9.9" } }, {}],
        [
          "interfaces that are right",
          { prevResult: { cniVersion: "1.1.0", interfaces: [null] } },
          {},
        ],
        ["a namespace", {}, { netns: null }],
        ["a namespace that is there", {}, { netns: "/run/netns/none" }],
        ["a configuration that is right", { snat: "no", conditionsV4: ["-s", "1.2.3.4"] }, {}],
        ["ports that are right", { runtimeConfig: { portMappings: [{ hostPort: 0 }] } }, {}],
      ];
      for (const [what, config, rest] of without) {
        it(`works without ${what}`, () => {
          good("ADD", "A", [tcp(8080), udp(8080, 80, "127.0.0.1")]);
          good("DEL", "A", [tcp(8080)], { config, call: rest });
          gone();
        });
      }

      it("finds in the kernel what no record tells", () => {
        good("ADD", "A", [tcp(8080), udp(53, 53, "127.0.0.1")], { config: { masqAll: true } });
        good("ADD", "B", [tcp(8081)]);
        here.world.sh("H", "rm -r /run/netloom/net/A:eth0");
        good("DEL", "A", []);
        equal(here.world.sh("H", "nft list ruleset").includes("net/A:eth0"), false);
        match(published(), /net\/B:eth0/);
      });

      it("steps over a record that is broken, and names it", () => {
        good("ADD", "A", [tcp(8080)]);
        here.world.sh("H", 'printf \'{"network":"net\' > /run/netloom/net/A:eth0/portmap.json');
        match(
          good("DEL", "A", []).stderr,
          /steps over "\/run\/netloom\/net\/A:eth0\/portmap.json"/,
        );
        gone();
      });

      it("is fine with tables that somebody flushed", () => {
        good("ADD", "A", [tcp(8080)]);
        here.world.nft("flush ruleset");
        good("DEL", "A", [tcp(8080)]);
        gone();
      });

      it("takes nothing of a neighbour's, nor of the same container on another network", () => {
        good("ADD", "A", [tcp(8080)]);
        good("ADD", "A", [tcp(8081)], { config: { name: "net2" } });
        good("ADD", "B", [tcp(8082)]);
        good("DEL", "A", []);
        good("DEL", "A", []);
        const left = published();
        equal(left.includes("net/A:eth0"), false);
        match(left, /net2\/A:eth0/);
        match(left, /net\/B:eth0/);
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

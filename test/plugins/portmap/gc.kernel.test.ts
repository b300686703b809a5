import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { portmapWorld, tcp } from "./portmap-world.ts";

describeKernel(
  "portmap GC",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { good, state, published } = here;

    describe("GC", () => {
      const collect = (valid: unknown, more: object = {}) =>
        good("GC", "A", [], {
          config: {
            "cni.dev/valid-attachments": valid,
            prevResult: undefined,
            runtimeConfig: undefined,
            ...more,
          },
          call: { containerId: null, ifName: null, netns: null },
        });
      const setUp = (): void => {
        good("ADD", "A", [tcp(8081)]);
        good("ADD", "A", [tcp(8082)], {
          config: { prevResult: { cniVersion: "1.1.0", ips: [{ address: "10.71.0.2/24" }] } },
          call: { ifName: "eth1" },
        });
        good("ADD", "B", [tcp(8083)]);
        good("ADD", "B", [tcp(8084)], { config: { name: "net2" } });
      };

      it("keeps the pairs that are valid, and other networks", () => {
        setUp();
        equal(collect([{ containerID: "A", ifname: "eth0" }]).stdout, "");
        const left = published();
        deepEqual(
          [8081, 8082, 8083, 8084].map((port) => left.includes(String(port))),
          [true, false, false, true],
        );
        deepEqual(here.world.sh("H", "cd /run/netloom; ls -d */*").trim().split("\n"), [
          "net/A:eth0",
          "net2/B:eth0",
        ]);
      });

      it("removes all of the network for an empty list, nothing without a list", () => {
        setUp();
        const before = state();
        collect(undefined);
        deepEqual(state(), before);
        collect([]);
        collect([]);
        equal(published().match(/^any4/gm)?.length, 1);
      });

      it("finds what has no record, and records that have nothing", () => {
        setUp();
        here.world.sh("H", "rm -r /run/netloom/net/B:eth0");
        here.world.nft("delete element inet netloom any4 { tcp . 8081 }");
        collect([]);
        equal(published().match(/^any4/gm)?.length, 1);
        equal(here.world.sh("H", "ls /run/netloom").trim(), "net2");
      });

      it("leaves a stranger's elements alone", () => {
        setUp();
        here.world.nft("add element inet netloom any4 { tcp . 9090 : 10.71.0.2 . 80 }");
        collect([]);
        match(published(), /9090/);
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

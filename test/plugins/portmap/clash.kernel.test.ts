import { deepEqual, equal, ok } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { type Mapping, portmapWorld, prevResult, tcp, udp } from "./portmap-world.ts";

describeKernel(
  "portmap and ports of others",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { call, good, refused, published, answers } = here;

    describe("a port that somebody has", () => {
      const clashes: [string, Mapping[], Mapping[]][] = [
        ["the same", [tcp(8080)], [tcp(8080)]],
        ["every address after one", [tcp(8080, 80, "127.0.0.1")], [tcp(8080)]],
        ["one address after every", [tcp(8080)], [tcp(8080, 80, "192.0.2.1")]],
        [
          "one in a range",
          Array.from({ length: 300 }, (_, at) => tcp(8000 + at, 8000 + at)),
          [tcp(8080)],
        ],
        [
          "a range around one",
          [tcp(8080, 80, "192.0.2.1")],
          Array.from({ length: 300 }, (_, at) => tcp(8000 + at, 8000 + at)),
        ],
        [
          "a range around a range",
          Array.from({ length: 256 }, (_, at) => tcp(8020 + at, 8020 + at)),
          Array.from({ length: 300 }, (_, at) => tcp(8000 + at, 8000 + at)),
        ],
      ];
      for (const [what, first, second] of clashes) {
        it(`is refused with its owner's name: ${what}`, () => {
          good("ADD", "A", first);
          refused(
            100,
            /host port [0-9-]+\/tcp.* is already published by "net\/A:eth0"/,
            "ADD",
            "B",
            second,
          );
          good("DEL", "A", []);
          good("ADD", "B", second);
        });
      }

      it("is no clash on another address, protocol or port", () => {
        good("ADD", "A", [tcp(8080, 80, "127.0.0.1"), tcp(8081)]);
        good("ADD", "B", [tcp(8080, 80, "192.0.2.1"), udp(8081), tcp(8082)]);
      });

      it("may be the same pod's own on one address and on all", () => {
        good("ADD", "A", [tcp(30500, 30500), tcp(30500, 80, "192.0.2.1")]);
        equal(answers(30500), "A 192.0.2.2");
      });

      for (const [how, die] of [
        ["its namespace is gone", () => here.world.sandbox.deletePod("dead")],
        ["its record is gone", () => here.world.sh("H", "rm -r /run/netloom")],
      ] as [string, () => unknown][]) {
        it(`is taken over when the pod is dead: ${how}`, () => {
          here.world.sandbox.pod("dead");
          const dead = { call: { containerId: "dead", netns: "/run/netns/dead" } };
          good("ADD", "A", [tcp(8080), tcp(8081)], dead);
          die();
          good("ADD", "B", [tcp(8080)]);
          equal(answers(8080), "B 192.0.2.2");
          good("DEL", "A", [tcp(8080)], dead);
          equal(answers(8080), "B 192.0.2.2", "a late DEL changes nothing");
          equal(published().match(/^any4/gm)?.length, 1);
        });
      }

      describe("of one container on two networks", () => {
        // the addresses of B stand for those of the same container's second interface
        const second = {
          call: { containerId: "A", ifName: "eth1" },
          config: {
            name: "second",
            prevResult: {
              ...prevResult("B"),
              interfaces: [{ name: "eth1", sandbox: "/run/netns/B" }],
              ips: prevResult("B").ips.map((each) => ({ ...each, interface: 0 })),
            },
          },
        };
        const both = [tcp(8080), tcp(8081, 80, "192.0.2.1")];

        it("is the last one's, and the first one's again when that leaves", () => {
          good("ADD", "A", both);
          const alone = published();
          good("ADD", "B", both, second);
          equal(answers(8080), "B 192.0.2.2");
          good("CHECK", "A", both);
          good("CHECK", "B", both, second);
          good("DEL", "B", both, second);
          equal(answers(8080), "A 192.0.2.2");
          equal(answers(8081), "A 192.0.2.2");
          equal(published(), alone);
          good("CHECK", "A", both);
          good("DEL", "A", both);
          equal(published(), "");
        });

        it("is nobody's when the first one leaves first", () => {
          good("ADD", "A", both);
          good("ADD", "B", both, second);
          good("DEL", "A", both);
          equal(answers(8080), "B 192.0.2.2");
          good("DEL", "B", both, second);
          equal(published(), "");
        });

        it("goes back to the first of three when the others leave, in whichever order", () => {
          const third = {
            ...second,
            call: { containerId: "A", ifName: "eth2" },
            config: { ...second.config, name: "third" },
          };
          third.config.prevResult = {
            ...second.config.prevResult,
            interfaces: [{ name: "eth2", sandbox: "/run/netns/B" }],
          };
          good("ADD", "A", both);
          good("ADD", "B", both, second);
          good("ADD", "B", both, third);
          good("DEL", "B", both, second);
          equal(answers(8080), "B 192.0.2.2");
          good("DEL", "B", both, third);
          equal(answers(8080), "A 192.0.2.2");
          good("DEL", "A", both);
          equal(published(), "");
        });

        it("goes back when GC removes the second", () => {
          good("ADD", "A", both);
          good("ADD", "B", both, second);
          good("GC", "B", [], {
            call: { containerId: null, ifName: null, netns: null },
            config: { name: "second", "cni.dev/valid-attachments": [] },
          });
          equal(answers(8080), "A 192.0.2.2");
        });
      });

      it("stays with a pod whose record is broken", () => {
        good("ADD", "A", [tcp(8080)]);
        here.world.sh("H", "echo '{' > /run/netloom/net/A:eth0/portmap.json");
        refused(100, /already published by "net\/A:eth0"/, "ADD", "B", [tcp(8080)]);
      });

      it("is named when it has no owner", () => {
        good("ADD", "A", [tcp(8080)]);
        here.world.nft("add element inet netloom any4 { tcp . 9090 : 10.71.0.2 . 80 }");
        refused(100, /published by somebody who left no name/, "ADD", "B", [tcp(9090)]);
      });
    });

    describe("at once", () => {
      it("twenty on a virgin host all succeed", async () => {
        const calls = Array.from({ length: 20 }, (_, at) =>
          call("ADD", "A", [tcp(8000 + at)], { call: { containerId: `c${at}` } }),
        );
        const outcomes = await here.world.sandbox.cniAtOnce(calls);
        deepEqual(
          outcomes.map(({ status, stdout }) => (status === 0 ? 0 : stdout)),
          Array(20).fill(0),
        );
        equal(published().match(/^any4/gm)?.length, 20);
        const dels = calls.map((each) => ({ ...each, command: "DEL" }));
        for (const { status } of await here.world.sandbox.cniAtOnce(dels)) equal(status, 0);
        equal(published(), "");
      });

      it("one of twenty gets the port, the others its name", async () => {
        const calls = Array.from({ length: 20 }, (_, at) =>
          call("ADD", "A", [tcp(8080, 80, at % 2 === 0 ? "192.0.2.1" : undefined)], {
            call: { containerId: `c${at}` },
          }),
        );
        const outcomes = await here.world.sandbox.cniAtOnce(calls);
        const winners = outcomes.filter(({ status }) => status === 0);
        equal(winners.length, 1);
        equal(published().match(/^(any4|port4)/gm)?.length, 1);
        for (const { json } of outcomes.filter(({ status }) => status !== 0)) equal(json.code, 100);
      });

      it("the same attachment leaves one set of elements, and DEL clears it", async () => {
        const calls = Array.from({ length: 8 }, () => call("ADD", "A", [tcp(8080), tcp(8081)]));
        await here.world.sandbox.cniAtOnce(calls);
        ok((published().match(/^any4/gm)?.length ?? 0) <= 2);
        await here.world.sandbox.cniAtOnce([
          call("DEL", "A", []),
          call("DEL", "A", []),
          call("DEL", "A", []),
        ]);
        equal(published(), "");
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

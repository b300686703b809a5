import { equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { portmapWorld, tcp } from "./portmap-world.ts";

describeKernel(
  "portmap and bad configurations",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { good, refused, published } = here;

    describe("configuration", () => {
      const bad: [string, object, number, RegExp][] = [
        [
          "host port 0",
          { runtimeConfig: { portMappings: [tcp(0)] } },
          7,
          /"runtimeConfig.portMappings\[0\].hostPort": Invalid host port number: 0/,
        ],
        [
          "host port 65536",
          { runtimeConfig: { portMappings: [tcp(65536)] } },
          7,
          /Invalid host port number: 65536/,
        ],
        [
          "container port 0",
          { runtimeConfig: { portMappings: [tcp(80, 0)] } },
          7,
          /Invalid container port number: 0/,
        ],
        [
          "a port that is text",
          { runtimeConfig: { portMappings: [{ ...tcp(80), hostPort: "80" }] } },
          6,
          /hostPort": want an integer|hostPort": want a number/,
        ],
        [
          "an unknown protocol",
          { runtimeConfig: { portMappings: [{ ...tcp(80), protocol: "icmp" }] } },
          7,
          /protocol": want "tcp", "udp" or "sctp", got "icmp"/,
        ],
        [
          "no protocol",
          { runtimeConfig: { portMappings: [{ hostPort: 80, containerPort: 80 }] } },
          7,
          /protocol" is missing/,
        ],
        [
          "a bad hostIP",
          { runtimeConfig: { portMappings: [tcp(80, 80, "192.0.2.300")] } },
          7,
          /hostIP": want an IP address, got "192.0.2.300"/,
        ],
        [
          "mappings that are no list",
          { runtimeConfig: { portMappings: {} } },
          6,
          /portMappings": want a list/,
        ],
        [
          "a port twice",
          { runtimeConfig: { portMappings: [tcp(80, 80), tcp(80, 81)] } },
          7,
          /leads host port 80 to two ports/,
        ],
        ["an unknown back end", { backend: "bpf" }, 7, /unrecognized backend "bpf"/],
        ["mark bit 32", { markMasqBit: 32 }, 7, /MasqMarkBit must be between 0 and 31/],
        [
          "two ways to mark",
          { markMasqBit: 3, externalSetMarkChain: "X" },
          7,
          /Cannot specify externalSetMarkChain and markMasqBit/,
        ],
        [
          "a chain for nftables",
          { backend: "nftables", externalSetMarkChain: "X", conditionsV4: ["-d", "192.0.2.1"] },
          7,
          /nftables backend was requested but configuration contains iptables-specific options \[externalSetMarkChain conditionsV4\]/,
        ],
        [
          "nft's words for iptables",
          { backend: "iptables", conditionsV6: ["ip6", "daddr", "fd00::1"] },
          7,
          /iptables backend was requested but configuration contains nftables-specific options \[conditionsV6\]/,
        ],
        [
          "a condition nobody can keep",
          { conditionsV4: ["!", "-d", "192.0.2.0/24"] },
          7,
          /"conditionsV4": want one destination address, as "-d 192.0.2.1", got "! -d 192.0.2.0\/24"/,
        ],
        [
          "a result without addresses",
          { prevResult: { cniVersion: "1.1.0" } },
          7,
          /"prevResult" has no address of "eth0"/,
        ],
        ["no result", { prevResult: undefined }, 7, /prevResult/],
      ];
      for (const [what, config, code, message] of bad) {
        it(`is refused with ${what}`, () => {
          refused(code, message, "ADD", "A", [tcp(8080)], { config });
        });
      }

      it("takes every address of one family, and the same port twice", () => {
        good("ADD", "A", [tcp(8080, 80, "0.0.0.0"), tcp(8080, 80, "0.0.0.0"), tcp(8081, 80, "::")]);
        match(published(), /any4 .*8080/);
        match(published(), /any6 .*8081/);
        equal(published().split("\n").length, 2);
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

import { describeKernel, usual } from "../../kernel/requirements.ts";
import { portmapWorld, tcp, udp } from "./portmap-world.ts";

describeKernel(
  "portmap CHECK",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { good, refused } = here;

    describe("CHECK", () => {
      const mappings = [tcp(8080), udp(53, 53, "192.0.2.1")];
      const damages: [string, string, RegExp][] = [
        [
          "an element",
          "nft delete element inet netloom any4 '{ tcp . 8080 }'",
          /any4 \{ tcp \. 8080 : 10\.71\.0\.2 \. 80 \}/,
        ],
        ["the tables", "nft flush ruleset", /nf_tables has no inet netloom/],
        [
          "a rule",
          "nft flush chain inet netloom ports",
          /chain "ports" of table "inet netloom" has 2 rules and jumps, want 9/,
        ],
        ["the record", "rm -r /run/netloom", /record of this attachment is missing/],
        [
          "the parameter",
          "sysctl -qw net.ipv4.conf.br0.route_localnet=0",
          /route_localnet" is not 1/,
        ],
        [
          "another owner's element instead",
          "nft delete element inet netloom any4 '{ tcp . 8080 }'; nft add element inet netloom any4 '{ tcp . 8080 : 10.71.0.3 . 80 }'",
          /any4 \{ tcp \. 8080/,
        ],
      ];
      for (const [what, command, message] of damages) {
        it(`names what is missing: ${what}`, () => {
          good("ADD", "A", mappings);
          good("CHECK", "A", mappings);
          here.world.sh("H", command);
          refused(101, message, "CHECK", "A", mappings);
        });
      }

      it("fails after DEL", () => {
        good("ADD", "A", mappings);
        good("DEL", "A", mappings);
        refused(101, /nf_tables has no inet netloom any4/, "CHECK", "A", mappings);
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

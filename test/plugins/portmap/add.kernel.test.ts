import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { addresses, portmapWorld, prevResult, tcp, udp } from "./portmap-world.ts";

describeKernel(
  "portmap ADD",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { good, refused, state, published, answers } = here;

    describe("ADD", () => {
      it("hands prevResult on as it was, in every version", () => {
        for (const version of ["1.1.0", "1.0.0", "0.4.0", "0.3.1"]) {
          const given = prevResult("A", version);
          const config = { cniVersion: version, prevResult: given };
          const { json } = good("ADD", "A", [tcp(8080)], { config });
          if (version.startsWith("1")) deepEqual(json, given);
          else
            deepEqual(
              json.ips.map((ip: { address: string }) => ip.address),
              [...addresses.A],
            );
        }
      });

      it("publishes on both addresses of the pod", () => {
        good("ADD", "A", [tcp(8080), udp(8080)]);
        equal(answers(8080), "A 192.0.2.2");
        equal(answers(8080, "2001:db8::1"), "A 2001:db8::2");
        equal(answers(8080, "192.0.2.1", "udp"), "A 192.0.2.2");
      });

      it("has nothing to do without mappings, and leaves nothing", () => {
        const before = state();
        for (const mappings of [[], undefined]) {
          deepEqual(good("ADD", "A", mappings).json, prevResult("A"));
          good("CHECK", "A", mappings);
          good("DEL", "A", mappings);
        }
        deepEqual(state(), before);
      });

      it("routes loopback on the bridge of an IPv4 pod alone, and not without snat", () => {
        const flag = (link: string) =>
          here.world.sandbox.sysctl(`net.ipv4.conf.${link}.route_localnet`);
        good("ADD", "C", [tcp(8070)], { config: { snat: false } });
        equal(flag("br1"), "0");
        good("ADD", "A", [tcp(8080)]);
        deepEqual([flag("br0"), flag("br1"), flag("uplink")], ["1", "0", "0"]);
        equal(here.world.ask([{ from: "H", dst: "127.0.0.1", port: 8080 }])[0], "A 10.71.0.1");
      });

      it("takes protocols in any case and says that iptables is not used", () => {
        const config = { backend: "iptables", markMasqBit: 5 };
        const mappings = [{ ...tcp(8080), protocol: "TCP" }];
        const { stderr } = good("ADD", "A", mappings, { config });
        match(stderr, /"backend" is "iptables"/);
        match(stderr, /"markMasqBit" is not used/);
        equal(answers(8080), "A 192.0.2.2");
      });

      it("keeps a condition that names one address of the host", () => {
        good("ADD", "A", [tcp(8080), tcp(8081, 80, "127.0.0.1")], {
          config: { conditionsV4: ["-d", "192.0.2.1"] },
        });
        match(published(), /port4 .*"192.0.2.1",8080/);
        equal(published().includes("8081"), false);
        equal(answers(8080), "A 192.0.2.2");
        equal(here.world.ask([{ from: "H", dst: "127.0.0.1", port: 8080 }])[0], "refused");
      });

      it("takes the pod's address where the result names no interface", () => {
        const config = { prevResult: { cniVersion: "1.1.0", ips: [{ address: "10.71.0.2/24" }] } };
        good("ADD", "A", [tcp(8080)], { config });
        equal(answers(8080), "A 192.0.2.2");
      });

      it("replaces what an ADD of the same container left", () => {
        good("ADD", "A", [tcp(8080), tcp(8081)]);
        good("ADD", "A", [tcp(8081), tcp(8082)]);
        good("CHECK", "A", [tcp(8081), tcp(8082)]);
        equal(published().match(/^any4/gm)?.length, 2);
        equal(answers(8080), "refused");
        good("DEL", "A", []);
        equal(published(), "");
      });

      it("leaves nothing when it fails at the end", () => {
        good("ADD", "C", [tcp(8070)]); // what pods of a bridge share is there, and stays
        good("DEL", "C", []);
        here.world.sandbox.sysctl("net.ipv4.conf.br1.route_localnet", 0);
        here.world.sh("H", "mount --bind /proc/sys /proc/sys; mount -o remount,ro,bind /proc/sys");
        try {
          refused(5, /unable to enable route_localnet/, "ADD", "C", [tcp(8070)]);
          equal(published().includes("8070"), false);
        } finally {
          here.world.sh("H", "umount /proc/sys");
        }
      });
    });

    describe("many ports", () => {
      it("publishes a thousand that change their numbers, in one transaction", () => {
        const many = Array.from({ length: 1000 }, (_, at) => tcp(20000 + at, 80));
        good("ADD", "A", many);
        equal(answers(20999), "A 192.0.2.2");
        equal(published().match(/^any4/gm)?.length, 1000);
        good("CHECK", "A", many);
        good("DEL", "A", many);
        equal(published(), "");
      });

      it("makes one interval of 256 that keep them", () => {
        const range = (length: number) =>
          Array.from({ length }, (_, at) => tcp(30400 + at, 30400 + at));
        good("ADD", "A", range(256));
        equal(published().match(/^range4/gm)?.length, 1);
        equal(published().includes("any4"), false);
        equal(answers(30500), "A 192.0.2.2");
        good("CHECK", "A", range(256));
        good("DEL", "A", []);
        good("ADD", "A", range(255));
        equal(published().match(/^any4/gm)?.length, 255);
      });

      it("sends batches that are larger than a socket's buffer", () => {
        const many = Array.from({ length: 6000 }, (_, at) => tcp(10000 + at, 80));
        good("ADD", "A", many);
        equal(answers(15999), "A 192.0.2.2");
        good("DEL", "A", []);
        equal(published(), "");
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

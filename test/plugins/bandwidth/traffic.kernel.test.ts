/**
 * How fast containers are that the built bandwidth holds back: measured over their links, in both directions and families.
 */
import { ok } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { succeed } from "../bridge/network.ts";
import { type Flow, ShapedWorld } from "./shaped-world.ts";

const rate = 24_000_000;
const limited = { ingressRate: "24Mbit", egressRate: "24Mbit" };
const seconds = 1.6;
const inside = { ipv4: "10.9.1.2", ipv6: "fd09:1::2" };
const outside = { ipv4: "10.9.1.1", ipv6: "fd09:1::1" };

function isHeldBack({ rate: found, first }: Flow, what: string): void {
  ok(Math.abs(found - rate) <= rate / 10, `${what}: ${found} bit/s`);
  ok(first <= 1.5 * rate, `${what}: ${first} bits in the first second`);
}

function isFree({ rate: found }: Flow, what: string): void {
  ok(found > 4 * rate, `${what}: ${found} bit/s`);
}

describeKernel(
  "traffic that bandwidth holds back",
  function () {
    this.timeout(120_000);

    it("is as fast as was asked, within 10 %, from the first second on", () => {
      using world = new ShapedWorld();
      world.add(limited);
      world.listen();
      for (const family of ["ipv4", "ipv6"] as const) {
        isHeldBack(world.flow(inside[family], seconds), `in by ${family}`);
        isHeldBack(world.flow(outside[family], seconds), `out by ${family}`);
      }
    });

    it("is held back in one direction alone when nothing is asked of the other, and not behind DEL", () => {
      using world = new ShapedWorld();
      world.add({ ingressRate: "24Mbit" });
      world.listen();
      isHeldBack(world.flow(inside.ipv4, seconds), "in");
      isFree(world.flow(outside.ipv4, 0.7), "out");
      succeed(world.sandbox, world.call("DEL", { ingressRate: "24Mbit" }));
      world.add({ egressRate: "24Mbit" });
      isFree(world.flow(inside.ipv4, 0.7), "in");
      isHeldBack(world.flow(outside.ipv4, seconds), "out");
      succeed(world.sandbox, world.call("DEL", {}));
      isFree(world.flow(outside.ipv4, 0.7), "out, behind DEL");
    });

    it("starts with no more than a burst when a runtime says no burst in particular", () => {
      using world = new ShapedWorld();
      const bandwidth = { ingressRate: rate, ingressBurst: 4_294_967_295 };
      world.add({ runtimeConfig: { bandwidth } });
      world.listen();
      isHeldBack(world.flow(inside.ipv4, seconds), "in");
    });

    for (const family of ["ipv4", "ipv6"] as const) {
      const [near, far, subnets] = {
        ipv4: ["10.9.1.1", "10.99.0.1", ["10.99.0.0/16"]] as const,
        ipv6: ["fd09:1::1", "fd99:0:0:8000::1", ["fd99:0:0:8000::/49"]] as const,
      }[family];
      it(`leaves unshaped subnets alone, and holds back shaped ones alone, by ${family}`, () => {
        using world = new ShapedWorld();
        const length = family === "ipv4" ? 32 : 128;
        world.sandbox.ok(`ip address add ${far}/${length} dev host1`.split(" "));
        world.listen();
        world.add({ ...limited, unshapedSubnets: subnets });
        isHeldBack(world.flow(inside[family], seconds, near), "in from elsewhere");
        isFree(world.flow(inside[family], 0.7, far), "in from the unshaped subnet");
        isHeldBack(world.flow(near, seconds), "out to elsewhere");
        // the address is the host's, so what answers is the same sink
        isFree(world.flow(far, 0.7), "out to the unshaped subnet");
        succeed(world.sandbox, world.call("DEL", {}));
        world.add({ ...limited, shapedSubnets: subnets });
        isFree(world.flow(inside[family], 0.7, near), "in from elsewhere");
        isHeldBack(world.flow(inside[family], seconds, far), "in from the shaped subnet");
        isFree(world.flow(near, 0.7), "out to elsewhere");
        isHeldBack(world.flow(far, seconds), "out to the shaped subnet");
      });
    }
  },
  [...usual, "tc", "python3"],
);

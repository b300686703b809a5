/** A lease ends with a word to its server, from the pod, whatever link the pod has: also where the host has no way to say it. */
import { deepEqual, equal } from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { describeKernel } from "../kernel/requirements.ts";
import type { Sandbox } from "../kernel/sandbox.ts";
import { dhcpCommands, gaveBack, givesBackByDel, Lan } from "./lan.ts";

/** What leads a pod to the server, beside `uplink`. */
interface Way {
  config: Record<string, unknown>;
  /** Makes it, before the pod is added. */
  prepare?(sandbox: Sandbox): void;
}

const others = { name: "lan", master: undefined };
const switched =
  "ip link add br7 type bridge && ip link set br7 up && ip link set uplink master br7";
const plugged = (ifname: string) =>
  `ip link add p-${ifname} master br7 up type veth peer name ${ifname}`;

const nameOf = ({ ifname }: { ifname: string }) => ifname;
/** Links of the pod that are its own. */
const insideOf = (kind: string) => (kind === "a tap" ? ["lo", "wire"] : ["lo"]);

const ways: Record<string, Way> = {
  macvlan: { config: {} },
  "a bridge": {
    config: { ...others, type: "bridge", bridge: "br7" },
    prepare: (sandbox) => sandbox.ok(["sh", "-c", switched]),
  },
  "a device of the host": {
    config: { ...others, type: "host-device", device: "card0" },
    prepare: (sandbox) => sandbox.ok(["sh", "-c", `${switched} && ${plugged("card0")}`]),
  },
  "a tap": {
    config: { ...others, type: "tap" },
    prepare(sandbox) {
      const netns = sandbox.pod("p1");
      const script = `${switched} && ${plugged("wire")} netns ${netns}`;
      sandbox.ok(["sh", "-c", script]);
      sandbox.ok(["ip", "link", "set", "wire", "up"], { netns });
      const program = join(root, "test/dhcp-proxy/wire.py");
      sandbox.start(["python3", program, "eth0", "wire"], { netns });
    },
  },
};

describeKernel(
  "a lease that is given back",
  function () {
    this.timeout(60_000);

    for (const [kind, { config, prepare }] of Object.entries(ways)) {
      it(`by DEL on ${kind} is so from the pod, while its link is there`, async () => {
        using lan = new Lan();
        prepare?.(lan.sandbox);
        await givesBackByDel(lan, config);
      });

      it(`by a failing ADD on ${kind} likewise`, async () => {
        using lan = new Lan();
        if (kind !== "a tap") lan.sandbox.pod("p1");
        prepare?.(lan.sandbox);
        const server = await lan.serve({ more: ["--dhcp-option=3"] }); // no router
        await lan.daemon();
        const { status, json } = lan.call("ADD", "p1", {
          config: { ...config, defaultRoute: true },
        });
        deepEqual([status, json.msg], [1, '"defaultRoute" is true, and IPAM gave no gateway']);
        const [, address = ""] = await lan.says(/lease acquired .*address=([\d.]+)/);
        await gaveBack(lan, server, address);
        deepEqual(lan.sandbox.ipJson("link show", "/run/netns/p1").map(nameOf), insideOf(kind));
      });
    }

    it("by GC on a bridge is so from the pod too", async () => {
      using lan = new Lan();
      const { config, prepare } = ways["a bridge"] as Way;
      prepare?.(lan.sandbox);
      const server = await lan.serve();
      await lan.daemon();
      const address = lan.add("p1", { config });
      const valid = { ...config, "cni.dev/valid-attachments": [] };
      equal(lan.call("GC", "p1", { config: valid }).status, 0);
      await gaveBack(lan, server, address);
    });
  },
  [...dhcpCommands, "python3"],
);

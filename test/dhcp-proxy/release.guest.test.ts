/** A lease ends with a word to its server, from the pod: on links that this machine's kernel may not have. */
import { describeKernel } from "../kernel/requirements.ts";
import { dhcpCommands, givesBackByDel, Lan } from "./lan.ts";

/** The server is in VLAN 100 behind what was its link. */
const inVlan = `link set eth0 down
link set eth0 name trunk
address flush dev trunk
link add eth0 link trunk type vlan id 100
address add 192.0.2.2/24 dev eth0
link set trunk up
link set eth0 up
`;
const filtering = `link add br7 type bridge vlan_filtering 1
link set br7 up
link set uplink master br7
`;

/** Makes what leads to the server, and tells how a pod is put on it. */
const ways: Record<string, (lan: Lan) => Record<string, unknown>> = {
  ipvlan: () => ({ type: "ipvlan" }),
  vlan(lan) {
    lan.sandbox.ok(["ip", "-batch", "-"], { netns: lan.outside, input: inVlan });
    return { type: "vlan", vlanId: 100 };
  },
  "a bridge with a VLAN"(lan) {
    lan.sandbox.ok(["ip", "-batch", "-"], { netns: lan.outside, input: inVlan });
    lan.sandbox.ok(["ip", "-batch", "-"], { input: filtering });
    lan.sandbox.ok(["bridge", "vlan", "add", "dev", "uplink", "vid", "100"]);
    return { type: "bridge", master: undefined, bridge: "br7", vlan: 100 };
  },
};

describeKernel(
  "a lease that is given back by DEL",
  () => {
    for (const [kind, prepare] of Object.entries(ways)) {
      it(`on ${kind} is so from the pod, while its link is there`, async () => {
        using lan = new Lan();
        await givesBackByDel(lan, prepare(lan));
      }).timeout(120_000);
    }
  },
  dhcpCommands,
);

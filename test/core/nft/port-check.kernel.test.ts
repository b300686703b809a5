/**
 * What a port of a bridge may send: each frame as it is, with the MAC checked, and with addresses checked too.
 */
import { deepEqual } from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../../scripts/place.ts";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { buildDriver, done } from "./driver.ts";
import { arp, frame, ip6, mac, packet6, udp4 } from "./world/frame.ts";
import { World } from "./world.ts";

const script = (name: string) => join(root, "test", "core", "nft", "world", name);
const udp6 = "0009000900080001";
const forged = "02deadbeef01";
/** Passes unchecked, with the MAC checked, with addresses checked. */
const always = [true, true, true];
const untilAddresses = [true, true, false];
const untilMac = [true, false, false];

describeKernel(
  "port checks of table bridge netloom",
  function () {
    this.timeout(60_000);
    let world: World;
    let own: string;
    let target: string;
    let linkLocal: string;

    before(async () => {
      await buildDriver();
      world = new World();
      world.bridgeNetfilter(0);
      const link = (pod: string) =>
        world.sandbox.ipJson("address show dev eth0", `/run/netns/${pod}`)[0];
      [own, target] = [mac(link("B").address), mac(link("A").address)];
      linkLocal = link("B").addr_info.find(
        ({ scope }: { scope: string }) => scope === "link",
      ).local;
    });
    after(() => world?.[Symbol.dispose]());

    const neighbourAdvertisement = (address: string) =>
      packet6("fd71::3", "fd71::2", 58, `8800000060000000${ip6(address)}`);
    const frames = (): [what: string, passes: boolean[], frame: string][] => {
      const from = (src: string, type: number, payload: string) =>
        frame(target, src, type, payload);
      const ask = (senderMac: string, senderIp: string) =>
        arp(senderMac, senderIp, target, "10.71.0.2");
      return [
        ["IPv4", always, from(own, 0x800, udp4("10.71.0.3", "10.71.0.2"))],
        ["IPv6", always, from(own, 0x86dd, packet6("fd71::3", "fd71::2", 17, udp6))],
        ["ARP", always, from(own, 0x806, ask(own, "10.71.0.3"))],
        ["ARP probe", always, from(own, 0x806, ask(own, "0.0.0.0"))],
        ["NA", always, from(own, 0x86dd, neighbourAdvertisement("fd71::3"))],
        ["DHCP discover", always, from(own, 0x800, udp4("0.0.0.0", "10.71.0.2", 68, 67))],
        [
          "DAD",
          always,
          from(own, 0x86dd, packet6("::", "fd71::2", 58, `8700000000000000${ip6("fd71::9")}`)),
        ],
        ["another MAC", untilMac, from(forged, 0x800, udp4("10.71.0.3", "10.71.0.2"))],
        ["another IPv4", untilAddresses, from(own, 0x800, udp4("10.71.0.99", "10.71.0.2"))],
        [
          "another IPv6",
          untilAddresses,
          from(own, 0x86dd, packet6("fd71::99", "fd71::2", 17, udp6)),
        ],
        ["ARP of another address", untilAddresses, from(own, 0x806, ask(own, "10.71.0.1"))],
        ["ARP of another MAC inside", untilAddresses, from(own, 0x806, ask(forged, "10.71.0.3"))],
        [
          "NA for the gateway",
          untilAddresses,
          from(own, 0x86dd, neighbourAdvertisement("fd71::1")),
        ],
        [
          "RA",
          untilAddresses,
          from(own, 0x86dd, packet6("fd71::3", "fd71::2", 58, "86000000000000000000000000000000")),
        ],
        ["0.0.0.0 that is no DHCP", untilAddresses, from(own, 0x800, udp4("0.0.0.0", "10.71.0.2"))],
        [
          "a VLAN tag around another IPv4",
          untilAddresses,
          from(own, 0x8100, `00050800${udp4("10.71.0.99", "10.71.0.2")}`),
        ],
        ["another protocol", untilAddresses, from(own, 0x88b5, "00".repeat(50))],
      ];
    };

    it("drops what the port may not send, once the port is listed", () => {
      const sent = frames();
      const arrive = (): boolean[] => {
        const order = {
          from: "/run/netns/B",
          to: "/run/netns/A",
          frames: sent.map((each) => each[2]),
        };
        return JSON.parse(
          world.sandbox.ok(["/usr/bin/python3", script("frames.py")], {
            input: JSON.stringify(order),
          }),
        );
      };
      const check = {
        network: "net",
        containerId: "B",
        port: "vB",
        mac: own.match(/../g)!.join(":"),
      };
      const unchecked = arrive();
      done(world.sandbox, { do: "add", what: check });
      const macChecked = arrive();
      const addresses = ["10.71.0.3", "fd71::3", linkLocal];
      done(world.sandbox, { do: "add", what: { ...check, addresses } });
      const addressesChecked = arrive();
      deepEqual(
        sent.map(([what], at) => [what, unchecked[at], macChecked[at], addressesChecked[at]]),
        sent.map(([what, passes]) => [what, ...passes]),
      );
    });

    it("lets the pod's own traffic pass", () => {
      world.sh("A", "ip neigh flush all"); // the forged ARP has moved A's gateway
      deepEqual(
        world.ask([
          { from: "B", dst: "10.71.0.2", port: 80 },
          { from: "B", dst: "fd71::2", port: 80 },
        ]),
        ["A 10.71.0.3", "A fd71::3"],
      );
    });

    it("translates and masquerades SCTP with a right checksum", () => {
      world.populate();
      const outside = "/run/netns/outside";
      const init = (from: string, to: string, address: string, port: string) =>
        world.sandbox.ok(["/usr/bin/python3", script("sctp.py"), from, to, address, port]).trim();
      deepEqual(
        [
          init(outside, "/run/netns/A", "192.0.2.1", "8080"),
          init("/run/netns/A", outside, "192.0.2.2", "7"),
        ],
        ["from 192.0.2.2 to port 80, checksum right", "from 192.0.2.1 to port 7, checksum right"],
      );
    });
  },
  [...usual, "/usr/bin/python3"],
);

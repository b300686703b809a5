/**
 * host-device finding its device in sysfs: a tree that lies over the machine's own, in the sandbox.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import type { CniCall, Sandbox } from "../../kernel/sandbox.ts";
import { add, addresses, type Config, link, refused, succeed } from "../bridge/network.ts";
import { atHome, config, givenBack, traces, world } from "./device-world.ts";

const bare: Config = { ...config, device: undefined };
const pci = "/sys/bus/pci/devices/0000:01:00.1";
const auxiliary = "/sys/bus/auxiliary/devices/mlx5_core.sf.4";
const onPath = "/sys/devices/pci0000:00/0000:00:1f.6";

/** The host of `world` whose sysfs has these folders, and these links with what they lead to. */
function worldWith(folders: readonly string[], links: Record<string, string> = {}): Sandbox {
  const sandbox = world();
  for (const top of ["/sys/bus", "/sys/devices"]) {
    sandbox.ok(["mount", "-t", "tmpfs", "tmpfs", top]);
  }
  for (const folder of folders) sandbox.ok(["mkdir", "-p", folder]);
  for (const [path, target] of Object.entries(links)) sandbox.ok(["ln", "-s", target, path]);
  return sandbox;
}

const drivers = "/sys/bus/pci/drivers";

describeKernel("host-device and sysfs", () => {
  const ways: [what: string, folders: string[], links: Record<string, string>, keys: Config][] = [
    [
      "pciBusID",
      [`${pci}/net/nic0`],
      { [`${pci}/driver`]: `${drivers}/e1000e` },
      { pciBusID: "0000:01:00.1" },
    ],
    [
      "pciBusID of a virtio device",
      [`${pci}/virtio3/net/nic0`],
      { [`${pci}/driver`]: `${drivers}/virtio-pci` },
      { pciBusID: "0000:01:00.1" },
    ],
    [
      "a runtime's PCI device, before pciBusID",
      [`${pci}/net/nic0`],
      { [`${pci}/driver`]: `${drivers}/mlx5_core` },
      { pciBusID: "0000:09:00.0", runtimeConfig: { deviceID: "0000:01:00.1" } },
    ],
    [
      "U-095: a runtime's auxiliary device, before pciBusID",
      [`${auxiliary}/net/nic0`],
      {},
      { pciBusID: "0000:09:00.0", runtimeConfig: { deviceID: "mlx5_core.sf.4" } },
    ],
    ["U-098: kernelpath", [`${onPath}/net/nic0`], {}, { kernelpath: onPath }],
    [
      "device before all others",
      [auxiliary],
      {},
      { device: "nic0", kernelpath: onPath, runtimeConfig: { deviceID: "mlx5_core.sf.4" } },
    ],
  ];
  for (const [what, folders, links, keys] of ways) {
    it(`finds the link by ${what}, checks it and gives it back`, () => {
      using sandbox = worldWith(folders, links);
      const netns = sandbox.pod("a");
      const own = { ...bare, ...keys };
      const prevResult = add(sandbox, own, { netns });
      deepEqual(addresses(sandbox, "eth0", netns), ["10.8.0.2/24", "fd08::2/64"]);
      const isPci = links[`${pci}/driver`] !== undefined;
      equal(prevResult.interfaces[0].pciID, isPci ? "0000:01:00.1" : undefined);
      const after = { config: { ...own, prevResult }, netns };
      succeed(sandbox, { command: "CHECK", ...after });
      succeed(sandbox, { command: "DEL", ...after });
      deepEqual(atHome(sandbox), givenBack);
      deepEqual(traces(sandbox), []);
    });
  }

  for (const driver of ["vfio-pci", "uio_pci_generic", "igb_uio"]) {
    for (const by of [
      { pciBusID: "0000:01:00.1" },
      { runtimeConfig: { deviceID: "0000:01:00.1" } },
    ]) {
      const key = Object.keys(by)[0];
      it(`U-094: moves nothing of a device with ${driver} that ${key} names, and gives addresses out`, () => {
        using sandbox = worldWith([pci], { [`${pci}/driver`]: `${drivers}/${driver}` });
        const netns = sandbox.pod("a");
        const own = { ...bare, ...by };
        const before = [sandbox.snapshot().links, sandbox.snapshot(netns)];
        const prevResult = add(sandbox, own, { netns });
        const told = { name: "eth0", pciID: "0000:01:00.1", sandbox: netns };
        deepEqual(prevResult.interfaces, [told]);
        deepEqual(
          prevResult.ips.map((ip: { address: string; interface: number }) => [
            ip.address,
            ip.interface,
          ]),
          [
            ["10.8.0.2/24", 0],
            ["fd08::2/64", 0],
          ],
        );
        deepEqual([sandbox.snapshot().links, sandbox.snapshot(netns)], before);
        const after = { config: { ...own, prevResult }, netns };
        succeed(sandbox, { command: "STATUS", config: own });
        succeed(sandbox, { command: "CHECK", ...after });
        for (let times = 0; times < 2; times++) succeed(sandbox, { command: "DEL", ...after });
        deepEqual(traces(sandbox), []);
      });
    }
  }

  it("DEL of a device that a program drives does not need sysfs", () => {
    using sandbox = worldWith([pci], { [`${pci}/driver`]: `${drivers}/vfio-pci` });
    const netns = sandbox.pod("a");
    const own = { ...bare, pciBusID: "0000:01:00.1" };
    const prevResult = add(sandbox, own, { netns });
    sandbox.ok(["rm", "-r", pci]);
    succeed(sandbox, { command: "DEL", config: { ...own, prevResult }, netns });
    deepEqual(traces(sandbox), []);
  });

  it("CHECK of such a device wants its interface in prevResult", () => {
    using sandbox = worldWith([pci], { [`${pci}/driver`]: `${drivers}/vfio-pci` });
    const netns = sandbox.pod("a");
    const own = { ...bare, pciBusID: "0000:01:00.1" };
    const prevResult = add(sandbox, own, { netns });
    prevResult.interfaces[0].sandbox = "/run/netns/b";
    const call: CniCall = { command: "CHECK", config: { ...own, prevResult }, netns };
    match(refused(sandbox, call).msg, /Sandbox in prevResult/);
  });

  const unusable: [
    what: string,
    folders: string[],
    links: Record<string, string>,
    Config,
    RegExp,
  ][] = [
    [
      "a PCI device without a driver",
      [pci],
      {},
      { pciBusID: "0000:01:00.1" },
      /^error with host device: PCI device "0000:01:00.1" has no driver$/,
    ],
    [
      "a PCI device without a link",
      [pci],
      { [`${pci}/driver`]: `${drivers}/nvme` },
      { pciBusID: "0000:01:00.1" },
      /no net directory under pci device 0000:01:00.1/,
    ],
    [
      "a folder without a link",
      [`${onPath}/net`],
      {},
      { kernelpath: onPath },
      /failed to find network device in path \/sys\/devices\/pci0000:00\/0000:00:1f.6\/net/,
    ],
    [
      "a folder that is not there",
      [],
      {},
      { kernelpath: onPath },
      /failed to read directory \/sys\/devices\/pci0000:00\/0000:00:1f.6\/net/,
    ],
  ];
  for (const [what, folders, links, keys, says] of unusable) {
    it(`names ${what}, at ADD and at STATUS`, () => {
      using sandbox = worldWith(folders, links);
      const netns = sandbox.pod("a");
      const own = { ...bare, ...keys };
      match(
        refused(sandbox, { command: "ADD", config: own, netns }).msg.replace(
          /^failed to find host device: /,
          "",
        ),
        says,
      );
      const { msg, details = "" } = refused(sandbox, { command: "STATUS", config: own });
      match(`${msg}: ${details}`, new RegExp(says.source.replace(/^\^|\$$/g, "")));
      equal(link(sandbox, "eth0", netns), undefined);
      deepEqual(traces(sandbox), []);
    });
  }
});

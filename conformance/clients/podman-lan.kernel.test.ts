/**
 * podman with a macvlan network as it writes one itself, whose addresses come from the LAN's own DHCP server.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { DhcpLan, waitFor } from "../../test/kernel/dhcp-lan.ts";
import { describeKernel, usual } from "../../test/kernel/requirements.ts";
import { Sandbox } from "../../test/kernel/sandbox.ts";
import { differences, hostState, processesLeft } from "./host-state.ts";
import { Podman } from "./podman.ts";
import { programs } from "./programs.ts";
import { page } from "./root-file-system.ts";

describeKernel(
  "podman on a LAN with a DHCP server",
  function () {
    this.timeout(120_000);
    let podman: Podman;
    let lan: DhcpLan;

    before(() => {
      const sandbox = Sandbox.create();
      podman = new Podman(sandbox, programs);
      lan = new DhcpLan(sandbox);
      const port = [
        "link add below up type veth peer name beyond",
        "link set beyond master lan0 up",
      ];
      sandbox.ok(["ip", "-batch", "-"], { input: `${port.join("\n")}\n` });
      lan.serve(undefined, "--dhcp-option=option:router,192.168.1.1");
      podman.createNetwork("lan", "--driver", "macvlan", "--opt", "parent=below");
    });
    after(async () => {
      await lan?.stopServing();
      podman?.dispose();
    });

    const address = (name: string) => podman.addresses(name).find((each) => each.includes("."))!;
    const released = () => lan.log().match(/DHCPRELEASE/g)?.length ?? 0;

    it("gives a container an address of the LAN until it is removed, whatever becomes of the daemon", async () => {
      const first = lan.daemon({ bin: programs });
      podman.web("web", "--network", "lan");
      const given = address("web");
      match(given, /^192\.168\.1\.\d+\/24$/);
      equal(
        podman.inspect("web", '{{(index .NetworkSettings.Networks "lan").IPAddress}}/24'),
        given,
      );
      const url = `http://${given.replace("/24", "")}/`;
      equal(podman.fetch(url), page);
      const [route] = podman.sandbox.ipJson("route show default", podman.netns("web"));
      equal(route.gateway, "192.168.1.1");

      await first.stop();
      equal(podman.fetch(url), page);
      const second = lan.daemon({ bin: programs });
      podman.ok("rm", "--force", "--time", "0", "web");
      waitFor("the server's lease to be given back", () => released() === 1);
      deepEqual(Object.values(lan.leases()), []);
      await second.stop();
      await processesLeft(podman.sandbox);
    });

    it("says what to start when no daemon answers, and leaves nothing", async () => {
      const state = hostState(podman.sandbox);
      const { status, stderr } = podman.runWeb("web", "--network", "lan");
      equal(status === 0, false);
      match(stderr, /\/run\/cni\/dhcp\.sock/);
      match(stderr, /cni-dhcp/);
      podman.ok("rm", "--all", "--force", "--time", "0");
      await processesLeft(podman.sandbox);
      deepEqual(differences(state, hostState(podman.sandbox)), []);
    });
  },
  [...usual, "podman", "runc", "busybox", "dnsmasq", "curl"],
);

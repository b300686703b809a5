/**
 * Debian's containerd 1.6: containers of `ctr run --cni`, and pods asked for as a kubelet does.
 */
import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { describeKernel } from "../../test/kernel/requirements.ts";
import { Sandbox } from "../../test/kernel/sandbox.ts";
import { bridgeChain } from "./chain.ts";
import { Containerd } from "./containerd.ts";
import type { PublishedPort } from "./cri.ts";
import { differences, hostState, processesLeft } from "./host-state.ts";
import { programs } from "./programs.ts";
import { page } from "./root-file-system.ts";

const ports: PublishedPort[] = [
  { protocol: "tcp", containerPort: 80, hostPort: 8088 },
  { protocol: "udp", containerPort: 5300, hostPort: 5300 },
];

for (const cniVersion of ["0.4.0", "1.0.0"]) {
  describeKernel(
    `containerd 1.6 with a chain of version ${cniVersion}`,
    function () {
      this.timeout(120_000);
      let containerd: Containerd;
      let outside: string;

      before(async () => {
        const sandbox = Sandbox.create();
        outside = sandbox.outside();
        const subnets = ["10.88.0.0/30", "fd88::/126"]; // of one address each
        const network = { name: "web", bridge: "web0", subnets, cniVersion, programs };
        containerd = new Containerd(sandbox, programs, bridgeChain(network));
        await containerd.start();
        await containerd.runContainer("used", ["sh", "-c", ":"]).ended;
        const id = await containerd.cri.runPod(pod("used", [{ ...ports[0]!, hostPort: 7 }]));
        await containerd.cri.stopPod(id);
        await containerd.cri.removePod(id);
      });
      after(() => containerd.dispose());

      const pod = (name: string, published = ports) => ({
        name,
        cgroupParent: containerd.cgroup,
        ports: published,
        dnsServers: ["192.0.2.53"],
      });
      const fetch = (url: string, netns?: string) => {
        const argv = ["curl", "-sS", "--max-time", "3", "--retry", "5", "--retry-connrefused", url];
        return containerd.sandbox.ok(argv, netns === undefined ? {} : { netns });
      };

      /** A test after which the host has to be as it was before. */
      const leavingNothing = (body: () => Promise<void>) => async (): Promise<void> => {
        const state = hostState(containerd.sandbox);
        await body();
        deepEqual(await processesLeft(containerd.sandbox), []);
        deepEqual(differences(state, hostState(containerd.sandbox)), []);
      };

      it(
        "gives a container of ctr an address, until it is killed",
        leavingNothing(async () => {
          const container = containerd.runContainer("web");
          while (!/^web .*RUNNING/m.test(containerd.ctr("task", "ls").stdout)) await sleep(50);
          equal(fetch("http://10.88.0.2/"), page);
          equal(fetch("http://[fd88::2]/"), page);
          containerd.ctr("task", "kill", "--signal", "SIGKILL", "web");
          equal((await container.ended)?.status, 137);
        }),
      );

      it(
        "removes the network of a container of ctr that has ended by itself",
        leavingNothing(async () => {
          const done = await containerd.runContainer("short", ["ip", "-4", "addr"]).ended;
          equal(done?.status, 0, done?.stderr);
          match(done?.stdout ?? "", /10\.88\.0\.2\/30/);
        }),
      );

      it(
        "publishes the ports of a pod and tells its addresses",
        leavingNothing(async () => {
          const { cri } = containerd;
          const id = await cri.runPod(pod("web"));
          deepEqual(await cri.podAddresses(id), ["10.88.0.2", "fd88::2"]);
          equal(fetch("http://192.0.2.1:8088/", outside), page);
          equal(fetch("http://[2001:db8::1]:8088/", outside), page);
          equal(fetch("http://127.0.0.1:8088/"), page);
          await cri.stopPod(id);
          await cri.stopPod(id);
          await cri.removePod(id);
        }),
      );

      it(
        "refuses a pod when there is no address left, and leaves nothing of it",
        leavingNothing(async () => {
          const { cri } = containerd;
          const id = await cri.runPod(pod("first"));
          const state = hostState(containerd.sandbox);
          await rejects(cri.runPod(pod("second", [])), /no IP addresses available/);
          deepEqual(differences(state, hostState(containerd.sandbox)), []);
          equal(fetch("http://192.0.2.1:8088/", outside), page);
          await cri.stopPod(id);
          await cri.removePod(id);
        }),
      );

      it(
        "removes the network of a pod whose namespace is gone",
        leavingNothing(async () => {
          const { cri, sandbox } = containerd;
          const id = await cri.runPod(pod("web"));
          const [netns] = sandbox.ok(["sh", "-c", "echo /run/netns/cni-*"]).split(/\s/);
          sandbox.ok(["umount", netns!]);
          sandbox.ok(["rm", netns!]);
          await cri.stopPod(id);
          await cri.removePod(id);
        }),
      );

      it(
        "removes the network of a pod that was started before containerd was killed",
        leavingNothing(async () => {
          const id = await containerd.cri.runPod(pod("web"));
          await containerd.kill();
          await containerd.start();
          equal(fetch("http://192.0.2.1:8088/", outside), page);
          await containerd.cri.stopPod(id);
          await containerd.cri.removePod(id);
        }),
      );
    },
    ["containerd", "ctr", "runc", "busybox", "curl", "nft", "ip", "tar"],
  );
}

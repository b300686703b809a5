/**
 * Static pods on a node of two address families: what kubelet and containerd promise their users, kept by the programs.
 */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { programs } from "../programs.ts";
import { answerOf, ask } from "./asking.ts";
import { network } from "./network.ts";
import { nodeAddresses } from "./node.ts";
import { addressOf, describeNode } from "./suite.ts";

const outside = { ipv4: "192.0.2.2", ipv6: "2001:db8::2" };

describeNode(
  "a static pod",
  () => ({ programs, network: network() }),
  (test) => {
    test("publishes a TCP port to the outside, whose address it sees", async (node) => {
      await node.run({ name: "web", publish: [{ hostPort: 8088, containerPort: 80 }] });
      const answer = await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 });
      equal(answer, `web ${outside.ipv4}`);
    });

    test("publishes it on the node's loopback", async (node) => {
      await node.run({ name: "web", publish: [{ hostPort: 8088, containerPort: 80 }] });
      match(await answerOf(node, { address: "127.0.0.1", port: 8088, from: "node" }), /^web /);
    });

    test("publishes a UDP port", async (node) => {
      const publish = [{ hostPort: 5353, containerPort: 53, protocol: "UDP" as const }];
      await node.run({ name: "dns", ports: [53], publish });
      const question = { address: nodeAddresses.ipv4, port: 5353 };
      equal(await answerOf(node, { ...question, protocol: "udp" }), `dns ${outside.ipv4}`);
      equal(ask(node, { ...question, protocol: "tcp" }), undefined);
    });

    test("publishes a port on the one address it asks for", async (node) => {
      const hostIP = nodeAddresses.ipv4;
      await node.run({ name: "web", publish: [{ hostPort: 8088, containerPort: 80, hostIP }] });
      match(await answerOf(node, { address: hostIP, port: 8088 }), /^web /);
      equal(ask(node, { address: "127.0.0.1", port: 8088, from: "node" }), undefined);
      equal(ask(node, { address: nodeAddresses.ipv6, port: 8088 }), undefined);
    });

    test("has an address of each family, and both answer", async (node) => {
      const pod = await node.run({ name: "both" });
      for (const family of ["ipv4", "ipv6"] as const) {
        const address = addressOf(pod, family);
        match(await answerOf(node, { address, port: 80, from: "node" }), /^both /);
      }
    });

    test("publishes a port over IPv6", async (node) => {
      await node.run({ name: "web", publish: [{ hostPort: 8088, containerPort: 80 }] });
      const answer = await answerOf(node, { address: nodeAddresses.ipv6, port: 8088 });
      equal(answer, `web ${outside.ipv6}`);
    });

    test("reaches the outside, which knows no way to pods, from the node's address", async (node) => {
      await node.run({ name: "caller" });
      const [namespace = ""] = node.host.namespaces();
      for (const address of [outside.ipv4, outside.ipv6]) {
        const ping = ["ping", "-c", "1", "-W", "10", address];
        match(node.host.inNamespace(namespace, ping), / 0% packet loss/);
      }
    });

    test("gives its containers one network", async (node) => {
      const pod = await node.run({ name: "first", others: { second: 81 } });
      const address = addressOf(pod);
      match(await answerOf(node, { address, port: 80, from: "node" }), /^first /);
      match(await answerOf(node, { address, port: 81, from: "node" }), /^second /);
      equal(node.host.namespaces().length, 1);
    });

    test("gets a port that another gave back", async (node) => {
      await node.run({ name: "one", publish: [{ hostPort: 8088, containerPort: 80 }] });
      match(await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 }), /^one /);
      node.withdraw("one");
      await node.run({ name: "two", publish: [{ hostPort: 8088, containerPort: 80 }] });
      match(await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 }), /^two /);
    });

    test("is attached anew when its pause process is killed", async (node) => {
      const publish = [{ hostPort: 8088, containerPort: 80 }];
      const before = await node.run({ name: "web", publish });
      const [lost] = node.host.namespaces();
      const [shim] = node.host.processes().filter(({ command }) => command.includes("shim"));
      node.host.kill(/^\/bin\/answer wait$/);
      const after = await node.restarted(before);
      const namespaces = node.host.namespaces();
      equal(namespaces.length, 1);
      notEqual(namespaces[0], lost);
      match(await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 }), /^web /);
      match(await answerOf(node, { address: addressOf(after), port: 80, from: "node" }), /^web /);
      // containerd 2.3.7 forgets the shim of a sandbox that died by itself
      node.host.ok(["kill", "-s", "KILL", shim!.pid]);
    });

    test("keeps its network while kubelet and containerd are restarted", async (node) => {
      const publish = [{ hostPort: 8088, containerPort: 80 }];
      const before = await node.run({ name: "web", publish });
      const namespaces = node.host.namespaces();
      await node.stopKubelet();
      await node.stopContainerd();
      match(await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 }), /^web /);
      await node.startContainerd();
      await node.startKubelet();
      const after = await node.running("web");
      deepEqual(after.status?.podIPs, before.status?.podIPs);
      deepEqual(node.host.namespaces(), namespaces);
    });

    test("is attached anew after the node has lost its power", async (node) => {
      await node.run({ name: "web", publish: [{ hostPort: 8088, containerPort: 80 }] });
      await node.run({ name: "other" });
      await node.reboot();
      const pods = [await node.running("web"), await node.running("other")];
      match(await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 }), /^web /);
      notEqual(addressOf(pods[0]!), addressOf(pods[1]!));
      equal(node.host.namespaces().length, 2);
    });
  },
);

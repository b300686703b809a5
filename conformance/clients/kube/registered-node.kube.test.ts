/**
 * A node that an API server knows: what its users see there of the programs' answers.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { join } from "node:path";
import { programs } from "../programs.ts";
import { answerOf } from "./asking.ts";
import { FaultyPrograms } from "./faulty-programs.ts";
import { network } from "./network.ts";
import { nodeAddresses } from "./node.ts";
import type { PodSettings } from "./pods.ts";
import { addressOf, describeNode } from "./suite.ts";
import { until } from "./waiting.ts";

/** More calls than there can be in a test. */
const always = 1_000_000;

let bridge: FaultyPrograms;

describeNode(
  "a registered node",
  (folder) => {
    bridge = new FaultyPrograms(join(folder, "programs"), programs, "bridge");
    return { programs: bridge.folder, network: network(), registered: true };
  },
  (test) => {
    test("is ready when every program of its network answers STATUS", async (node) => {
      const { reason } = await node.controlPlane!.untilReadyIs("True");
      equal(reason, "KubeletReady");
    });

    test("is not ready while one answers STATUS with code 50, and says why", async (node) => {
      const plane = node.controlPlane!;
      await plane.untilReadyIs("True");
      bridge.fail("STATUS", always, 50);
      const { reason, message = "" } = await plane.untilReadyIs("False");
      equal(reason, "KubeletNotReady");
      match(message, /Network plugin returns error: the test wants it/);

      await plane.createPod({ name: "waiting" });
      bridge.fail("STATUS", 0);
      await plane.untilReadyIs("True");
      await plane.running("waiting");
      await plane.deletePod("waiting");
    });

    test("starts twenty pods at once, and takes them away", async (node) => {
      const plane = node.controlPlane!;
      await plane.untilReadyIs("True");
      const wanted = Array.from({ length: 20 }, (_, index): PodSettings => {
        const publish = [{ hostPort: 9000 + index, containerPort: 80 }];
        return { name: `pod-${index}`, publish };
      });
      await Promise.all(wanted.map((settings) => plane.createPod(settings)));
      const pods = await Promise.all(wanted.map(({ name }) => plane.running(name)));
      const addresses = pods.flatMap((pod) => [addressOf(pod), addressOf(pod, "ipv6")]);
      equal(new Set(addresses.filter(Boolean)).size, 40);
      for (const [index, { name }] of wanted.entries()) {
        const published = { address: nodeAddresses.ipv4, port: 9000 + index };
        equal(await answerOf(node, published), `${name} 192.0.2.2`);
        const own = { address: addressOf(pods[index]!, "ipv6"), port: 80, from: "node" as const };
        match(await answerOf(node, own), new RegExp(`^${name} `));
      }
      await Promise.all(wanted.map(({ name }) => plane.deletePod(name)));
      await until("API server without pods", async () => (await plane.pods()).length === 0);
      deepEqual(node.host.namespaces(), []);
    });
  },
);

/**
 * Programs that fail now and then: what kubelet and containerd make of it, and what is left afterwards.
 */
import { equal, match } from "node:assert/strict";
import { join } from "node:path";
import { programs } from "../programs.ts";
import { answerOf } from "./asking.ts";
import { FaultyPrograms } from "./faulty-programs.ts";
import { network } from "./network.ts";
import { nodeAddresses } from "./node.ts";
import { describeNode } from "./suite.ts";
import { until } from "./waiting.ts";

let portmap: FaultyPrograms;

describeNode(
  "a node whose last program fails at times",
  (folder) => {
    portmap = new FaultyPrograms(join(folder, "programs"), programs, "portmap");
    return { programs: portmap.folder, network: network() };
  },
  (test) => {
    test("runs a pod whose ADD failed with code 11 at first", async (node) => {
      portmap.fail("ADD", 2);
      await node.run({ name: "web", publish: [{ hostPort: 8088, containerPort: 80 }] });
      equal(portmap.left("ADD"), 0);
      equal(node.host.namespaces().length, 1);
      match(await answerOf(node, { address: nodeAddresses.ipv4, port: 8088 }), /^web /);
      node.withdraw("web");
    });

    test("gets rid of a pod that goes while its ADD keeps failing", async (node) => {
      portmap.fail("ADD", 1000);
      node.place({ name: "web", publish: [{ hostPort: 8088, containerPort: 80 }] });
      await until("second failure", () => portmap.left("ADD") <= 998);
      node.withdraw("web");
      await until("node without pods", () => node.pods().length === 0);
      portmap.fail("ADD", 0);
    });

    test("gets rid of a pod whose DEL fails at first", async (node) => {
      await node.run({ name: "web", publish: [{ hostPort: 8088, containerPort: 80 }] });
      portmap.fail("DEL", 3);
      node.withdraw("web");
      await until("last failure", () => portmap.left("DEL") === 0);
    });
  },
);

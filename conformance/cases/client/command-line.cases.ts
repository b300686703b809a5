/**
 * The command line of `cnitool` (checklist 3.3), and lists of real programs (6.20).
 * @module
 */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import type { Reply } from "../../runner/trial.ts";
import { type Client, clientCase, containerIdOf } from "./client.ts";

const program = (client: Client) => join(client.trial.build.folder, client.trial.program);

const badPairs = ["A", "A=", "=1", "A=1;", ";A=1", "A=1;B", "A=1=2"];

/** Addresses of a pod that begin with that. */
function addressesIn({ trial }: Client, netns: string, prefix: string): string[] {
  const links = trial.host.ipJson("-4 address show dev eth0", netns);
  return links
    .flatMap(({ addr_info }) => addr_info.map(({ local }: Reply) => local))
    .filter((local) => local.startsWith(prefix));
}

/** `ptp` with 10.1.2.0/24, as a configuration of its own. */
const basicPtp = {
  cniVersion: "0.3.0",
  name: "basic",
  type: "ptp",
  ipMasq: true,
  mtu: 512,
  ipam: { type: "host-local", subnet: "10.1.2.0/24" },
};

const chained = {
  cniVersion: "0.3.1",
  name: "chained",
  plugins: [
    { ...basicPtp, ipam: { type: "host-local", subnet: "10.9.2.0/24" } },
    {
      type: "bandwidth",
      runtimeConfig: { bandWidth: { ingressRate: 8_000_000, ingressBurst: 80_000 } },
    },
  ],
};

/** ADD and DEL of one network of real programs. */
function attaches(client: Client, net: string, prefix: string): void {
  const netns = client.trial.pod();
  const options = { net, netns, env: { CNI_PATH: client.trial.build.folder } };
  client.ok("add", options);
  equal(addressesIn(client, netns, prefix).length, 1);
  client.ok("del", options);
  deepEqual(
    client.trial.host.ipJson("link", netns).map(({ ifname }) => ifname),
    ["lo"],
  );
}

export const cases: readonly Case[] = [
  clientCase(["CLIENT-067"], "says how it is used when arguments are missing", (client) => {
    client.list(["a"]);
    for (const rest of [[], ["add"], ["add", "net1"]]) {
      client.fails("add", /add .*<net> <netns>/, { argv: [program(client), ...rest] });
    }
    deepEqual(client.log(), []);
  }),
  clientCase(["CLIENT-067"], "fails for a verb that it does not know", (client) => {
    client.list(["a"]);
    client.fails("nope");
  }),
  clientCase(["CLIENT-068"], "calls the interface eth0, or as CNI_IFNAME says", (client) => {
    client.list(["a"]);
    client.ok("add");
    client.ok("add", { env: { CNI_IFNAME: "net7" } });
    deepEqual(
      client.calls().map(({ env }) => env["CNI_IFNAME"]),
      ["eth0", "net7"],
    );
  }),
  ...badPairs.map((CNI_ARGS) =>
    clientCase(["CLIENT-069"], `refuses the arguments ${CNI_ARGS}`, (client) => {
      client.list(["a"]);
      client.fails("add", /invalid CNI_ARGS pair "/, { env: { CNI_ARGS } });
      deepEqual(client.log(), []);
    }),
  ),
  clientCase(["CLIENT-070"], "refuses CAP_ARGS that are no object", (client) => {
    client.list(["a"]);
    for (const CAP_ARGS of ["{", "[]", "5", '"x"']) client.fails("add", /./, { env: { CAP_ARGS } });
    deepEqual(client.log(), []);
  }),
  clientCase(
    ["CLIENT-071", "CLIENT-072"],
    "names a container by the path of its namespace",
    (client) => {
      client.list(["a"]);
      client.ok("add", { netns: "/run/netns/a" });
      client.ok("add", { netns: "./x", before: "cd /run" });
      deepEqual(
        client.calls().map(({ env }) => env["CNI_CONTAINERID"]),
        [containerIdOf("/run/netns/a"), containerIdOf("/run/x")],
      );
    },
  ),
  clientCase(["CLIENT-073"], "prints nothing but the result of ADD", (client) => {
    client.list(["a"]);
    for (const verb of ["add", "check", "status", "del", "gc"]) {
      const { status, stdout } = client.run(verb);
      equal(status, 0);
      equal(stdout !== "", verb === "add");
    }
    const { status, stdout, stderr } = client.run("add", { net: "other" });
    notEqual(status, 0);
    equal(stdout, "");
    match(stderr, /other/);
  }),
  clientCase(
    ["U-240"],
    "attaches with a single configuration of ptp",
    (client) => {
      client.file("10-basic.json", basicPtp);
      attaches(client, "basic", "10.1.2.");
    },
    { beside: ["ptp", "host-local"] },
  ),
  clientCase(
    ["U-241"],
    "attaches with a list whose runtimeConfig stands in the file",
    (client) => {
      client.file("10-chained.conflist", chained);
      attaches(client, "chained", "10.9.2.");
    },
    { beside: ["ptp", "bandwidth", "host-local"], needs: ["tbf"] },
  ),
];

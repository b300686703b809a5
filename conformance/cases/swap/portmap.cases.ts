/**
 * portmap exchanged on a live host: published ports stay open, and the other closes them.
 * @module
 */
import { deepEqual, match } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { PodNetwork, tcp, udp } from "../../runner/pod-network.ts";
import type { Trial } from "../../runner/trial.ts";
import { commonVersion } from "./ipam.cases.ts";

const mappings = [tcp(8080), udp(8080)];

/** A call of portmap in a world that the one directory's bridge has made. */
interface Turn {
  cniVersion: string;
  backend: { config: { backend: string } };
  other: { config: object; bin: string };
}

function swap(
  lines: Case["lines"],
  fact: string,
  run: (net: PodNetwork, turn: Turn) => Promise<void>,
): Case[] {
  return ["iptables", "nftables"].map((backend) => ({
    lines,
    program: "portmap",
    beside: ["bridge", "host-local"],
    swap: true,
    needs: ["python3", "iptables-nft", "nftables"],
    fact: `${fact} (${backend})`,
    run: (trial) => run(new PodNetwork(trial), turnOf(trial, backend)),
  }));
}

function turnOf(trial: Trial, backend: string): Turn {
  const config = { backend, cniVersion: commonVersion(trial) };
  return {
    cniVersion: config.cniVersion,
    backend: { config },
    other: { config, bin: trial.other.folder },
  };
}

export const cases: readonly Case[] = [
  ...swap(["SPEC-050"], "the other's DEL closes the ports", async (net, turn) => {
    await net.attach("A", { config: { cniVersion: turn.cniVersion } });
    net.trial.leavesNothing(() => {
      net.trial.ok(net.portmap("ADD", "A", mappings, turn.backend));
      net.trial.ok(net.portmap("DEL", "A", mappings, turn.other));
    });
    net.answers(8080, "refused");
  }),
  ...swap(["SPEC-061"], "the other's CHECK sees that the ports are open", async (net, turn) => {
    await net.attach("A", { config: { cniVersion: turn.cniVersion } });
    net.trial.ok(net.portmap("ADD", "A", mappings, turn.backend));
    net.trial.ok(net.portmap("CHECK", "A", mappings, turn.other));
  }),
  ...swap(["U-206"], "a port closed by the one is opened by the other", async (net, turn) => {
    for (const name of ["A", "B"]) {
      await net.attach(name, { config: { cniVersion: turn.cniVersion } });
    }
    net.trial.ok(net.portmap("ADD", "A", mappings, turn.backend));
    net.answers(8080, "A");
    net.trial.ok(net.portmap("DEL", "A", mappings, turn.backend));
    net.trial.ok(net.portmap("ADD", "B", mappings, turn.other));
    net.answers(8080, "B");
    net.answers(8080, "B", "udp");
    const asked = net.ask("host", [{ to: "127.0.0.1", port: 8080 }]);
    deepEqual(asked, ["B"], "on localhost");
  }),
  ...swap(["U-206"], "ports of both are open side by side", async (net, turn) => {
    for (const name of ["A", "B"]) {
      await net.attach(name, { config: { cniVersion: turn.cniVersion } });
    }
    net.trial.ok(net.portmap("ADD", "A", [tcp(8080)], turn.backend));
    net.trial.ok(net.portmap("ADD", "B", [tcp(8081)], turn.other));
    net.answers(8080, "A");
    net.answers(8081, "B");
    net.trial.ok(net.portmap("DEL", "B", [tcp(8081)], turn.other));
    net.answers(8080, "A");
    net.answers(8081, "refused");
  }),
  ...swap(
    ["U-206"],
    "a port that a container of the one has is refused by the other, by name",
    async (net, turn) => {
      for (const name of ["A", "B"]) {
        await net.attach(name, { config: { cniVersion: turn.cniVersion } });
      }
      net.trial.ok(net.portmap("ADD", "A", [tcp(8080)], turn.backend));
      const { msg } = net.trial.fails(net.portmap("ADD", "B", [tcp(8080)], turn.other));
      match(msg, /8080.*A/);
      net.answers(8080, "A");
    },
  ),
  ...swap(
    ["SPEC-054"],
    "the other's DEL closes the ports without namespace and prevResult",
    async (net, turn) => {
      await net.attach("A", { config: { cniVersion: turn.cniVersion } });
      net.trial.ok(net.portmap("ADD", "A", mappings, turn.backend));
      net.trial.host.deletePod("A");
      const config = { ...turn.other.config, prevResult: undefined };
      net.trial.ok(net.portmap("DEL", "A", mappings, { ...turn.other, config, netns: null }));
      net.answers(8080, "refused");
    },
  ),
];

/**
 * firewall exchanged on a live host: what the one lets through, the other checks and takes back.
 * @module
 */
import type { Case } from "../../runner/case.ts";
import type { Trial } from "../../runner/trial.ts";
import { resultOf } from "../../runner/vehicles.ts";
import { commonVersion } from "./ipam.cases.ts";

/** Calls of firewall about one container, of which nothing but the result is there. */
class Allowed {
  readonly trial: Trial;
  readonly netns: string;
  readonly second: { bin: string };

  constructor(trial: Trial) {
    this.trial = trial;
    this.netns = trial.pod();
    this.second = { bin: trial.other.folder };
  }

  call(command: string, more: object = {}, address = "10.1.2.2/24") {
    const cniVersion = commonVersion(this.trial);
    const prevResult = resultOf(cniVersion, this.netns, address);
    const own = { backend: "iptables", ingressPolicy: "same-bridge" };
    const config = { cniVersion, name: "net1", type: "firewall", prevResult, ...own };
    return { command, config, netns: this.netns, ...more };
  }
}

function swap(lines: Case["lines"], fact: string, run: (allowed: Allowed) => void): Case {
  return {
    lines,
    program: "firewall",
    swap: true,
    needs: ["iptables-nft", "nftables"],
    fact,
    run: (trial) => run(new Allowed(trial)),
  };
}

export const cases: readonly Case[] = [
  swap(["SPEC-050"], "the other's DEL takes back what an address was let", (allowed) => {
    const { trial } = allowed;
    const other = { containerId: "c2" };
    trial.ok(allowed.call("ADD", other, "10.1.2.3/24"));
    trial.leavesNothing(() => {
      trial.ok(allowed.call("ADD"));
      trial.ok(allowed.call("DEL", allowed.second));
      trial.ok(allowed.call("DEL", allowed.second));
    });
    trial.ok(allowed.call("CHECK", other, "10.1.2.3/24"));
  }),
  swap(
    ["SPEC-061", "SPEC-063"],
    "the other's CHECK sees what is let through, and what is not",
    (allowed) => {
      const { trial } = allowed;
      trial.ok(allowed.call("ADD"));
      trial.ok(allowed.call("CHECK", allowed.second));
      trial.ok(allowed.call("DEL"));
      trial.fails(allowed.call("CHECK", allowed.second));
    },
  ),
];

/**
 * Calls of the built firewall in a world of pods, and what they leave.
 * @module
 */
import { equal, match } from "node:assert/strict";
import { World } from "../../core/nft/world.ts";
import type { CniCall } from "../../kernel/sandbox.ts";
import { callsOf } from "../portmap/calls-of.ts";
import { type Pod, prevResult } from "../portmap/portmap-world.ts";

/** What goes over the configuration, and over the call. */
export interface More {
  config?: object;
  call?: Partial<CniCall>;
}

/** Makes a world before a suite's tests, empties it after each, and takes it away after all. Pods have no masquerade. */
export function firewallWorld() {
  let world: World;
  before(() => {
    world = new World();
    world.sh(
      "O",
      `ip route add 10.71.0.0/24 via 192.0.2.1; ip route add 10.72.0.0/24 via 192.0.2.1
       ip -6 route add fd71::/64 via 2001:db8::1; ip -6 route add fd72::/64 via 2001:db8::1`,
    );
  });
  afterEach(() => {
    world.sandbox.ok(["sh", "-c", "nft flush ruleset; rm -rf /run/netloom"]);
    world.bridgeNetfilter(0);
  });
  after(() => world?.[Symbol.dispose]());

  const call = (command: string, pod: Pod, more: More = {}): CniCall => ({
    command,
    containerId: pod,
    netns: `/run/netns/${pod}`,
    config: {
      cniVersion: "1.1.0",
      name: "net",
      type: "firewall",
      prevResult: resultOf(pod),
      ...more.config,
    },
    ...more.call,
  });
  const { run, good, state, refusal } = callsOf(() => world.sandbox, call);
  /** Runs a call that has to fail with this code and message, and to change nothing. @returns msg and details */
  const refused = (code: number, message: RegExp, ...parts: Parameters<typeof call>): string => {
    const { msg, details = "" } = refusal(code, ...parts);
    const text = `${msg}; ${details}`;
    match(text, message);
    return text;
  };
  /** Elements of a set, one each, as nft's JSON. */
  const elements = (set: string): string[] =>
    (
      world.sandbox
        .nftJson()
        .map((object) => object.set)
        .find((found) => found?.name === set)?.elem ?? []
    ).map((each: unknown) => JSON.stringify(each));
  const v6 = {
    "192.0.2.2": "2001:db8::2",
    "10.71.0.2": "fd71::2",
    "10.72.0.2": "fd72::2",
  } as const;
  /** What both families' servers answer at that place, without the client's address. */
  const asks = (from: "O" | "A" | "B" | "C", dst: keyof typeof v6, timeout = 2): string[] => {
    const both = [dst, v6[dst]].map((each) => ({ from, dst: each, port: 80 }));
    return world.ask(both, timeout).map((answer) => answer.replace(/ .*/, ""));
  };
  const reaches = (...parts: Parameters<typeof asks>): void =>
    equal([...new Set(asks(...parts))].join().length, 1, `${parts[0]} reaches ${parts[1]}`);
  /** Nobody answers, be it that packets are dropped or refused on their way. */
  const cut = (from: "O" | "A" | "B" | "C", dst: keyof typeof v6): void => {
    const answers = asks(from, dst, 0.6);
    equal(answers.filter((each) => each.length === 1).join(), "", `${from} reaches ${dst}`);
  };

  return {
    get world(): World {
      return world;
    },
    call,
    run,
    good,
    refused,
    state,
    elements,
    reaches,
    cut,
  };
}

const bridges = { A: "br0", B: "br0", C: "br1" } as const;

/** The result of the plugin before, whose first interface is the bridge. */
export function resultOf(pod: Pod, cniVersion = "1.1.0") {
  const result = prevResult(pod, cniVersion);
  result.interfaces[0]!.name = bridges[pod];
  return result;
}

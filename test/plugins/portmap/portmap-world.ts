/**
 * Calls of the built portmap in a world of pods, and what they leave.
 * @module
 */
import { match } from "node:assert/strict";
import { World } from "../../core/nft/world.ts";
import type { CniCall } from "../../kernel/sandbox.ts";
import { callsOf } from "./calls-of.ts";

/** One entry of `portMappings`. */
export interface Mapping {
  hostPort: number;
  containerPort: number;
  protocol: string;
  hostIP?: string;
}

/** A mapping of TCP. */
export const tcp = (hostPort: number, containerPort = 80, hostIP?: string): Mapping => ({
  hostPort,
  containerPort,
  protocol: "tcp",
  ...(hostIP !== undefined && { hostIP }),
});

/** A mapping of UDP. */
export const udp = (hostPort: number, containerPort = 80, hostIP?: string): Mapping => ({
  ...tcp(hostPort, containerPort, hostIP),
  protocol: "udp",
});

/** What the pods of the world have. */
export const addresses = {
  A: ["10.71.0.2/24", "fd71::2/64"],
  B: ["10.71.0.3/24", "fd71::3/64"],
  C: ["10.72.0.2/24", "fd72::2/64"],
} as const;
/** A pod of the world. */
export type Pod = keyof typeof addresses;

/** The result of the plugin before. */
export function prevResult(pod: Pod, cniVersion = "1.1.0") {
  return {
    cniVersion,
    interfaces: [
      { name: "br0", mac: "02:00:00:00:00:01" },
      { name: `v${pod}`, mac: "02:00:00:00:00:02" },
      { name: "eth0", mac: "02:00:00:00:00:03", sandbox: `/run/netns/${pod}` },
    ],
    ips: addresses[pod].map((address) => ({ address, interface: 2 })),
    routes: [{ dst: "0.0.0.0/0", priority: 4294967295 }],
    dns: { nameservers: ["192.0.2.53"], search: ["a<b>&c"] },
  };
}

/** Makes a world before a suite's tests, empties it after each, and takes it away after all. */
export function portmapWorld() {
  let world: World;
  before(() => {
    world = new World();
  });
  afterEach(() => {
    const clean = "nft flush ruleset; rm -rf /run/netloom; conntrack -F 2>/dev/null; true";
    world.sandbox.ok(["sh", "-c", clean]);
  });
  after(() => world?.[Symbol.dispose]());

  /** A call as a runtime makes it; `more` goes over the configuration and the call. */
  const call = (
    command: string,
    pod: Pod,
    portMappings: unknown,
    more: { config?: object; call?: Partial<CniCall> } = {},
  ): CniCall => ({
    command,
    containerId: pod,
    netns: `/run/netns/${pod}`,
    config: {
      cniVersion: "1.1.0",
      name: "net",
      type: "portmap",
      runtimeConfig: { portMappings },
      prevResult: prevResult(pod),
      ...more.config,
    },
    ...more.call,
  });
  type CallParts = Parameters<typeof call>;

  const { run, good, state, refusal } = callsOf(() => world.sandbox, call);
  /** Runs a call that has to fail with this code and message, and to change nothing. */
  const refused = (code: number, message: RegExp, ...parts: CallParts): void =>
    match(refusal(code, ...parts).msg, message);
  /** Elements of maps, one a line, as nft has them: `any4 {…}`. */
  const published = (): string =>
    world.sandbox
      .nftJson()
      .map((object) => object.map)
      .filter(Boolean)
      .flatMap((map) =>
        (map.elem ?? []).map((each: unknown) => `${map.name} ${JSON.stringify(each)}`),
      )
      .join("\n");
  /** What a port answers to the outside. */
  const answers = (port: number, dst = "192.0.2.1", proto: "tcp" | "udp" = "tcp"): string =>
    world.ask([{ from: "O", dst, port, proto }])[0]!;

  return {
    get world(): World {
      return world;
    },
    call,
    run,
    good,
    refused,
    state,
    published,
    answers,
  };
}

/**
 * Containers on a network as people run them: bridge with host-local, portmap and firewall behind it, a server in each
 * container, and a client outside.
 * @module
 */
import { equal } from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import type { CniCall } from "../../test/kernel/sandbox.ts";
import type { Reply, Trial } from "./trial.ts";

/** What a port answers a client that gets no answer. */
export type NoAnswer = "refused" | "hang" | "no-route" | "unreach";

/** One entry of `portMappings`. */
export interface PortMapping {
  hostPort: number;
  containerPort: number;
  protocol: string;
  hostIP?: string;
}

/** A question of a client. */
export interface Question {
  /** Name of the container; the host or the outside when left out. */
  from?: string;
  /** Default 192.0.2.1, the host's address outside. */
  to?: string;
  port: number;
  protocol?: "tcp" | "udp";
}

/** What differs from the network's usual call. */
export interface PodCall {
  config?: object;
  bin?: string;
  netns?: string | null;
}

const tools = join(root, "test", "core", "nft", "world");

/** A network with an outside, in the host of a trial. */
export class PodNetwork {
  readonly trial: Trial;
  readonly #bridge: object;
  readonly #results = new Map<string, Reply>();

  /** @param bridge - goes over the usual configuration of bridge */
  constructor(trial: Trial, bridge: object = {}) {
    this.trial = trial;
    this.#bridge = bridge;
    trial.host.outside();
    for (const each of ["all", "default"]) {
      trial.host.sysctl(`net.ipv6.conf.${each}.accept_dad`, 0);
    }
  }

  /** Where the container is. */
  netns(name: string): string {
    return `/run/netns/${name}`;
  }

  /** bridge, on `br-test` with 10.1.2.0/24 and fd01:2::/64. The result of ADD is given to DEL and CHECK. */
  bridge(command: string, name: string, { config, bin, netns }: PodCall = {}): CniCall {
    const ranges = ["10.1.2.0/24", "fd01:2::/64"].map((subnet) => [{ subnet }]);
    const ipam = { type: "host-local", ranges };
    const own = { type: "bridge", bridge: "br-test", isDefaultGateway: true, ipam };
    return this.#call(command, name, { ...own, ...this.#bridge, ...config }, bin, netns);
  }

  /** portmap behind it. */
  portmap(
    command: string,
    name: string,
    portMappings: readonly PortMapping[] | undefined,
    { config, bin, netns }: PodCall = {},
  ): CniCall {
    const runtimeConfig = portMappings && { portMappings };
    const own = { type: "portmap", capabilities: { portMappings: true }, runtimeConfig };
    return this.#call(command, name, { ...own, ...config }, bin, netns);
  }

  /** firewall behind it. */
  firewall(command: string, name: string, config: object = {}): CniCall {
    const own = { type: "firewall", backend: "iptables", prevResult: this.#results.get(name) };
    return this.#call(command, name, { ...own, ...config });
  }

  #call(command: string, name: string, config: object, bin?: string, netns?: string | null) {
    const prevResult = command === "ADD" && !("runtimeConfig" in config) ? undefined : name;
    const common = { cniVersion: this.trial.newest, name: "net1" };
    return {
      command,
      type: (config as { type: string }).type,
      containerId: name,
      netns: netns === undefined ? this.netns(name) : netns,
      config: {
        ...common,
        ...(prevResult && { prevResult: this.#results.get(prevResult) }),
        ...config,
      },
      ...(bin !== undefined && { bin }),
    } satisfies CniCall;
  }

  /** ADD of bridge for a new container, in which a server answers on ports 80 and 8080 of TCP and UDP. @returns the result */
  async attach(name: string, call: PodCall = {}): Promise<Reply> {
    const netns = this.trial.host.pod(name);
    this.trial.run("ip link set lo up", { netns });
    const result = this.trial.ok(this.bridge("ADD", name, call));
    this.#results.set(name, result);
    await this.serve(name);
    return result;
  }

  /** Addresses of the container's result without prefix length, IPv4 first. */
  addresses(name: string): string[] {
    const result = this.#results.get(name);
    return result.ips.map(({ address }: { address: string }) => address.replace(/\/.*/, ""));
  }

  /** Starts a server there, and waits until it answers. */
  async serve(name: string, netns = this.netns(name)): Promise<void> {
    const argv = ["/usr/bin/python3", join(tools, "serve.py"), name, "80", "8080"];
    const server = this.trial.host.start(argv, { netns });
    const until = Date.now() + 10_000;
    while (!server.output().includes("ready")) {
      if (Date.now() > until) throw new Error(`the server of ${name} does not start`);
      await new Promise((go) => setTimeout(go, 5));
    }
  }

  /** Asks all at once from one place. @returns what each answered, without the client's address: `A`, or {@link NoAnswer} */
  ask(where: "outside" | "host" | (string & {}), questions: readonly Question[]): string[] {
    return this.askWho(where, questions).map((answer) => answer.replace(/ .*/, ""));
  }

  /** The same with the client's address as the server saw it: `A 192.0.2.2`. */
  askWho(where: string, questions: readonly Question[]): string[] {
    const usual = { dst: "192.0.2.1", proto: "tcp", timeout: 1.5 };
    const input = JSON.stringify(
      questions.map(({ to = usual.dst, port, protocol = "tcp" }) => {
        return { ...usual, dst: to, port, proto: protocol };
      }),
    );
    const place = where === "host" ? {} : { netns: this.netns(where) };
    return JSON.parse(
      this.trial.host.ok(["/usr/bin/python3", join(tools, "dial.py")], { input, ...place }),
    );
  }

  /** A port of the host answers that to the outside, both families unless `hostIP` says one. */
  answers(port: number, wanted: string, protocol: "tcp" | "udp" = "tcp"): void {
    const to = ["192.0.2.1", "2001:db8::1"];
    const got = this.ask(
      "outside",
      to.map((each) => ({ to: each, port, protocol })),
    );
    equal(got.join(" "), `${wanted} ${wanted}`, `${protocol} port ${port} from outside`);
  }
}

/** A mapping of TCP to port 80. */
export const tcp = (hostPort: number, hostIP?: string, containerPort = 80): PortMapping => ({
  hostPort,
  containerPort,
  protocol: "tcp",
  ...(hostIP !== undefined && { hostIP }),
});

/** A mapping of UDP to port 80. */
export const udp = (hostPort: number, hostIP?: string, containerPort = 80): PortMapping => ({
  ...tcp(hostPort, hostIP, containerPort),
  protocol: "udp",
});

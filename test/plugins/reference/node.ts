/**
 * A node whose containers the reference's programs have attached: bridge or ptp with host-local, portmap and firewall behind it, a
 * server in each container, an outside.
 * @module
 */
import { equal } from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { peers, root } from "../../../scripts/place.ts";
import { builtPrograms, type CniCall, type CniOutcome, Sandbox } from "../../kernel/sandbox.ts";

const tools = join(root, "test", "core", "nft", "world");
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Folders of programs that may have been there before ours. */
export const predecessors = {
  "reference 1.9.1": { bin: peers, version: "1.0.0", backends: ["iptables", "nftables"] },
  "Debian 1.1.1": { bin: "/usr/lib/cni", version: "1.0.0", backends: ["iptables"] },
} as const;
/** One of them. */
export type Predecessor = (typeof predecessors)[keyof typeof predecessors];

/** Those that are installed, with each of their back ends. */
export function installed(): [title: string, who: Predecessor, backend: string][] {
  return Object.entries(predecessors)
    .filter(([, { bin }]) => existsSync(join(bin, "portmap")))
    .flatMap(([name, who]) =>
      who.backends.map(
        (backend) => [`${name}, ${backend}`, who, backend] as [string, Predecessor, string],
      ),
    );
}

/** One attachment of a container. */
export interface Pod {
  id: string;
  /** Default `eth0`. */
  ifName?: string;
  /** Host ports of TCP that lead to its port 80. */
  ports?: number[];
  /** Over the network's usual configuration of the first plugin. */
  keys?: object;
  /** Default `net`. */
  network?: string;
}

const both = [[{ subnet: "10.9.2.0/24" }], [{ subnet: "fd09::/64" }]];

const bridge = {
  type: "bridge",
  bridge: "br9",
  isGateway: true,
  hairpinMode: true,
  macspoofchk: true,
};

/** The node. Dispose it. */
export class Node implements Disposable {
  readonly sandbox = Sandbox.create();
  readonly who: Predecessor;
  readonly backend: string;
  /** Environment of programs: a test may put another iptables first. */
  path = PATH;
  readonly #results = new Map<string, object>();
  readonly #first: { type: string };

  /** @param first configuration of the plugin that makes the link */
  constructor(who: Predecessor, backend: string, first = bridge as { type: string }) {
    this.who = who;
    this.backend = backend;
    this.#first = first;
    this.sandbox.outside();
    for (const each of ["all", "default"]) {
      this.sandbox.sysctl(`net.ipv6.conf.${each}.accept_dad`, 0);
    }
  }

  /** Folder of our programs. */
  readonly ours = builtPrograms;

  #configs({ ports, keys, network = "net" }: Pod): object[] {
    const common = { cniVersion: this.who.version, name: network };
    const backend = { backend: this.backend };
    const routes = [{ dst: "0.0.0.0/0" }, { dst: "::/0" }];
    const first = {
      ...this.#first,
      ipMasq: true,
      ipMasqBackend: this.backend,
      ipam: { type: "host-local", ranges: both, routes },
      ...keys,
    };
    const portMappings = ports?.map((hostPort) => ({
      hostPort,
      containerPort: 80,
      protocol: "tcp",
    }));
    return [
      { ...common, ...first },
      {
        ...common,
        type: "portmap",
        ...backend,
        runtimeConfig: { portMappings: portMappings ?? [] },
      },
      { ...common, type: "firewall", backend: "iptables", ingressPolicy: "same-bridge" },
    ].filter(({ type }) => type !== "firewall" || (first.type === "bridge" && network === "net"));
  }

  /** Calls of the plugins of a chain, in order. */
  calls(
    command: string,
    bin: string,
    pod: Pod,
    more: Partial<CniCall> = {},
    tells = true,
  ): CniCall[] {
    const { id, ifName = "eth0" } = pod;
    const prevResult = tells ? this.#results.get(`${id} ${ifName}`) : undefined;
    const netns = `/run/netns/${id}`;
    return this.#configs(pod).map((config) => ({
      command,
      bin,
      containerId: id,
      ifName,
      netns,
      env: { PATH: this.path },
      config: { ...config, ...(prevResult && command !== "ADD" && { prevResult }) },
      ...more,
    }));
  }

  /** ADD of a chain, with a server in the container. @returns what the calls said on stderr */
  async attach(bin: string, pod: Pod): Promise<string> {
    const { id, ifName = "eth0" } = pod;
    const isNew = !existsSync(this.sandbox.path(`/run/netns/${id}`));
    if (isNew) this.sandbox.pod(id);
    let result: object | undefined;
    let said = "";
    for (const call of this.calls("ADD", bin, pod)) {
      const config = { ...(call.config as object), ...(result && { prevResult: result }) };
      const done = this.good({ ...call, config });
      result = done.json;
      said += done.stderr;
    }
    this.#results.set(`${id} ${ifName}`, result!);
    if (isNew) await this.#serve(id);
    return said;
  }

  /** A later verb over the whole chain; DEL backwards. @returns what the calls said on stderr */
  all(
    command: "CHECK" | "DEL",
    bin: string,
    pod: Pod,
    more: Partial<CniCall> = {},
    tells = true,
  ): string {
    const calls = this.calls(command, bin, pod, more, tells);
    if (command === "DEL") calls.reverse();
    return calls.map((call) => this.good(call).stderr).join("");
  }

  /** Our GC of a network over the whole chain. */
  collect(valid: readonly Pod[], network = "net"): void {
    const list = valid.map(({ id, ifName: ifname = "eth0" }) => ({ containerID: id, ifname }));
    const nobody = { containerId: null, ifName: null, netns: null };
    for (const call of this.calls("GC", this.ours, { id: "", network }, nobody, false)) {
      const keys = { "cni.dev/valid-attachments": list, cniVersion: "1.1.0" };
      this.good({ ...call, config: { ...(call.config as object), ...keys } });
    }
  }

  /** A call that has to succeed. */
  good(call: CniCall): CniOutcome {
    const done = this.sandbox.cni(call);
    const { type } = call.config as { type: string };
    equal(done.status, 0, `${type} ${call.command}: ${done.stdout}${done.stderr}`);
    return done;
  }

  /** A call that has to fail. @returns msg and details */
  bad(call: CniCall): string {
    const done = this.sandbox.cni(call);
    equal(done.status, 1, `${call.command} succeeds: ${done.stdout}`);
    return `${done.json.code} ${done.json.msg}; ${done.json.details ?? ""}`;
  }

  /** The first address of a container. */
  address(id: string, ifName = "eth0"): string {
    const result = this.#results.get(`${id} ${ifName}`) as { ips: { address: string }[] };
    return result.ips[0]!.address.replace(/\/.*/, "");
  }

  /** All rules and chains, without those of ours: table for table, as the order of tables is chance. */
  rules(): string[] {
    const table = (row: string): string => {
      const [object = {}] = Object.values(
        JSON.parse(row) as Record<string, Record<string, string>>,
      );
      return `${object["family"]} ${object["table"] ?? object["name"]}`;
    };
    const ours = /"netloom"|"chain":"CNI-FORWARD".*"name":"mark"/;
    const rows = this.sandbox.snapshot().nft.filter((row) => !ours.test(row));
    return rows.toSorted((one, other) => table(one).localeCompare(table(other)));
  }

  /** The rules among them that say one of these texts. */
  rulesWith(...texts: string[]): string[] {
    return this.rules().filter((row) => texts.some((text) => row.includes(text)));
  }

  /** Who answers port of the host from outside, of both families: `c1 c1`, `refused refused`. */
  answers(port: number): string {
    return this.#dial(
      "/run/netns/outside",
      ["192.0.2.1", "2001:db8::1"].map((dst) => ({ dst, port })),
    )
      .map((answer) => answer.replace(/ .*/, ""))
      .join(" ");
  }

  /** The address that the outside sees a container with. */
  seenAs(id: string): string {
    const [answer = ""] = this.#dial(`/run/netns/${id}`, [{ dst: "192.0.2.2", port: 80 }]);
    return answer;
  }

  #dial(netns: string, asked: { dst: string; port: number }[]): string[] {
    const input = JSON.stringify(asked.map((each) => ({ ...each, proto: "tcp", timeout: 1.5 })));
    const argv = ["/usr/bin/python3", join(tools, "dial.py")];
    return JSON.parse(this.sandbox.ok(argv, { input, netns }));
  }

  async #serve(name: string): Promise<void> {
    const netns = `/run/netns/${name}`;
    this.sandbox.ok(["ip", "link", "set", "lo", "up"], { netns });
    const argv = ["/usr/bin/python3", join(tools, "serve.py"), name, "80"];
    const server = this.sandbox.start(argv, { netns });
    const until = Date.now() + 20_000;
    while (!server.output().includes("ready")) {
      if (Date.now() > until) throw new Error(`the server of ${name} does not start`);
      await new Promise((go) => setTimeout(go, 5));
    }
  }

  /** A server outside, for {@link Node.seenAs}. */
  serveOutside(): Promise<void> {
    return this.#serve("outside");
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }
}

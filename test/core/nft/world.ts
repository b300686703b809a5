/**
 * A host with pods A and B on bridge br0, pod C on br1, and an outside O; a server in each. Made with ip(8), published and
 * masqueraded by our programs, asked by Python's sockets.
 * @module
 */
import { join } from "node:path";
import { root } from "../../../scripts/place.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { done } from "./driver.ts";

const folder = join(root, "test", "core", "nft", "world");

/** Who can ask: the host, the outside, the pods. */
export type Where = "H" | "O" | "A" | "B" | "C";

/** A question, and what is wanted: `A 192.0.2.2`, refused, hang, no-route, unreach. */
export interface Ask {
  from: Where;
  dst: string;
  port: number;
  proto?: "tcp" | "udp";
  src?: string;
}

const pods = {
  A: { v4: "10.71.0.2", v6: "fd71::2", bridge: "br0" },
  B: { v4: "10.71.0.3", v6: "fd71::3", bridge: "br0" },
  C: { v4: "10.72.0.2", v6: "fd72::2", bridge: "br1" },
} as const;

/** Kubernetes' proxy as far as published ports meet it. */
const kubeProxy = `
table ip kube-proxy {
  chain pre { type nat hook prerouting priority -100; ip daddr 10.96.0.10 tcp dport 80 dnat to 10.71.0.2:80; ip daddr 192.0.2.1 tcp dport 8085 dnat to 10.72.0.2:80; }
  chain out { type nat hook output priority -100; ip daddr 10.96.0.10 tcp dport 80 dnat to 10.71.0.2:80; }
  chain post { type nat hook postrouting priority 100; }
}`;

/** Counts what must not be seen: the mark after the forward hook, loopback's packets on their way to a pod. */
const probes = `
table inet probe {
  counter mark4 { }
  counter mark6 { }
  counter loop { }
  chain post { type filter hook postrouting priority 300; meta mark & 0x1000 != 0 counter name mark4; ct direction original ct original ip daddr 127.0.0.1 iifname { uplink, br0 } counter name loop; }
  chain after { type filter hook forward priority 20; meta mark & 0x1000 != 0 counter name mark6; }
}`;

const mapping = (hostPort: number, protocol: string, hostIP?: string, containerPort = 80) => ({
  hostPort,
  containerPort,
  protocol,
  ...(hostIP && { hostIP }),
});
const both = (hostPort: number, hostIP?: string, containerPort = 80) => [
  mapping(hostPort, "tcp", hostIP, containerPort),
  mapping(hostPort, "udp", hostIP, containerPort),
];
const thousand = Array.from({ length: 1000 }, (_, at) => both(30000 + at, undefined, 30000 + at));

/** What each pod publishes. */
const published = {
  A: {
    portMappings: [
      ...both(8080),
      mapping(8080, "sctp"),
      mapping(8085, "tcp"),
      ...both(8081, "127.0.0.1"),
      ...both(8082, "192.0.2.1"),
      ...both(8082, "2001:db8::1"),
      mapping(8083, "tcp", "::1"),
      ...thousand.flat(),
    ],
  },
  B: { snat: false, portMappings: [mapping(8090, "tcp")] },
  C: { masqAll: true, portMappings: both(8070) },
};

/** The world. Dispose it. */
export class World {
  readonly sandbox = Sandbox.create();

  constructor() {
    const { sandbox } = this;
    sandbox.outside();
    this.#noDad();
    sandbox.sysctl("net.ipv4.ip_forward", 1);
    sandbox.sysctl("net.ipv6.conf.all.forwarding", 1);
    for (const [at, bridge] of ["br0", "br1"].entries()) this.#bridge(bridge, at + 71);
    for (const name of ["A", "B", "C"] as const) this.#pod(name);
    this.serve("O");
  }

  /** What pods publish and have masqueraded, kube-proxy, and probes. */
  populate(): void {
    for (const name of ["A", "B", "C"] as const) this.publish(name);
    const masquerade = (name: "A" | "B") => [`${pods[name].v4}/24`, `${pods[name].v6}/64`];
    for (const name of ["A", "B"] as const) {
      done(this.sandbox, {
        do: "add",
        what: { network: "net", containerId: name, masquerade: masquerade(name) },
      });
    }
    for (const name of ["A", "B", "C"] as const) {
      const { v4, v6, bridge } = pods[name];
      done(this.sandbox, {
        do: "add",
        what: { network: "net", containerId: name, pods: [v4, v6], bridges: [bridge] },
      });
    }
    done(this.sandbox, {
      do: "add",
      what: {
        network: "net",
        direct: [
          ["10.71.0.0/24", "192.0.2.96/28"],
          ["fd71::/64", "2001:db8::60/124"],
        ],
      },
    });
    this.nft(kubeProxy);
    this.nft(probes);
    this.nft("add element inet netloom port4 { tcp . 192.0.2.1 . 8080 : 10.71.0.3 . 80 }");
  }

  /** ADD of portmap. */
  publish(name: "A" | "B" | "C"): void {
    const { status, stdout, stderr } = this.sandbox.cni({
      command: "ADD",
      config: this.config(name),
      containerId: name,
      netns: `/run/netns/${name}`,
    });
    if (status !== 0) throw new Error(`portmap: ${stdout}${stderr}`);
  }

  config(name: "A" | "B" | "C") {
    const { portMappings, ...rest } = published[name] as { portMappings: object[] };
    const { v4, v6 } = pods[name];
    return {
      cniVersion: "1.1.0",
      name: "net",
      type: "portmap",
      ...rest,
      runtimeConfig: { portMappings },
      prevResult: {
        cniVersion: "1.1.0",
        interfaces: [{ name: `v${name}` }, { name: "eth0", sandbox: `/run/netns/${name}` }],
        ips: [
          { address: `${v4}/24`, interface: 1 },
          { address: `${v6}/64`, interface: 1 },
        ],
      },
    };
  }

  nft(text: string): string {
    return this.sandbox.ok(["nft", "-f", "-"], { input: text });
  }

  /** Same as `nft add element inet netloom ${set} { … }` for each. */
  elements(verb: "add" | "delete", elements: Record<string, string>): void {
    const lines = Object.entries(elements).map(
      ([set, list]) => `${verb} element inet netloom ${set} { ${list} }`,
    );
    this.nft(lines.join("\n"));
  }

  /** A command of sh(1) at that place. */
  sh(where: Where, command: string): string {
    return this.sandbox.ok(["sh", "-ec", command], this.netns(where));
  }

  netns(where: Where): { netns?: string } {
    if (where === "H") return {};
    return { netns: where === "O" ? "/run/netns/outside" : `/run/netns/${where}` };
  }

  /** Asks all at once, those of one place by one process. @returns answers in order */
  ask(asks: readonly Ask[], timeout = 2): string[] {
    const answers: string[] = [];
    for (const where of new Set(asks.map(({ from }) => from))) {
      const calls = asks.flatMap((ask, at) => (ask.from === where ? [{ ...ask, at }] : []));
      const input = JSON.stringify(
        calls.map(({ proto = "tcp", ...call }) => ({ ...call, proto, timeout })),
      );
      const program = ["/usr/bin/python3", join(folder, "dial.py")];
      const found = JSON.parse(this.sandbox.ok(program, { input, ...this.netns(where) }));
      for (const [index, { at }] of calls.entries()) answers[at] = found[index];
    }
    return answers;
  }

  /** br_netfilter: whether bridged packets pass iptables and nft's ip hooks. */
  bridgeNetfilter(on: 0 | 1): void {
    this.sandbox.sysctl("net.bridge.bridge-nf-call-iptables", on);
    this.sandbox.sysctl("net.bridge.bridge-nf-call-ip6tables", on);
  }

  serve(where: Where): void {
    const started = this.sandbox.start(
      ["/usr/bin/python3", join(folder, "serve.py"), where, "80", "30500"],
      this.netns(where),
    );
    started.ended.catch(() => undefined);
  }

  [Symbol.dispose](): void {
    this.sandbox.dispose();
  }

  #noDad(netns?: string): void {
    for (const each of ["all", "default"]) {
      this.sandbox.sysctl(`net.ipv6.conf.${each}.accept_dad`, 0, netns);
    }
  }

  #bridge(name: string, number: number): void {
    this.sh(
      "H",
      `ip link add ${name} type bridge; ip addr add 10.${number}.0.1/24 dev ${name};
       ip -6 addr add fd${number}::1/64 dev ${name} nodad; ip link set ${name} up`,
    );
  }

  #pod(name: "A" | "B" | "C"): void {
    const { v4, v6, bridge } = pods[name];
    const netns = this.sandbox.pod(name);
    this.#noDad(netns);
    this.sh(
      "H",
      `ip link add v${name} type veth peer name eth0 netns ${name};
       ip link set v${name} up master ${bridge}; bridge link set dev v${name} hairpin on`,
    );
    const gateway = (address: string) => address.replace(/[23]$/, "1");
    this.sh(
      name,
      `ip link set lo up; ip addr add ${v4}/24 dev eth0; ip -6 addr add ${v6}/64 dev eth0 nodad;
       ip link set eth0 up; ip route add default via ${gateway(v4)}; ip -6 route add default via ${gateway(v6)};
       ip link show eth0 >/dev/null`,
    );
    this.sh("H", `ip link show v${name} >/dev/null; ip link show ${bridge} >/dev/null`);
    this.serve(name);
  }
}

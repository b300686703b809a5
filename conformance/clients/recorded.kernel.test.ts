/**
 * Real clients are recorded through a container's life, and what they send is compared with `recorded/`.
 * With NETLOOM_RECORD in the environment the files are written instead.
 */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describeKernel } from "../../test/kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../test/kernel/sandbox.ts";
import { bridgeChain } from "./chain.ts";
import { nameChanceValues } from "./chance-values.ts";
import { Cnitool, cnitoolProgram } from "./cnitool.ts";
import { Containerd } from "./containerd.ts";
import { Podman } from "./podman.ts";
import { keepRecording, type RecordedCall, Recorder } from "./recording.ts";

/** Runtimes ask for versions before each call; once a program is enough. */
function withoutRepeatedVersions(calls: RecordedCall[]): RecordedCall[] {
  const asked = new Set<string>();
  return calls.filter(({ type, env }) => {
    if (env["CNI_COMMAND"] !== "VERSION") return true;
    return asked.size < asked.add(type).size;
  });
}

/** containerd calls loopback and the chain's first program at the same time, in this order or another. */
function loopbackFirst(calls: RecordedCall[]): RecordedCall[] {
  const isLoopback = ({ type, env }: RecordedCall) =>
    type === "loopback" && env["CNI_COMMAND"] === "ADD";
  const sorted = calls.filter((call) => !isLoopback(call));
  for (const call of calls.filter(isLoopback)) {
    const container = call.env["CNI_CONTAINERID"];
    const at = sorted.findIndex(({ env }) => env["CNI_CONTAINERID"] === container);
    sorted.splice(at, 0, call);
  }
  return sorted;
}

/** Name and version of an installed client. */
function installed(program: string): string {
  const text = execFileSync(program, ["--version"], { encoding: "utf8" });
  return `${program} ${/\d+\.\d+\.\d+/.exec(text)?.[0]}`;
}

/** A port as a runtime sends it. */
interface Published {
  protocol: string;
  hostPort: number;
}

/** Podman groups published ports by protocol in a Go map, whose order is another one once in a while. */
function withSortedPorts(call: RecordedCall): RecordedCall {
  const { runtimeConfig } = (call.stdin ?? {}) as {
    runtimeConfig?: { portMappings?: Published[] };
  };
  runtimeConfig?.portMappings?.sort(
    (a, b) => a.protocol.localeCompare(b.protocol) || a.hostPort - b.hostPort,
  );
  return call;
}

describe("what is recorded is what is sent", function () {
  this.timeout(120_000);
  let sandbox: Sandbox;
  let recorder: Recorder;

  beforeEach(() => {
    sandbox = Sandbox.create();
    sandbox.outside();
    recorder = new Recorder(join(sandbox.scratch, "recorder"), builtPrograms);
  });
  afterEach(() => sandbox.dispose());

  const keep = (folder: string, name: string, client: string, about: string): void => {
    const bin = folder === "containerd" ? "/opt/cni/bin" : recorder.bin;
    // podman or its container's monitor, whichever is first, removes a network; their environments differ a little
    const chance = {
      places: { bin, scratch: sandbox.scratch },
      unrecorded: /^(_|CONTAINERS_STORAGE_CONF$)/,
    };
    const sent = withoutRepeatedVersions(recorder.calls());
    const calls = folder === "containerd" ? loopbackFirst(sent) : sent.map(withSortedPorts);
    keepRecording(folder, name, { client, about, calls: nameChanceValues(calls, chance) });
  };

  describeKernel("by podman", () => {
    const withPodman = (body: (podman: Podman) => void) => async (): Promise<void> => {
      const podman = new Podman(sandbox, recorder.bin);
      try {
        body(podman);
      } finally {
        await podman.removeAll();
        podman.dispose();
      }
    };

    it(
      "for a container",
      withPodman((podman) => {
        const ports = ["-p", "8088:80", "-p", "192.0.2.1:5300-5302:6300-6302/udp"];
        podman.web("web", "--network", "second", ...ports);
        podman.ok("network", "reload", "web");
        podman.ok("restart", "--time", "0", "web");
        podman.ok("network", "connect", "podman", "web");
        podman.ok("network", "disconnect", "podman", "web");
        process.kill(Number(podman.inspect("web", "{{.State.ConmonPid}}")), "SIGKILL");
        podman.ok("rm", "--force", "--time", "0", "web");
        const about =
          "a container with published ports: reloaded, restarted, a second network joined and left, its monitor killed, removed";
        keep("podman", "container", installed("podman"), about);
      }),
    );

    it(
      "for a pod, and for addresses that are asked for",
      withPodman((podman) => {
        podman.createPod("pod", "--network", "podman", "-p", "8088:80");
        podman.web("first", "--pod", "pod");
        podman.ok("pod", "rm", "--force", "--time", "0", "pod");
        const asked = ["--ip", "10.88.1.77", "--mac-address", "02:11:22:33:44:55"];
        podman.web("web", "--network", "second", ...asked);
        podman.ok("rm", "--force", "--time", "0", "web");
        keep(
          "podman",
          "pod",
          installed("podman"),
          "a pod of two, then a container with addresses of its choice",
        );
      }),
    );
  }, ["podman", "runc", "busybox", "ip", "nft"]);

  describeKernel("by containerd 1.6", () => {
    it("for a container of ctr and a pod of a kubelet", async () => {
      const subnets = ["10.88.0.0/24", "fd88::/64"];
      const network = { name: "web", bridge: "web0", subnets, programs: builtPrograms };
      const conflist = bridgeChain({ ...network, cniVersion: "1.0.0" });
      const containerd = new Containerd(sandbox, recorder.bin, conflist);
      try {
        await containerd.start();
        await containerd.runContainer("short", ["ip", "addr"]).ended;
        const ports = [
          { protocol: "tcp" as const, containerPort: 80, hostPort: 8088 },
          { protocol: "udp" as const, containerPort: 53, hostPort: 5300, hostIp: "192.0.2.1" },
        ];
        const pod = { name: "web", cgroupParent: containerd.cgroup, ports };
        const id = await containerd.cri.runPod({ ...pod, dnsServers: ["192.0.2.53"] });
        await containerd.kill();
        await containerd.start();
        await containerd.cri.stopPod(id);
        await containerd.cri.removePod(id);
        const about = "a short container of ctr run --cni, then a pod that outlives its daemon";
        keep("containerd", "ctr-and-cri", installed("containerd"), about);
      } finally {
        await containerd.dispose();
      }
    });
  }, ["containerd", "ctr", "runc", "busybox", "tar", "ip", "nft"]);

  describeKernel("by cnitool", () => {
    it("for every verb", () => {
      const cnitool = new Cnitool(sandbox, recorder.bin);
      const network = { name: "web", bridge: "web0", programs: builtPrograms };
      const subnets = ["10.88.0.0/24", "fd88::/64"];
      const conflist = bridgeChain({ ...network, subnets, cniVersion: "1.1.0" });
      cnitool.write("web.conflist", conflist);
      const portMappings = [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }];
      const options = {
        capabilityArgs: { portMappings },
        args: "IgnoreUnknown=1;K8S_POD_NAME=web",
      };
      const [first, second] = [sandbox.pod("first"), sandbox.pod("second")];
      cnitool.ok("status", "web", first);
      cnitool.add("web", first, options);
      cnitool.add("web", second);
      cnitool.ok("check", "web", first, options);
      cnitool.ok("del", "web", first, options);
      cnitool.ok("del", "web", first, options);
      sandbox.deletePod("second");
      cnitool.ok("gc", "web", first);
      keep("cnitool", "every-verb", "cnitool 1.3.0", "every verb, and a namespace that vanishes");
    });
  }, ["ip", "nft", cnitoolProgram]);
});

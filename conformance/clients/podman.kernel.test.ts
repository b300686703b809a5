/**
 * podman with its CNI back end, our programs as its plugins, and a container from a root file system made here.
 */
import { deepEqual, equal, match } from "node:assert/strict";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describeKernel } from "../../test/kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../../test/kernel/sandbox.ts";

const ulimits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096"];

/** Same as the conflist podman writes for its default network, without firewall and tuning. */
const conflist = (name: string, bridge: string, third: number) => ({
  cniVersion: "0.4.0",
  name,
  plugins: [
    {
      type: "bridge",
      bridge,
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: {
        type: "host-local",
        routes: [{ dst: "0.0.0.0/0" }],
        ranges: [[{ subnet: `10.88.${third}.0/24`, gateway: `10.88.${third}.1` }]],
      },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
});

/** A root file system with busybox and a page for its web server. */
function makeRoot(folder: string): string {
  for (const name of ["bin", "www", "etc", "proc", "sys", "dev", "tmp"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  copyFileSync("/bin/busybox", join(folder, "bin/busybox"));
  for (const applet of ["httpd", "ip", "nc", "sh", "sleep"]) {
    symlinkSync("busybox", join(folder, "bin", applet));
  }
  writeFileSync(join(folder, "www/index.html"), "hello from the pod\n");
  return folder;
}

/** podman with every path of its own inside the sandbox's scratch folder. */
function podmanIn(sandbox: Sandbox): (...args: string[]) => string {
  const at = (name: string) => join(sandbox.scratch, name);
  mkdirSync(at("networks"));
  const networks = [conflist("podman", "cni-podman0", 0), conflist("second", "cni-podman1", 1)];
  for (const network of networks) {
    writeFileSync(at(`networks/87-${network.name}.conflist`), JSON.stringify(network));
  }
  writeFileSync(
    at("containers.conf"),
    `[network]
network_backend="cni"
cni_plugin_dirs=["${builtPrograms}"]
network_config_dir="${at("networks")}"
[engine]
cgroup_manager="cgroupfs"
events_logger="file"
`,
  );
  writeFileSync(
    at("storage.conf"),
    `[storage]
driver="vfs"
runroot="${at("runroot")}"
graphroot="${at("graph")}"
`,
  );
  const env = {
    PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: sandbox.scratch,
    CONTAINERS_CONF: at("containers.conf"),
    CONTAINERS_STORAGE_CONF: at("storage.conf"),
  };
  const common = ["podman", "--runtime", "runc", "--tmpdir", at("tmp")];
  return (...args) => sandbox.ok([...common, ...args], { env, timeoutMs: 60_000 }).trim();
}

/** The page, once the server in the container listens. */
function fetch(sandbox: Sandbox, url: string, netns?: string): string {
  const argv = ["curl", "-sS", "--max-time", "3", "--retry", "5", "--retry-connrefused", url];
  return sandbox.ok(argv, netns === undefined ? {} : { netns });
}

/** conmon ends a moment after podman has removed its container. */
async function untilQuiet(sandbox: Sandbox): Promise<void> {
  for (let waited = 0; waited < 100 && sandbox.processes().length > 0; waited++) await sleep(50);
}

describeKernel(
  "podman with the CNI back end",
  function () {
    this.timeout(120_000);
    let sandbox: Sandbox;
    let podman: (...args: string[]) => string;
    let rootfs: string;
    let outside: string;

    const web = (name: string, ...options: string[]) =>
      podman(
        ...["run", "-d", "--name", name, ...ulimits, ...options],
        ...["--rootfs", rootfs, "/bin/busybox", "httpd", "-f", "-p", "80", "-h", "/www"],
      );

    /** Links but bridges, nft elements and reservations: what no container may leave. */
    const traces = () => {
      const { links, nft, files } = sandbox.snapshot();
      return {
        links: links.filter((row) => row.includes("veth")),
        nft: nft.filter(
          (row) => /"(any|port|range|masq|snat|self)[46]"/.test(row) && /"elem"/.test(row),
        ),
        reservations: files.filter((row) => /networks\/\w+\/\d+\./.test(row)),
        records: files.filter((row) => /^\/run\/netloom\/[^ ]/.test(row)),
      };
    };

    beforeEach(() => {
      sandbox = Sandbox.create();
      sandbox.ok(["ip", "link", "set", "lo", "up"]);
      outside = sandbox.outside();
      rootfs = makeRoot(join(sandbox.scratch, "rootfs"));
      podman = podmanIn(sandbox);
    });
    afterEach(async () => {
      podman("rm", "--all", "--force", "--time", "0");
      await untilQuiet(sandbox);
      sandbox.dispose();
    });

    it("publishes a port that answers from outside and from the host", () => {
      web("web", "--network", "podman", "-p", "8088:80");
      equal(fetch(sandbox, "http://192.0.2.1:8088/", outside), "hello from the pod\n");
      equal(fetch(sandbox, "http://127.0.0.1:8088/"), "hello from the pod\n");
    });

    it("leaves nothing after rm -f", () => {
      const before = traces();
      web("web", "--network", "podman", "-p", "8088:80", "-p", "5300-5399:5300-5399/udp");
      podman("rm", "--force", "--time", "0", "web");
      deepEqual(traces(), before);
      match(sandbox.run(["curl", "-sS", "http://127.0.0.1:8088/"]).stderr, /connect/i);
    });

    it("gives the port back to the container that is started again", () => {
      web("web", "--network", "podman", "-p", "8088:80");
      podman("restart", "--time", "0", "web");
      equal(fetch(sandbox, "http://192.0.2.1:8088/", outside), "hello from the pod\n");
    });

    it("attaches one container to two networks", () => {
      web("web", "--network", "podman,second", "-p", "8088:80");
      const shown = podman("exec", "web", "/bin/busybox", "ip", "-4", "addr");
      match(shown, /10\.88\.0\.2/);
      match(shown, /10\.88\.1\.2/);
      equal(fetch(sandbox, "http://192.0.2.1:8088/", outside), "hello from the pod\n");
    });

    it("lets a pod's containers share one namespace and its published port", () => {
      web("first", "--network", "podman", "-p", "8088:80");
      const shared = podman(
        ...["run", "--rm", ...ulimits, "--network", "container:first", "--rootfs", rootfs],
        ...["/bin/busybox", "ip", "-4", "addr", "show", "dev", "eth0"],
      );
      match(shared, /10\.88\.0\.2/);
    });

    it("puts the rules back when podman reloads them", () => {
      web("web", "--network", "podman", "-p", "8088:80");
      sandbox.ok(["nft", "flush", "ruleset"]);
      podman("network", "reload", "--all");
      equal(fetch(sandbox, "http://192.0.2.1:8088/", outside), "hello from the pod\n");
    });
  },
  ["podman", "runc", "busybox", "curl", "nft", "ip"],
);

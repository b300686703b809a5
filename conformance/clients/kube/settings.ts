/**
 * Configuration of the node's programs. Everything that is not needed to judge CNI plugins is switched off.
 * @module
 */
import { imageName } from "./image.ts";

/** How containerd shall treat the plugins. */
export interface RuntimeSettings {
  /** Folder of the programs. */
  programs: string;
  /** Folder of the configuration lists. */
  networks: string;
  /** Who brings `lo` up in a pod: containerd itself, or the `loopback` program. */
  loopback: "containerd" | "program";
}

/** Those that would look for devices, or for a collector of traces. */
const unused = [
  ...["blockfile", "btrfs", "devmapper", "erofs", "zfs"].map(
    (name) => `io.containerd.snapshotter.v1.${name}`,
  ),
  "io.containerd.internal.v1.tracing",
  "io.containerd.nri.v1.nri",
  "io.containerd.tracing.processor.v1.otlp",
];

/** containerd 2's config.toml. */
export function containerdConfig({ programs, networks, loopback }: RuntimeSettings): string {
  const cri = "io.containerd.cri.v1";
  return `version = 3
disabled_plugins = ${JSON.stringify(unused)}
[plugins."${cri}.images".pinned_images]
sandbox = "${imageName}"
[plugins."${cri}.runtime"]
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."${cri}.runtime".cni]
bin_dirs = [${JSON.stringify(programs)}]
conf_dir = ${JSON.stringify(networks)}
use_internal_loopback = ${loopback === "containerd"}
[plugins."${cri}.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`;
}

/** KubeletConfiguration, which YAML reads as JSON too. */
export function kubeletConfig(manifests: string): string {
  return JSON.stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
    staticPodPath: manifests,
    fileCheckFrequency: "1s",
    readOnlyPort: 10255,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: "AlwaysAllow" },
    cgroupDriver: "cgroupfs",
    failCgroupV1: false,
    failSwapOn: false,
    localStorageCapacityIsolation: false,
    makeIPTablesUtilChains: false,
    protectKernelDefaults: true,
    resolvConf: "",
    volumePluginDir: "/var/lib/kubelet/volumeplugins",
    imageGCHighThresholdPercent: 100,
    evictionHard: {
      "memory.available": "0%",
      "nodefs.available": "0%",
      "nodefs.inodesFree": "0%",
      "imagefs.available": "0%",
    },
  });
}

/** A kubeconfig for who holds the token. @param server `https://127.0.0.1:6443` */
export function kubeconfig(server: string, token: string): string {
  const cluster = { server, "insecure-skip-tls-verify": true };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster }],
    users: [{ name: "test", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    "current-context": "test",
  });
}

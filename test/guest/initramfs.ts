/**
 * The small root file system that a guest starts from: busybox, the modules that lead to the machine's files, `init.sh`.
 * @module
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { root } from "../../scripts/place.ts";
import type { GuestKernel } from "./kernel.ts";

const initScript = join(root, "test", "guest", "init.sh");
const busybox = "/bin/busybox";
/** What `init.sh` mounts, and where the kernel expects something. */
const folders = ["bin", "modules", "proc", "sys", "dev", "results", "machine", "memory", "root"];
const wantedModules = ["virtio_pci", "9p", "9pnet_virtio", "overlay"];

/** The compressed archive, made once a kernel and version of `init.sh`. @returns its path */
export function initramfs(kernel: GuestKernel): string {
  const digest = createHash("sha256").update(readFileSync(initScript)).digest("hex").slice(0, 16);
  const path = join(kernel.folder, `initramfs-${digest}.gz`);
  if (existsSync(path)) return path;
  const work = mkdtempSync(join(kernel.folder, "initramfs."));
  try {
    writeFileSync(join(work, "archive"), gzipSync(archive(fill(kernel, join(work, "files")))));
    renameSync(join(work, "archive"), path);
    return path;
  } finally {
    rmSync(work, { recursive: true });
  }
}

function fill(kernel: GuestKernel, folder: string): string {
  for (const name of folders) mkdirSync(join(folder, name), { recursive: true });
  copyFileSync(busybox, join(folder, "bin", "busybox"));
  copyFileSync(initScript, join(folder, "init"));
  for (const [index, module] of modulesInOrder(kernel).entries()) {
    const name = `${String(index).padStart(2, "0")}-${basename(module)}`;
    copyFileSync(module, join(folder, "modules", name));
  }
  return folder;
}

/** Paths of the modules and what they need, in the order in which they can be loaded. */
function modulesInOrder({ modules, version }: GuestKernel): string[] {
  const paths = wantedModules.flatMap((name) => {
    const argv = ["-d", modules, "-S", version, "--show-depends", name];
    const { status, stdout, stderr } = spawnSync("modprobe", argv, { encoding: "utf8" });
    if (status !== 0) throw new Error(`modprobe ${argv.join(" ")}: ${stderr}`);
    return [...stdout.matchAll(/^insmod (\S+)/gm)].map(([, path = ""]) => path);
  });
  return [...new Set(paths)];
}

function archive(folder: string): Uint8Array {
  const script = `chmod +x init && find . | ${busybox} cpio -o -H newc`;
  const done = spawnSync("sh", ["-c", script], { cwd: folder, maxBuffer: 64 * 2 ** 20 });
  if (done.status !== 0) throw new Error(`cpio of the guest's initramfs: ${done.stderr}`);
  return done.stdout;
}

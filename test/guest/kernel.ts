/**
 * The guest's kernel: Debian's stock one, unpacked into .cache/guest.
 *
 * The package is not installed. That would build an initramfs of Debian's own and change what the machine boots; and the
 * container of a CI has neither. Downloading and unpacking needs 7 s once, and no root.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { downloadPackage } from "../kernel/debian-package.ts";

/** A kernel and its modules. */
export interface GuestKernel {
  /** As `uname -r` says it: `6.1.0-56-amd64`. */
  version: string;
  /** Its own folder in the cache; further files that go with this kernel may be put there. */
  folder: string;
  /** The bootable file. */
  image: string;
  /** Folder that has `lib/modules/<version>`, for `modprobe -d`. */
  modules: string;
}

/** The machine cannot have a guest; the message says what it lacks, as a sentence for the report: `needs …`. */
export class NoGuest extends Error {}

/** The metapackage whose dependency is the newest kernel; not the cloud's, which lacks 9p and many kinds of links. */
const metapackage = "linux-image-amd64";
const programs = ["qemu-system-x86_64", "busybox", "modprobe", "depmod", "setpriv"];
/** Folders of modules that a guest may need, of the 400 MB there are. */
const moduleFolders = ["arch", "crypto", "drivers/net", "drivers/virtio", "fs", "lib", "net"];
const unneeded = ["*/drivers/net/ethernet", "*/drivers/net/wireless"];

/** Takes the kernel from the cache, or brings it. @throws {NoGuest} what is missing cannot be had */
export function guestKernel(): GuestKernel {
  if (process.arch !== "x64") throw new NoGuest("needs an x86_64 machine");
  const lacking = programs.find((name) => !runs("sh", "-c", `command -v ${name}`));
  if (lacking !== undefined) throw new NoGuest(`needs ${lacking}`);
  const cache = join(root, ".cache", "guest");
  mkdirSync(cache, { recursive: true });
  const version = cachedVersion(cache) ?? bring(cache);
  const folder = join(cache, version);
  const modules = join(folder, "root");
  return { version, folder, image: join(modules, "boot", `vmlinuz-${version}`), modules };
}

/** The newest kernel in the cache. What is being unpacked has a name without a digit in front. */
function cachedVersion(cache: string): string | undefined {
  const versions = readdirSync(cache).filter((name) => /^\d/.test(name));
  const order = new Intl.Collator("en", { numeric: true });
  return versions.sort(order.compare).at(-1);
}

/** @returns the version that is in the cache then */
function bring(cache: string): string {
  const version = newestKernel().replace(/^linux-image-/, "");
  const work = join(cache, `new.${process.pid}`); // another run may do the same
  mkdirSync(join(work, "root"), { recursive: true });
  try {
    download(`linux-image-${version}`, work);
    unpack(version, work);
    place(work, join(cache, version));
    return version;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function newestKernel(): string {
  const dependency = () => {
    const { stdout } = spawnSync("apt-cache", ["depends", metapackage], { encoding: "utf8" });
    return /Depends: (linux-image-\d\S+)/.exec(stdout ?? "")?.[1];
  };
  const known = dependency();
  if (known !== undefined) return known;
  spawnSync("apt-get", ["update", "-qq"]); // the lists may have been thrown away to make an image smaller
  const found = dependency();
  if (found === undefined) throw new NoGuest(`needs Debian's package ${metapackage}`);
  return found;
}

function download(name: string, folder: string): void {
  console.log(`downloading ${name}`);
  try {
    downloadPackage(name, folder);
  } catch (cause) {
    throw new NoGuest(cause instanceof Error ? cause.message : String(cause));
  }
}

function unpack(version: string, folder: string): void {
  const modules = `./lib/modules/${version}`;
  const wanted = moduleFolders.map((name) => `${modules}/kernel/${name}`);
  const members = [`./boot/vmlinuz-${version}`, `${modules}/modules.*`, ...wanted];
  const tar = ["tar", "-x", "-C", "root", "--wildcards", ...unneeded.map((p) => `--exclude=${p}`)];
  const script = 'dpkg --fsys-tarfile linux-image-*.deb | "$@"';
  const argv = ["-o", "pipefail", "-c", script, "unpack", ...tar, ...members];
  const done = spawnSync("bash", argv, { cwd: folder, encoding: "utf8" });
  if (done.status !== 0) throw new Error(`unpack the guest's kernel: ${done.stderr}`);
  rmSync(join(folder, readdirSync(folder).find((name) => name.endsWith(".deb")) ?? ""));
  const depmod = spawnSync("depmod", ["-b", join(folder, "root"), version], { encoding: "utf8" });
  if (depmod.status !== 0) throw new Error(`depmod of the guest's kernel: ${depmod.stderr}`);
}

function place(work: string, folder: string): void {
  try {
    renameSync(work, folder);
  } catch (cause) {
    if (!existsSync(folder)) throw cause; // else another run was faster
  }
}

function runs(...[command, ...args]: [string, ...string[]]): boolean {
  return spawnSync(command, args).status === 0;
}

/**
 * Debian packages that tests look into without installing them: nothing is configured, enabled or started.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

/** Brings the package's file into the folder. @throws {Error} that says what is missing, as `needs Debian's package …` */
export function downloadPackage(name: string, folder: string): void {
  const argv = ["-qq", "-o", "APT::Sandbox::User=root", "download", name];
  const get = () => spawnSync("apt-get", argv, { cwd: folder, encoding: "utf8" });
  let done = get();
  if (done.status === 0) return;
  spawnSync("apt-get", ["update", "-qq"]); // the lists name a version that is there no more
  done = get();
  if (done.status !== 0) throw new Error(`needs Debian's package ${name}: ${done.stderr?.trim()}`);
}

/** The package's files below `folder`, which is made at the first call. @returns the folder */
export function unpackedPackage(name: string, folder: string): string {
  if (existsSync(folder)) return folder;
  mkdirSync(dirname(folder), { recursive: true });
  const work = `${folder}.new.${process.pid}`; // another run may do the same
  mkdirSync(work);
  try {
    downloadPackage(name, work);
    const file = readdirSync(work).find((each) => each.endsWith(".deb")) ?? "";
    const done = spawnSync("dpkg", ["-x", join(work, file), join(work, "root")], {
      encoding: "utf8",
    });
    if (done.status !== 0) throw new Error(`unpack ${file}: ${done.stderr}`);
    if (!existsSync(folder)) renameSync(join(work, "root"), folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}

/**
 * What tests start again and again. Whoever opens a file of the machine from inside a guest waits for several messages to the emulator
 * and back, and a start of `ip` opens ten: these files are copied into the guest's memory while it boots, and a fifth of its
 * time is saved.
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { binFolder, root } from "../../scripts/place.ts";

const programs =
  `bash cat grep ip kill ls mkdir nft nsenter ping rm sh sleep strace tc tee umount`.split(" ");
const folders = ["/usr/sbin", "/usr/bin"];
const ownFolders = [binFolder, join(root, ".cache", "c")];

/** Absolute paths without links: programs, ours, those in C that tests bring, and the libraries of all of them. */
export function hotFiles(): string[] {
  const found = programs.flatMap((name) => {
    return folders.map((folder) => join(folder, name)).filter((path) => existsSync(path));
  });
  const own = ownFolders.flatMap((folder) => {
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  });
  const all = [...found, ...librariesOf(found), "/etc/ld.so.cache", ...own];
  return [...new Set(all.map((path) => realpathSync(path)))];
}

function librariesOf(paths: readonly string[]): string[] {
  const { stdout } = spawnSync("ldd", paths, { encoding: "utf8" });
  return [...stdout.matchAll(/^\t(?:.* => )?(\/\S+) \(0x/gm)].map(([, path = ""]) => path);
}

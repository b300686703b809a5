/**
 * The one container image of these tests, made here: there is no registry to ask.
 * @module
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../../scripts/place.ts";
import { compileC } from "../../../test/kernel/compile.ts";

/** The image's name; its registry can never exist (RFC 6761), so nobody asks it. */
export const imageName = "netloom.invalid/pod:1";

const applets = ["cat", "ip", "ping", "sh", "sleep"];

/** Same as `tar -cf`, and the same bytes for the same files. */
function pack(archive: string, folder: string, names: readonly string[]): void {
  const same = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
  execFileSync("tar", ["--format=ustar", ...same, "-cf", archive, "-C", folder, ...names]);
}

function digest(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}

function makeRoot(folder: string): void {
  for (const name of ["bin", "etc", "tmp"]) mkdirSync(join(folder, name), { recursive: true });
  const answer = compileC(join(root, "conformance", "clients", "kube", "answer.c"));
  copyFileSync(answer, join(folder, "bin/answer"));
  copyFileSync("/bin/busybox", join(folder, "bin/busybox"));
  for (const applet of applets) symlinkSync("busybox", join(folder, "bin", applet));
}

/**
 * Writes an image of one layer as `docker save` does: busybox and `answer.c`, which waits when it is given no command.
 * @param folder made here, for what it is made of
 * @returns the archive, for `ctr image import`
 * @see the OCI image specification, config.md
 */
export function makeImage(folder: string): string {
  makeRoot(join(folder, "root"));
  pack(join(folder, "layer.tar"), join(folder, "root"), ["bin", "etc", "tmp"]);
  const config = {
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    os: "linux",
    config: { Entrypoint: ["/bin/answer", "wait"], Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${digest(join(folder, "layer.tar"))}`] },
  };
  const manifest = [{ Config: "config.json", RepoTags: [imageName], Layers: ["layer.tar"] }];
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  writeFileSync(join(folder, "manifest.json"), JSON.stringify(manifest));
  const archive = join(folder, "image.tar");
  pack(archive, folder, ["config.json", "layer.tar", "manifest.json"]);
  return archive;
}

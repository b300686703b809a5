/**
 * What a container of the tests is made of: busybox and a page for its web server, as a folder and as an image.
 * @module
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What the web server of every container says. */
export const page = "hello from the pod\n";

/** The command of that web server, on port 80. */
export const serveWeb: readonly string[] = ["httpd", "-f", "-p", "80", "-h", "/www"];

/** Makes the folder. @returns its path */
export function makeRoot(folder: string): string {
  for (const name of ["bin", "www", "etc", "proc", "sys", "dev", "tmp"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  copyFileSync("/bin/busybox", join(folder, "bin/busybox"));
  for (const applet of ["httpd", "ip", "sh", "sleep"]) {
    symlinkSync("busybox", join(folder, "bin", applet));
  }
  writeFileSync(join(folder, "www/index.html"), page);
  return folder;
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function tar(file: string, folder: string): void {
  execFileSync("tar", ["--format=ustar", "-C", folder, "-cf", file, "."]);
}

/**
 * An image of {@link makeRoot} whose entry point serves the page, as `docker save` writes it.
 * @param folder made here, for its parts
 * @returns path of the archive
 * @see https://github.com/moby/docker-image-spec/blob/main/v1.2.md "Combined Image JSON + Filesystem Changeset Format"
 */
export function makeImage(folder: string, name: string): string {
  const parts = join(folder, "parts");
  mkdirSync(join(parts, "layer"), { recursive: true });
  const layer = join(parts, "layer", "layer.tar");
  tar(layer, makeRoot(join(folder, "root")));
  const config = JSON.stringify({
    architecture: process.arch === "arm64" ? "arm64" : "amd64",
    os: "linux",
    config: { Entrypoint: serveWeb, Env: ["PATH=/bin"] },
    rootfs: { type: "layers", diff_ids: [`sha256:${sha256(readFileSync(layer))}`] },
    history: [{ created_by: "test" }],
  });
  const configName = `${sha256(config)}.json`;
  writeFileSync(join(parts, configName), config);
  const manifest = [{ Config: configName, RepoTags: [name], Layers: ["layer/layer.tar"] }];
  writeFileSync(join(parts, "manifest.json"), JSON.stringify(manifest));
  tar(join(folder, "image.tar"), parts);
  return join(folder, "image.tar");
}

/**
 * A directory of CNI programs under judgement: what is in it and whose it is.
 * @module
 */
import { spawnSync } from "node:child_process";
import { accessSync, constants, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";

/** A directory of CNI programs. */
export interface Build {
  /** Absolute. */
  folder: string;
  /** The name the register knows it by: `netloom`, `reference 1.9.1`, `Debian 1.1.1`, or the folder's own name. */
  label: string;
  /** Each program's `supportedVersions`, ascending. Only what answers VERSION is a program, or a client: that has no versions. */
  programs: Readonly<Record<string, readonly string[]>>;
}

/** They execute programs and are none. */
const clients = ["cnitool"];

function versionsOf(program: string): string[] | undefined {
  const asked = spawnSync(program, {
    env: { CNI_COMMAND: "VERSION" },
    input: '{"cniVersion":"1.1.0"}',
    encoding: "utf8",
    timeout: 10_000,
  });
  try {
    return JSON.parse(asked.stdout).supportedVersions;
  } catch {
    return undefined; // a client, or anything else that lies beside
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not executable
  }
}

/** Debian names its build by the package alone. */
function debianVersion(): string | undefined {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
  const argv = ["-W", "-f", "${source:Upstream-Version}", "containernetworking-plugins"];
  const asked = spawnSync("dpkg-query", argv, { encoding: "utf8" });
  return asked.status === 0 ? /^[\d.]+/.exec(asked.stdout)?.[0] : undefined;
}

/** Whose programs these are, by what a program says about itself and what Go wrote into it. */
function labelOf(folder: string, type: string): string {
  const program = join(folder, type);
  const about = spawnSync(program, { env: {}, input: "", encoding: "utf8", timeout: 10_000 });
  const [, own] = / plugin (netloom) v/.exec(about.stderr) ?? [];
  if (own !== undefined) return own;
  if (folder === "/usr/lib/cni") return `Debian ${debianVersion() ?? "of unknown version"}`;
  const module = /\tgithub\.com\/containernetworking\/plugins\tv([\d.]+)/;
  const [, version] = module.exec(readFileSync(program, "latin1")) ?? [];
  return version === undefined ? basename(folder) : `reference ${version}`;
}

/**
 * Looks at a directory of CNI programs.
 * @param name - what to call it; found out when left out
 * @throws {Error} no program is in it
 */
export function inspectBuild(path: string, name?: string): Build {
  const folder = resolve(path);
  const programs: Record<string, readonly string[]> = {};
  for (const type of readdirSync(folder).sort()) {
    if (!isProgram(join(folder, type))) continue;
    const versions = clients.includes(type) ? [] : versionsOf(join(folder, type));
    if (versions !== undefined) programs[type] = versions;
  }
  const [first] = Object.keys(programs);
  if (first === undefined) throw new Error(`no CNI program in ${folder}`);
  return { folder, label: name ?? labelOf(folder, first), programs };
}

/** True when the program is there and lists the version, or any when none is asked for. */
export function speaks(build: Build, type: string, version?: string): boolean {
  const versions = build.programs[type];
  return versions !== undefined && (version === undefined || versions.includes(version));
}

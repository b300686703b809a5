/**
 * A guest: a machine that QEMU emulates, with a kernel of its own and the files of this one.
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { compileC } from "../kernel/compile.ts";
import { hotFiles } from "./hot.ts";
import { initramfs } from "./initramfs.ts";
import { guestKernel } from "./kernel.ts";

/** What shall run in a guest. */
export interface GuestJob {
  /**
   * Program and arguments. It runs as root in the repository's folder and sees the machine's files; what it writes is
   * gone with the guest.
   */
  argv: readonly string[];
  /** More environment than PATH and HOME. */
  env?: Readonly<Record<string, string>>;
  /**
   * A folder of the machine that has the same path in the guest; what is written there comes back at once. Its
   * subfolder `guest` is the harness' own.
   */
  results: string;
  /** The guest is killed after this long, boot included. Default 30 minutes: many times what is usual. */
  timeoutMs?: number;
  /** Memory in MiB. Default 1024. */
  memoryMib?: number;
}

/** How the job ended. */
export interface GuestOutcome {
  /** Exit status of the program, as a shell tells it: 128 and more for signals. */
  status: number;
  /** All that it wrote to stdout and stderr. */
  output: string;
  /** Wall time of the guest, boot included. */
  ms: number;
}

/** The guest did not boot, or did not come to the end of its job. The message has the end of its console log. */
export class GuestFailure extends Error {}

/** Processors that are emulated: twenty times slower here, more when the machine has other work. */
const slowness = "20";
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const LIMIT_MS = 30 * 60_000;
const CONSOLE_LINES = 60;

/**
 * Boots a guest, runs the program in it and switches it off.
 * @throws {NoGuest} this machine cannot have one: a reason to skip
 * @throws {GuestFailure} it did not boot or did not finish
 */
export async function runInGuest(job: GuestJob): Promise<GuestOutcome> {
  return runMachine(job, emulator(job));
}

/**
 * All that can be emulated but what the kernel copies and clears memory with where it is there, `rep movsb` and `rep stosb`: QEMU does
 * these byte by byte.
 */
const processor = "max,erms=off,fsrm=off";
const repGood = 3 * 32 + 16; // X86_FEATURE_REP_GOOD (asm/cpufeatures.h): likewise, words at a time
const parameters = `console=ttyS0 panic=-1 quiet mitigations=off audit=0 security=selinux init_on_alloc=0 clearcpuid=${repGood}`;

/** The whole command line of the emulator. */
function emulator({ results, memoryMib = 1024 }: GuestJob): string[] {
  const kernel = guestKernel();
  const own = join(results, "guest");
  rmSync(own, { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  const modprobe = compileC(join(root, "test", "guest", "modprobe.c"));
  const place = { results, modules: kernel.modules, modprobe };
  writeFileSync(join(own, "place"), assignments(place));
  writeFileSync(join(own, "hot"), `${hotFiles().join("\n")}\n`);
  const share = (tag: string, folder: string, more: string) =>
    `local,path=${folder},mount_tag=${tag},security_model=none,${more}`;
  return [
    // it shall not outlive the test run
    ...["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64"],
    ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio"],
    ...["-accel", "tcg,thread=multi", "-cpu", processor, "-smp", "1", "-m", String(memoryMib)],
    // a network card that leads nowhere; who wants it loads "virtio_net"
    ...["-netdev", "hubport,id=card,hubid=0", "-device", "virtio-net-pci,netdev=card,romfile="],
    ...["-virtfs", share("root", "/", "multidevs=remap,readonly=on")],
    ...["-virtfs", share("results", results, "multidevs=remap")],
    ...["-kernel", kernel.image, "-initrd", initramfs(kernel)],
    ...["-append", parameters],
  ];
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function assignments(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quoted(value)}\n`)
    .join("");
}

/** The script that the guest ends up in. */
function jobScript({ argv, env = {}, results }: GuestJob): string {
  const own = quoted(join(results, "guest"));
  const all = { PATH: path, HOME: "/root", NETLOOM_SLOWNESS: slowness, ...env };
  const words = Object.entries(all).map(([name, value]) => `${name}=${value}`);
  return `cd ${quoted(root)}
echo "guest: the job starts"
env -i ${[...words, ...argv].map(quoted).join(" ")} >${own}/output 2>&1 </dev/null
echo $? >${own}/status
echo o >/proc/sysrq-trigger
sleep 60
`;
}

/** Runs that emulator with that job. Apart from {@link runInGuest}, so that it can be tried with less than a machine. */
export async function runMachine(
  job: GuestJob,
  [command = "", ...args]: readonly string[],
): Promise<GuestOutcome> {
  const own = join(job.results, "guest");
  mkdirSync(own, { recursive: true });
  writeFileSync(join(own, "job"), jobScript(job));
  const started = performance.now();
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const timeoutMs = job.timeoutMs ?? LIMIT_MS;
  const ended = await endOf(child, timeoutMs);
  writeFileSync(join(own, "console"), ended.console);
  const status = read(join(own, "status"));
  if (status === undefined || ended.isLate) {
    const what = ended.isLate ? `did not finish within ${timeoutMs / 1000} s` : "did not finish";
    throw new GuestFailure(
      `the guest ${what}; the end of its console log:\n${tail(ended.console)}`,
    );
  }
  const output = read(join(own, "output")) ?? "";
  return { status: Number(status), output, ms: performance.now() - started };
}

/** Collects the console until the emulator has ended, or kills it. */
function endOf(child: ChildProcess, timeoutMs: number) {
  return new Promise<{ console: string; isLate: boolean }>((resolve, reject) => {
    let said = "";
    let isLate = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        said += chunk.toString("utf8");
      });
    }
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.on("close", () => {
      clearTimeout(timer);
      resolve({ console: said, isLate });
    });
  });
}

function tail(text: string): string {
  return text.trimEnd().split("\n").slice(-CONSOLE_LINES).join("\n");
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // the guest did not come that far
  }
}

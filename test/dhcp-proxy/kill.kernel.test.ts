/**
 * The daemon killed before each of its system calls that change something, while it gets leases of both families, renews them
 * and gives them back; then another is started, as systemd would.
 */
import { deepEqual, ok } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  changesNothing,
  describeStep,
  everyCall,
  inject,
  type Step,
  stepsOf,
} from "../faults/system-calls.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { KilledWorld, Victim } from "./killed-daemon.ts";
import { dhcpCommands, until } from "./lan.ts";

/** A piece of a pod's life. */
interface Chapter {
  title: string;
  /** What is there when the victim starts. A daemon runs, and ends afterwards. */
  before(world: KilledWorld): void;
  /** What the victim does when it serves. */
  during(world: KilledWorld, victim: Victim): unknown;
  /** What has to come true, under the next daemon. In the end the pod is detached. */
  after(world: KilledWorld): Promise<unknown> | unknown;
}

const chapters: readonly Chapter[] = [
  {
    title: "gets leases",
    before: (world) => world.forgetFolders(),
    during: (world) => world.add(),
    async after(world) {
      if (world.isAttached) world.isWhole();
      ok(world.del());
      await world.isClean();
      ok(world.add());
      world.isWhole();
      ok(world.del());
    },
  },
  {
    title: "renews leases",
    before(world) {
      ok(world.add());
      world.makeDue();
    },
    during: (_, victim) => victim.said(/renewed .*address=192/, /renewed .*address=2001/),
    async after(world) {
      world.isWhole();
      await until(
        "the renewal",
        () => world.isRenewed(),
        () => world.lan.log,
      );
      world.isWhole();
      ok(world.del());
    },
  },
  {
    title: "gives leases back",
    before: (world) => ok(world.add()),
    during: (world) => world.del(),
    after: (world) => ok(world.del()),
  },
];

/** What a daemon does besides that changes nothing: it waits, hears, asks rtnetlink, says, and is told that it is so already. */
const ownAffair = [
  /^(poll|ppoll|timerfd_create|timerfd_settime|signalfd4|accept4|recvfrom|close)\(/,
  /^sendto\(.* nlmsg_type=(RTM_GET|0x1[26]\b)/,
  /^write\(2, /,
  / = -1 /,
];

/** True when to be killed before it is to be killed before another. */
function isOwnAffair(step: Step): boolean {
  const call = `${step.name}(${step.text}`;
  return changesNothing(step) || ownAffair.some((form) => form.test(call));
}

/** Lets a victim live through a chapter. @returns whether it ended before it was ended */
async function live(world: KilledWorld, chapter: Chapter, strace: string[]): Promise<boolean> {
  chapter.before(world);
  await world.stop();
  const victim = new Victim(world.lan, strace);
  if (await victim.said(/ serves /)) await chapter.during(world, victim);
  const wasOver = await victim.end(world.lan);
  await world.daemon();
  return wasOver;
}

async function recorded(world: KilledWorld, chapter: Chapter): Promise<Step[]> {
  const log = join(world.lan.sandbox.scratch, "calls");
  await live(world, chapter, ["-o", log]);
  await chapter.after(world);
  return stepsOf(readFileSync(log, "utf8"), "program");
}

async function sweep(chapter: Chapter): Promise<string> {
  using world = new KilledWorld();
  await world.begin();
  const all = await recorded(world, chapter);
  const points = everyCall ? all : all.filter((step) => !isOwnAffair(step));
  const failures: string[] = [];
  let kills = 0;
  for (const step of points) {
    try {
      const strace = ["-o", "/dev/null", ...inject(step, "signal=KILL")];
      if (await live(world, chapter, strace)) kills += 1;
      await chapter.after(world);
      await world.isClean();
    } catch (error) {
      failures.push(`${describeStep(step)}: ${(error as Error).message}`);
      world.del();
    }
  }
  deepEqual(failures, []);
  // what the kernel tells it comes in one piece or in two, so a call of that number may not be made
  ok(everyCall || kills > points.length * 0.7, `${kills} kills at ${points.length} points`);
  return `${all.length} system calls, ${points.length} points that differ, ${kills} kills`;
}

describeKernel(
  "dhcp-daemon, killed while it",
  function () {
    this.timeout(600_000);
    for (const chapter of chapters) {
      it(chapter.title, async function () {
        const counts = await sweep(chapter);
        if (this.test) this.test.title += `: ${counts}`;
      });
    }
  },
  [...dhcpCommands, "strace"],
);

/**
 * What calls make of an attachment whose record is broken, on a host where another one lives all the time.
 * @module
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { during } from "../../core/errors.ts";
import { holdsAlways } from "../kernel/invariants.ts";
import type { CniOutcome } from "../kernel/sandbox.ts";
import type { Attachments } from "./attachments.ts";
import type { Damage } from "./power-loss.ts";
import { containerOf, netnsOf } from "./scenarios.ts";

const [victim, later, neighbour] = [1, 2, 9];
const precious = "/var/lib/precious";
const preciousText = "must never be written through\n";

/** Where the program of the scenario keeps what it knows of attachment number `n`. */
export function recordOf(type: string, n: number): string {
  return `/run/netloom/faults/${containerOf(n)}:eth0/${type}.json`;
}

/** Both streams: where a program names what it stumbles over. */
const said = ({ stdout, stderr }: CniOutcome): string => `${stdout}${stderr}`;

/** A host with two attachments: one that nothing may happen to, and a victim that comes and goes. */
export class BrokenRecords {
  readonly #host: Attachments;
  readonly #path: string;
  readonly #before: readonly string[];
  readonly #parameters: ReadonlySet<string>;
  /** Bytes of a record. */
  readonly length: number;

  constructor(host: Attachments) {
    this.#host = host;
    this.#path = recordOf(host.scenario.type, victim);
    host.add(neighbour);
    host.pod(victim);
    host.pod(later);
    this.length = statSync(this.#file(neighbour)).size;
    writeFileSync(host.sandbox.path(precious), preciousText);
    this.#before = host.observe(victim);
    this.#parameters = new Set(this.#kernelParameters());
    ok(this.#parameters.size > 100, "parameters of the kernel cannot be read");
  }

  /** As the test process can open it. */
  #file(n: number): string {
    return this.#host.sandbox.path(recordOf(this.#host.scenario.type, n));
  }

  /** Breaks the victim's record; others go on, CHECK tells, and DEL, or GC, ends it. @throws what does not hold */
  try(damage: Damage, byGc: boolean): void {
    during(`${damage.name}, ${byGc ? "GC" : "DEL"}`, () => this.#outlive(damage, byGc));
  }

  #outlive(damage: Damage, byGc: boolean): void {
    const host = this.#host;
    host.add(victim);
    const foreign = readFileSync(this.#file(neighbour), "utf8");
    damage.apply(this.#file(victim), { precious, foreign });
    this.#tells(damage);
    host.add(later);
    host.check(later);
    if (byGc) this.#collects();
    else this.#deletes(damage);
    host.check(neighbour);
    host.del(later);
    this.#isGone(damage);
    if (!byGc) this.#isRestored();
    equal(readFileSync(host.sandbox.path(precious), "utf8"), preciousText, "wrote through a link");
  }

  /** CHECK fails and names the file. Without one the reference's plugin may have made the attachment. */
  #tells({ isHarmless = false, isSubtle = false }: Damage): void {
    const check = this.#call("CHECK");
    if (isSubtle) return;
    equal(check.status === 0, isHarmless, `CHECK says ${said(check)}`);
    if (!isHarmless) ok(check.json.msg.includes(this.#path), `CHECK says ${check.stdout}`);
  }

  #call(command: string): CniOutcome {
    const done = this.#host.sandbox.cni(this.#host.call(command, victim));
    holdsAlways(done);
    return done;
  }

  /** In its namespace, which lives on; where something is lost with the record, that is named. */
  #deletes({ isHarmless = false, isSubtle = false }: Damage): void {
    const done = this.#call("DEL");
    equal(done.status, 0, said(done));
    const isLoss = this.#host.scenario.lostWithRecord !== undefined && !isHarmless && !isSubtle;
    if (isLoss) match(done.stderr, new RegExp(`"${this.#path}"`));
    this.#host.del(victim);
  }

  /** After its namespace: GC is not told where that was. */
  #collects(): void {
    this.#host.deletePod(victim);
    this.#host.gc([neighbour, later]);
    this.#host.pod(victim);
    this.#host.del(victim); // there is nothing to do, and it was not attached
  }

  /** Nothing is left of it, but a folder that is not ours; when somebody has removed that, nothing at all. */
  #isGone({ name }: Damage): void {
    const host = this.#host;
    const found = host.leaks(this.#before, victim);
    const folder = this.#path.replace(/[^/]*$/, "");
    deepEqual(
      found.filter((row) => !row.startsWith(`+ file ${folder}`)),
      [],
    );
    equal(found.length > 0, name === "a directory with something in it", found.join());
    if (found.length === 0) return;
    rmSync(this.#file(victim), { recursive: true });
    host.del(victim);
    deepEqual(host.leaks(this.#before, victim), []);
  }

  /** What only the record could tell is left as it is. */
  #isRestored(): void {
    const lost = this.#host.scenario.lostWithRecord ?? [];
    const changed = this.#kernelParameters().filter((row) => !this.#parameters.has(row));
    deepEqual(
      changed.filter((row) => !lost.some((name) => row.includes(`/${name.replaceAll(".", "/")}:`))),
      [],
    );
  }

  /** `host /proc/sys/net/ipv4/ip_forward:1`; those and of the victim's namespace. */
  #kernelParameters(): string[] {
    return [undefined, netnsOf(victim)].flatMap((netns) =>
      this.#host.sandbox
        .run(["grep", "-rs", "", "/proc/sys/net"], netns ? { netns } : {}) // some cannot be read
        .stdout.split("\n")
        .filter((row) => !/count:/.test(row))
        .map((row) => `${netns ?? "host"} ${row}`),
    );
  }
}

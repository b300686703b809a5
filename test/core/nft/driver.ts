/**
 * Builds and runs the program of driver/main.ts.
 * @module
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../../../scripts/bundle.ts";
import { hostProgram } from "../../../scripts/host.ts";
import { root } from "../../../scripts/place.ts";
import type { Sandbox } from "../../kernel/sandbox.ts";
import type { Order } from "./driver/main.ts";

const folder = join(root, ".cache", "nft-driver");
const program = join(folder, "nft-driver");

/** Makes the program; needs the host of `npm run build`. */
export async function buildDriver(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const { code, lines } = await bundle({ type: "nft-driver", folder: "test/core/nft/driver" });
  const at = (ending: string) => `${program}.${ending}`;
  writeFileSync(at("js"), code);
  writeFileSync(at("lines"), lines);
  execFileSync(hostProgram(), ["compile", at("js"), at("bc")]);
  execFileSync(hostProgram(), ["image", at("bc"), program, at("lines")]);
}

/** Carries out an order on the host of the sandbox. @returns its answer, or `{ error }` */
// biome-ignore lint/suspicious/noExplicitAny: answers differ by order
export function order(sandbox: Sandbox, what: Order): any {
  const stdout = sandbox.ok([program], { input: JSON.stringify(what) });
  return JSON.parse(stdout);
}

/** As {@link order}, for an order that has to succeed. */
// biome-ignore lint/suspicious/noExplicitAny: answers differ by order
export function done(sandbox: Sandbox, what: Order): any {
  const answer = order(sandbox, what);
  if (answer?.error !== undefined) throw new Error(answer.error);
  return answer;
}

/** Carries out orders at the same time. */
export async function doneAtOnce(sandbox: Sandbox, orders: readonly Order[]): Promise<void> {
  const started = orders.map((each) => sandbox.start([program], { input: JSON.stringify(each) }));
  for (const outcome of await Promise.all(started.map(({ ended }) => ended))) {
    const answer = JSON.parse(outcome?.stdout || '{"error":"killed"}');
    if (answer?.error !== undefined) throw new Error(answer.error);
  }
}

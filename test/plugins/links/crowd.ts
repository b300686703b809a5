/**
 * Attachments of one network that come while others go.
 * @module
 */
import { deepEqual } from "node:assert/strict";
import type { CniCall, CniOutcome, Sandbox } from "../../kernel/sandbox.ts";
import type { Config } from "../bridge/network.ts";

/**
 * Ten times: three are attached, then three more while the first three go, then all go.
 * @param look what is to be seen while the second three are there, told by their ADDs, and when nobody is
 */
export async function comeAndGo(
  sandbox: Sandbox,
  config: Config,
  look: { there: (added: CniOutcome[]) => void; gone: () => void },
): Promise<void> {
  const numbers = [1, 2, 3, 4, 5, 6];
  const calls = (command: string, some: number[]): CniCall[] =>
    some.map((n) => ({ command, config, netns: `/run/netns/n${n}`, containerId: `n${n}` }));
  for (const n of numbers) sandbox.pod(`n${n}`);
  for (let round = 0; round < 10; round++) {
    await sandbox.cniAtOnce(calls("ADD", numbers.slice(0, 3)));
    const [come, go] = [calls("ADD", numbers.slice(3)), calls("DEL", numbers.slice(0, 3))];
    const done = await sandbox.cniAtOnce([...come, ...go]);
    const failed = done.filter(({ status }) => status !== 0).map(({ stdout }) => stdout);
    deepEqual(failed, []);
    look.there(done.slice(0, 3));
    await sandbox.cniAtOnce(calls("DEL", numbers));
    look.gone();
  }
}

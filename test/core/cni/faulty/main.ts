/**
 * A plugin with a mistake for each interface name it is given, to be built as a program.
 * @module
 */
import { networkConfig } from "../../../../core/cni/config.ts";
import { definePlugin } from "../../../../core/cni/plugin.ts";
import { runPlugin } from "../../../../core/cni/skeleton.ts";

const nothing = () => {};

function callNothing(): never {
  return (undefined as unknown as { x(): never }).x();
}

function overflow(depth: number): number {
  return overflow(depth + 1) + 1;
}

function fill(make: () => unknown): never {
  const kept: unknown[] = [];
  for (;;) kept.push(make());
}

const mistakes: Record<string, () => never | number> = {
  type: callNothing,
  stack: () => overflow(0),
  bytes: () => fill(() => new Uint8Array(1 << 20)),
  objects: () => fill(() => ({ a: [1] })),
  throw: () => {
    // biome-ignore lint/style/useThrowOnlyError: some library may
    throw "just text";
  },
};

runPlugin(
  definePlugin({
    type: "faulty",
    config: networkConfig,
    add({ ifName }) {
      mistakes[ifName]?.();
      return {};
    },
    del: nothing,
    check: nothing,
    gc: nothing,
    status: nothing,
  }),
);

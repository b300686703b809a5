/**
 * The modes of a kind of link: names in configurations, numbers in the kernel.
 * @module
 */

import * as z from "zod/mini";

/** What configuration, ADD and CHECK need of the modes of a kind. */
export interface LinkModes {
  /** The key `mode`; absent or empty it is the usual one. */
  readonly field: z.ZodMiniType<string, string | undefined>;
  /** The kernel's number of what the key said. */
  numberOf(name: string): number;
  /** What the key says for that number. */
  nameOf(mode: number | undefined): string;
}

/** @param numbers by name @param usual the name of the mode that an absent key means */
export function linkModes<N extends string>(
  kind: string,
  numbers: Readonly<Record<N, number>>,
  usual: NoInfer<N>,
): LinkModes {
  const byName: Readonly<Record<string, number>> = numbers;
  const isMode = (name: string) => name === "" || Object.hasOwn(byName, name);
  const text = z.string().check(
    z.refine(isMode, {
      error: ({ input }) => `unknown ${kind} mode: "${input}"`,
    }),
  );
  return {
    field: z._default(text, usual),
    numberOf: (name) => byName[name] ?? numbers[usual],
    nameOf: (mode) => Object.keys(byName).find((name) => byName[name] === mode) ?? String(mode),
  };
}

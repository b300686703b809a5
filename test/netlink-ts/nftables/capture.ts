import { readFileSync } from "node:fs";

const folder = new URL("./captures/", import.meta.url);

/** The `#:` line of a capture: one batch as nft or iptables sent it. */
export function capture(name: string): Uint8Array {
  const line = readFileSync(new URL(`${name}.txt`, folder), "utf8").match(/^#: ([0-9a-f]+)$/m)?.[1];
  if (line === undefined) throw new Error(`no "#:" line in ${name}.txt`);
  return new Uint8Array(Buffer.from(line, "hex"));
}

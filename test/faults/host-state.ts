/**
 * Everything a host keeps for attachments, by owner: what a model of it can be compared with.
 * @module
 */
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { compileC } from "../kernel/compile.ts";
import type { Outcome } from "../kernel/enter.ts";
import type { Sandbox } from "../kernel/sandbox.ts";

/** One moment of a host. */
export interface HostState {
  /** `net/c1:eth0 on br0` of each link that bears a mark, sorted. */
  links: string[];
  /** `net 10.1.0.5 c1 eth0` of each reservation, sorted. */
  reservations: string[];
  /** `net/c1:eth0/bridge.json` of each record and of whatever else lies there, sorted. */
  records: string[];
  /** `net/c1:eth0 any4 ["tcp",80] ["10.1.0.5",80]` of each element with a pod's mark, sorted. */
  elements: string[];
  /** The rest of the rule set: tables, chains, rules, sets, and elements that pods share. */
  rules: string[];
  /** `br0 10.1.0.1/24` of each bridge, sorted. */
  bridges: string[];
}

const reserved = /^[0-9a-f:.]*[0-9a-f]$/;

/** Reads it. @param dataDirs folders of host-local, as seen inside */
export function hostState(
  sandbox: Sandbox,
  dataDirs: readonly string[] = ["/var/lib/cni/networks"],
): HostState {
  const links = sandbox.ipJson("-d address");
  const { elements, rules } = ruleset(sandbox);
  return {
    links: links
      .filter(({ ifalias }) => ifalias !== undefined)
      .map(({ ifalias, master }) => `${ifalias} on ${master}`)
      .sort(),
    reservations: dataDirs.flatMap((dir) => reservationsIn(sandbox.path(dir))).sort(),
    records: filesBelow(sandbox.path("/run/netloom")).sort(),
    elements: [...new Set(elements)].sort(), // while the kernel resizes a set's table, a dump tells some twice
    rules,
    bridges: links.flatMap(bridgeRows).sort(),
  };
}

interface LinkRow {
  ifname: string;
  linkinfo?: { info_kind?: string };
  addr_info?: { scope: string; local: string; prefixlen: number }[];
}

function bridgeRows({ ifname, linkinfo, addr_info = [] }: LinkRow): string[] {
  if (linkinfo?.info_kind !== "bridge") return [];
  const global = addr_info.filter(({ scope }) => scope === "global");
  return [[ifname, ...global.map(({ local, prefixlen }) => `${local}/${prefixlen}`)].join(" ")];
}

function reservationsIn(dataDir: string): string[] {
  if (!existsSync(dataDir)) return [];
  return readdirSync(dataDir).flatMap((network) =>
    readdirSync(`${dataDir}/${network}`)
      .filter((name) => reserved.test(name))
      .map((ip) => {
        const content = textOf(`${dataDir}/${network}/${ip}`);
        return `${network} ${ip} ${content.replace("\r\n", " ")}`;
      }),
  );
}

/** A reservation is short; what is no file has no text. */
function textOf(path: string): string {
  const found = lstatSync(path);
  return found.isFile() && found.size < 1000 ? readFileSync(path, "latin1") : "(no reservation)";
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1));
}

function ruleset(sandbox: Sandbox): Pick<HostState, "elements" | "rules"> {
  const elements: string[] = [];
  const rules = sandbox.nftJson().map((object) => {
    const [kind, body] = Object.entries(object)[0] as [string, Record<string, unknown>];
    const { elem = [], handle: _, ...rest } = body;
    const rows = (elem as unknown[]).map(elementRow);
    const isOwned = (row: { owner: string }) => row.owner.includes("/");
    for (const { owner, text } of rows.filter(isOwned))
      elements.push(`${owner} ${rest["name"]} ${text}`);
    const shared = [...new Set(rows.filter((row) => !isOwned(row)).map(({ text }) => text))];
    return JSON.stringify({
      [kind]: { ...rest, ...(shared.length > 0 && { shared: shared.sort() }) },
    });
  });
  return { elements, rules };
}

/** nft prints an element of a set as it is, or as `{elem: {val, comment}}`; of a map as a pair of that and the value. */
// biome-ignore lint/suspicious/noExplicitAny: nft's JSON has no types
function elementRow(element: any): { owner: string; text: string } {
  const isPair = Array.isArray(element);
  const [key, value] = isPair ? element : [element];
  const { val = key, comment = "" } = key?.elem ?? {};
  return {
    owner: comment,
    text: [val, value]
      .filter((each) => each !== undefined)
      .map(plain)
      .join(" "),
  };
}

function plain(value: unknown): string {
  if (typeof value === "string") return value;
  const { concat } = value as { concat?: unknown[] };
  return Array.isArray(concat) ? concat.map(plain).join(",") : JSON.stringify(value);
}

/** A published port that something in the pod's namespace is to answer on. */
export interface AskedPort {
  netns: string;
  protocol: string;
  containerPort: number;
  hostPort: number;
  /** Default 192.0.2.1: the host as the outside sees it. */
  address?: string;
}

/**
 * Lets every pod listen, asks all ports from the outside at once, and ends the listeners.
 * @returns what is wrong, a line each: nobody answered, or another pod did
 */
export function wrongAnswers(
  sandbox: Sandbox,
  ports: readonly AskedPort[],
  client = "outside",
): string[] {
  if (ports.length === 0) return [];
  const rows = ports.map(({ netns, protocol, containerPort, address = "192.0.2.1", hostPort }) =>
    [netns, protocol, containerPort, address, hostPort].join(" "),
  );
  const program = compileC(fileURLToPath(new URL("./ports.c", import.meta.url)));
  const done: Outcome = sandbox.run([program, `/run/netns/${client}`], {
    input: `${rows.join("\n")}\n`,
  });
  if (done.status !== 0) throw new Error(`ports: ${done.stderr}`);
  const answers = done.stdout.trim().split("\n");
  return rows.flatMap((row, at) => {
    const answer = answers[at] ?? "nothing";
    if (answer === String(at)) return [];
    return [
      `${row}: ${rows[Number(answer)] === undefined ? answer : `answered by ${rows[Number(answer)]}`}`,
    ];
  });
}

import { ok } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { conntrackMessage } from "netlink-ts/conntrack/conntrack.ts";
import { Connection } from "netlink-ts/netlink/connection.ts";
import { Frames } from "netlink-ts/netlink/frame.ts";
import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { batchMessage } from "netlink-ts/nftables/batch.ts";
import { chainMessage } from "netlink-ts/nftables/chain.ts";
import { elementsMessage } from "netlink-ts/nftables/element.ts";
import { generationMessage } from "netlink-ts/nftables/generation.ts";
import { ruleMessage as nftRuleMessage } from "netlink-ts/nftables/rule.ts";
import { setMessage } from "netlink-ts/nftables/set.ts";
import { tableMessage } from "netlink-ts/nftables/table.ts";
import { addressMessage, getAddress, newAddress } from "netlink-ts/route/address.ts";
import { bridgeLinkMessage } from "netlink-ts/route/bridge-link.ts";
import { classMessage } from "netlink-ts/route/class.ts";
import { filterMessage } from "netlink-ts/route/filter.ts";
import { linkMessage, linkOverviewMessage } from "netlink-ts/route/link.ts";
import { neighbourMessage } from "netlink-ts/route/neighbour.ts";
import { qdiscMessage } from "netlink-ts/route/qdisc.ts";
import { routeMessage } from "netlink-ts/route/route.ts";
import { ruleMessage } from "netlink-ts/route/rule.ts";
import { FakeKernel } from "netlink-ts/testing/fake-kernel.ts";
import { fuzz, mutate, randomNumbers } from "netlink-ts/testing/fuzz.ts";
import { truncations } from "netlink-ts/testing/truncation.ts";
import { DecodeError } from "netlink-ts/wire/decode-error.ts";

import { capture } from "./capture.ts";
import { capture as nftCapture } from "./nftables/capture.ts";

/** A longer run: `NETLINK_FUZZ_ROUNDS=100000 NETLINK_FUZZ_SEED=7 npx mocha test/netlink-ts/fuzz.test.ts`. */
const rounds = Number(process.env.NETLINK_FUZZ_ROUNDS ?? 4500);
const seed = Number(process.env.NETLINK_FUZZ_SEED ?? 1);

const files = (folder: string): string[] =>
  readdirSync(new URL(`./${folder}/captures/`, import.meta.url)).map((file) =>
    file.replace(/\.\w+$/, ""),
  );

/** Captures of a folder whose name starts so. */
const captures = (folder: string, start: RegExp): Uint8Array[] =>
  files(folder)
    .filter((name) => start.test(name))
    .map((name) => capture(`${folder}/captures/${name}`));

/** Payloads of these types in the captured nf_tables batches. */
const nftPayloads = (...types: number[]): Uint8Array[] =>
  files("nftables").flatMap((name) => {
    const found: Uint8Array[] = [];
    const frames = new Frames(nftCapture(name));
    while (frames.next()) {
      if (types.includes(frames.type)) found.push(frames.reader.slice().slice());
    }
    return found;
  });

const link = captures("route", /^(link|port|veth|bridge-create|macvlan|vlan|ipvlan|vrf|dummy)/);
const generation = generationMessage.encode({ family: 0, id: 5 } as never);
// biome-ignore lint/suspicious/noExplicitAny: messages of every type side by side
const codecs: Record<string, [message: any, captures: Uint8Array[]]> = {
  linkMessage: [linkMessage, link],
  linkOverviewMessage: [linkOverviewMessage, link],
  bridgeLinkMessage: [bridgeLinkMessage, captures("route", /^bridge-(link|vlan)/)],
  addressMessage: [addressMessage, captures("route", /^address/)],
  routeMessage: [routeMessage, captures("route", /^route/)],
  neighbourMessage: [neighbourMessage, captures("route", /^neighbour/)],
  ruleMessage: [ruleMessage, captures("route", /^rule/)],
  qdiscMessage: [qdiscMessage, captures("route", /^qdisc/)],
  classMessage: [classMessage, captures("route", /^class/)],
  filterMessage: [filterMessage, captures("route", /^filter/)],
  conntrackMessage: [conntrackMessage, captures("conntrack", /^/)],
  "nftables batchMessage": [batchMessage, nftPayloads(0x10, 0x11)],
  "nftables tableMessage": [tableMessage, nftPayloads(0xa00, 0xa01, 0xa02)],
  "nftables chainMessage": [chainMessage, nftPayloads(0xa03, 0xa04, 0xa05)],
  "nftables ruleMessage": [nftRuleMessage, nftPayloads(0xa06, 0xa07, 0xa08)],
  "nftables setMessage": [setMessage, nftPayloads(0xa09, 0xa0a, 0xa0b)],
  "nftables elementsMessage": [elementsMessage, nftPayloads(0xa0c, 0xa0d, 0xa0e)],
  "nftables generationMessage": [generationMessage, [generation]],
};

for (const [name, [message, samples]] of Object.entries(codecs)) {
  describe(name, () => {
    it("decodes mutations to a DecodeError or to what encodes and decodes to the same", function () {
      const { accepted, refused } = fuzz(message, samples, { seed, rounds });
      this.test!.title += `: ${rounds} from seed ${seed}`;
      ok(accepted > 0 && refused > 0);
    });
    it("decodes every truncation to a DecodeError or to a shorter message", () => {
      for (const sample of samples) truncations(message, sample);
    });
  });
}

describe("Connection", () => {
  it("survives any answer", () => {
    const random = randomNumbers(seed);
    const payloads = captures("route", /^address/);
    for (let round = 0; round < rounds; round++) {
      const isRefused = random() % 2 === 0;
      const refused = { errno: 17, extendedAck: { message: "Taken", offset: 24 } };
      const kernel = new FakeKernel(() => (isRefused ? refused : { payloads }));
      const receive = kernel.receive.bind(kernel);
      kernel.receive = () => mutate(receive(), random);
      const connection = new Connection(kernel);
      survives(() => connection.dump(getAddress, { family: 2 }));
      survives(() => connection.execute(newAddress, { family: 2, label: "x" }));
    }
  });
});

/** A mutated answer may be refused, be an error, or never be an answer, so that a real socket would wait. */
function survives(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    const isExpected =
      error instanceof DecodeError ||
      error instanceof NetlinkError ||
      (error instanceof Error && error.message.startsWith("the fake kernel"));
    if (!isExpected) throw error;
  }
}

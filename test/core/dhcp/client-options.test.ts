import { deepEqual, equal, throws } from "node:assert/strict";
import { clientId, leaseName } from "../../../core/dhcp/client-id.ts";
import { looseCniArgs, readClientOptions } from "../../../core/dhcp/client-options.ts";

const text = (bytes: Uint8Array | undefined) => bytes && new TextDecoder().decode(bytes);

describe("readClientOptions", () => {
  const asked = (...entries: { option?: string; skipDefault?: boolean }[]) =>
    readClientOptions(entries).request;

  it("asks for routers and mask behind what is requested, nothing twice", () => {
    deepEqual(asked(), [3, 1]);
    deepEqual(
      asked({ option: "12" }, { option: "host-name" }, { option: "subnet-mask" }),
      [12, 1, 3],
    );
  });

  it("leaves these two out when any entry says so, one without an option too", () => {
    deepEqual(asked({ option: "26" }, { skipDefault: true }), [26]);
  });

  it("asks for what the reference's library asks for when nothing is left", () => {
    deepEqual(asked({ option: "", skipDefault: true }), [1, 3, 15, 6]);
  });

  it("takes the value of CNI_ARGS before that of the configuration", () => {
    const entry = { option: "host-name", value: "a", fromArg: "NAME" };
    const provided = (args: string) =>
      text(readClientOptions([], [entry], looseCniArgs(args)).provide.get(12));
    equal(provided("X=1;NAME=b=c;junk"), "b=c");
    equal(provided("X=1"), "a");
  });

  const refusals: [entry: { option: string; value?: string; fromArg?: string }, message: string][] =
    [
      [
        { option: "doNotparseMe" },
        'Can not parse option "doNotparseMe": Can not parse option: strconv.ParseUint: parsing "doNotparseMe": invalid syntax',
      ],
      [
        { option: "256" },
        'Can not parse option "256": Can not parse option: strconv.ParseUint: parsing "256": value out of range',
      ],
      [
        { option: "-1" },
        'Can not parse option "-1": Can not parse option: strconv.ParseUint: parsing "-1": invalid syntax',
      ],
      [
        { option: "toString" },
        'Can not parse option "toString": Can not parse option: strconv.ParseUint: parsing "toString": invalid syntax',
      ],
      [
        { option: "60", value: "x".repeat(256) },
        `value too long for option "60": "${"x".repeat(256)}"`,
      ],
      [
        { option: "60", fromArg: "LONG" },
        `value too long for option "60" from CNI_ARGS "LONG": "${"é".repeat(128)}"`,
      ],
      [
        { option: "53", value: "x" },
        '"provide" names option "53", which belongs to the protocol itself',
      ],
    ];
  for (const [entry, message] of refusals) {
    it(`refuses ${JSON.stringify(entry).slice(0, 60)}`, () => {
      const args = looseCniArgs(`LONG=${"é".repeat(128)}`);
      throws(() => readClientOptions([], [entry], args), { name: "CniError", code: 7, message });
    });
  }
});

describe("clientId", () => {
  it("is the reference's: a zero and container, network, interface", () => {
    const id = clientId({ containerId: "c1", network: "n", ifname: "eth0" });
    deepEqual(id, Uint8Array.of(0, ...new TextEncoder().encode("c1/n/eth0")));
  });

  it("has at most 255 bytes, cut in a character if need be", () => {
    const attachment = { containerId: "c", network: "é".repeat(200), ifname: "eth0" };
    equal(leaseName(attachment).length, 254);
    equal(clientId(attachment).length, 255);
  });
});

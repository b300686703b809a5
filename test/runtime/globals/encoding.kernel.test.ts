import { deepEqual, equal } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, thrownOnHost } from "../program.ts";

describeKernel("TextEncoder, TextDecoder", () => {
  after(removeFolders);

  it("agree with Node on texts of every kind", () => {
    const texts = ["", "a", "ä€😀", "\ud800x", "x\udc00", "\ufeffbom", "\0", "😀".repeat(1000)];
    const bytes = onHost((_, texts) => texts.map((text) => new TextEncoder().encode(text)), texts);
    deepEqual(
      bytes,
      texts.map((text) => [...new TextEncoder().encode(text)] as unknown),
    );
  });
  it("decode as Node does, right or wrong", () => {
    const inputs = [
      [],
      [65],
      [0xc3, 0xa4],
      [0xef, 0xbb, 0xbf, 65],
      [0xff, 65],
      [0xe2, 0x82],
      [0xed, 0xa0, 0x80],
      [0xf0, 0x9f, 0x98],
      [0xc0, 0x80],
    ];
    const texts = onHost(
      (_, inputs) => inputs.map((bytes) => new TextDecoder().decode(new Uint8Array(bytes))),
      inputs,
    );
    deepEqual(
      texts,
      inputs.map((bytes) => new TextDecoder().decode(new Uint8Array(bytes))),
    );
  });
  it("fatal refuses, ignoreBOM keeps", () => {
    const told = onHost(() => [
      new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 66])),
      new TextDecoder("UTF-8", { ignoreBOM: true }).decode(new Uint8Array([0xef, 0xbb, 0xbf, 66]))
        .length,
    ]);
    deepEqual(told, ["B", 2]);
    const thrown = thrownOnHost(() =>
      new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array([65, 0xff])),
    );
    deepEqual([thrown?.name, thrown?.message], ["TypeError", "decode: not UTF-8 at byte 1"]);
  });
  it("decode a part of a buffer, or a buffer", () => {
    deepEqual(
      onHost(() => {
        const bytes = new Uint8Array([65, 66, 67]);
        return [
          new TextDecoder().decode(bytes.subarray(1, 2)),
          new TextDecoder().decode(bytes.buffer),
          new TextDecoder().decode(),
        ];
      }),
      ["B", "ABC", ""],
    );
  });
  it("know UTF-8 only", () => {
    equal(
      thrownOnHost(() => new TextDecoder("latin1"))?.message,
      'TextDecoder: want label "utf-8", got "latin1"',
    );
  });
  it("refuse to decode in pieces", () => {
    equal(
      thrownOnHost(() => new TextDecoder().decode(new Uint8Array(1), { stream: true }))?.message,
      'decode: the option "stream" is not supported',
    );
  });
  it("are classes", () => {
    deepEqual(
      onHost(() => [
        new TextEncoder() instanceof TextEncoder,
        new TextDecoder().encoding,
        TextEncoder.name,
      ]),
      [true, "utf-8", "TextEncoder"],
    );
  });
});

import { deepEqual, equal, match, throws } from "node:assert/strict";
import { formatMac, parseMac } from "../../../core/net/address.ts";
import { readSaved, removeSaved, savedPath, writeSaved } from "../../../plugins/tuning/saved.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const path = "/run/cni/tuning/c1_eth0.json";
// as the reference 1.9.1 wrote it
const theirs = `{
 "mac": "c6:64:bf:83:a8:9b",
 "promisc": false,
 "mtu": 1500,
 "allmulti": false,
 "txQLen": 1000
}`;
const settings = {
  mac: parseMac("c6:64:bf:83:a8:9b"),
  promisc: false,
  mtu: 1500,
  allmulti: false,
  txQLen: 1000,
};

describe("savedPath", () => {
  it("is the reference's", () => {
    const attachment = { network: "n", containerId: "c1", ifname: "eth0" };
    equal(savedPath("/run/cni/tuning", attachment), path);
    equal(savedPath("/run/cni/tuning//", attachment), path);
  });
});

describe("writeSaved", () => {
  it("writes the reference's bytes, for root alone", () => {
    const host = useHost(new FakeHost());
    writeSaved(path, settings);
    equal(host.text(path), theirs);
    equal(host.stat(path).mode & 0o777, 0o600);
  });
  it("leaves out what is not changed", () => {
    const host = useHost(new FakeHost());
    writeSaved(path, { mtu: 1500 });
    equal(host.text(path), '{\n "mtu": 1500\n}');
  });
});

describe("readSaved", () => {
  const warnings: string[] = [];
  const read = (text: string) => {
    warnings.length = 0;
    useHost(new FakeHost({ files: { [path]: text } }));
    const found = readSaved(path, (line) => warnings.push(line));
    return found && { ...found, ...(found.mac && { mac: formatMac(found.mac) }) };
  };
  it("reads the reference's file", () => {
    deepEqual(read(theirs), { ...settings, mac: "c6:64:bf:83:a8:9b" });
  });
  it("is undefined without a file, in silence", () => {
    useHost(new FakeHost());
    equal(
      readSaved(path, () => match("", /no warning/)),
      undefined,
    );
  });
  for (const text of [
    "",
    "{",
    "[]",
    "null",
    '{"mtu":"x"}',
    '{"mac":"zz","mtu":1}',
    '{"mtu":1.5}',
  ]) {
    it(`uses nothing of ${JSON.stringify(text)}, and says so`, () => {
      equal(read(text), undefined);
      match(warnings.join(), /^restores nothing from "\/run\/cni\/tuning\/c1_eth0\.json": /);
    });
  }
  it("does not take a failing disk for a broken file", () => {
    const host = useHost(new FakeHost({ files: { [path]: theirs } }));
    host.failOn("read", "EIO");
    throws(() => readSaved(path, () => {}), /EIO/);
  });
});

describe("removeSaved", () => {
  it("removes the file, and lives without one", () => {
    const host = useHost(new FakeHost({ files: { [path]: theirs } }));
    for (const _ of "12") removeSaved(path);
    equal(host.text(path), undefined);
  });
});

import { deepEqual, equal, match, throws } from "node:assert/strict";
import { formatMac, parseMac } from "../../../core/net/address.ts";
import type { LinkSettings } from "../../../plugins/tuning/config.ts";
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
  const read = (text: string, recorded?: LinkSettings) => {
    warnings.length = 0;
    useHost(new FakeHost({ files: { [path]: text } }));
    const found = readSaved(path, recorded, (line) => warnings.push(line));
    return found && { ...found, ...(found.mac && { mac: formatMac(found.mac) }) };
  };
  it("reads the reference's file", () => {
    deepEqual(read(theirs), { ...settings, mac: "c6:64:bf:83:a8:9b" });
  });
  it("is undefined without a file, in silence", () => {
    useHost(new FakeHost());
    equal(
      readSaved(path, settings, () => match("", /no warning/)),
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
    it(`takes what was recorded for ${JSON.stringify(text)}, and says so`, () => {
      deepEqual(read(text, { mtu: 1500 }), { mtu: 1500 });
      match(warnings.join(), /from "\/run.*\/c1_eth0\.json", but what the record says was in it: /);
    });
  }
  it("believes a file that can be read more than the record", () => {
    deepEqual(read('{"mtu":1300}', { mtu: 1500, promisc: true }), { mtu: 1300 });
    deepEqual(warnings, []);
  });
  it("takes a file in the place of the folder for a loss where there was one", () => {
    useHost(new FakeHost({ files: { "/run/cni/tuning": "" } }));
    equal(
      readSaved(path, undefined, () => match("", /no warning/)),
      undefined,
    );
    equal(
      readSaved(path, settings, (line) => match(line, /ENOTDIR/)),
      settings,
    );
  });
  it("does not take a failing disk for a broken file", () => {
    const host = useHost(new FakeHost({ files: { [path]: theirs } }));
    host.failOn("read", "EIO");
    throws(() => readSaved(path, settings, () => {}), /EIO/);
  });
});

describe("removeSaved", () => {
  it("removes the file, and lives without one", () => {
    const host = useHost(new FakeHost({ files: { [path]: theirs } }));
    for (const _ of "12") removeSaved(path);
    equal(host.text(path), undefined);
  });
  it("removes an empty folder in its place, and names one that holds something", () => {
    const host = useHost(new FakeHost());
    host.putDirectory(path);
    removeSaved(path);
    throws(() => host.stat(path), /ENOENT/);
    host.put(`${path}/file`, "");
    removeSaved(path);
    match(host.stderr, /leaves ".*c1_eth0\.json" alone: it is a directory/);
  });
});

import { deepEqual, equal, match, throws } from "node:assert/strict";
import * as z from "zod/mini";
import {
  readRecord,
  recordedAttachments,
  recordFault,
  removeRecord,
  usableRecord,
  writeRecord,
} from "../../../core/state/record.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const attachment = { network: "n1", containerId: "c1", ifname: "eth0" };
const path = "/run/netloom/n1/c1:eth0/bridge.json";
const schema = z.object({ link: z.string() });

function newHost(): FakeHost {
  const host = useHost(new FakeHost());
  host.putDirectory("/run");
  return host;
}

describe("writeRecord", () => {
  it("keeps whose it is and the value, for root alone", () => {
    const host = newHost();
    writeRecord(attachment, "bridge", { link: "veth1" });
    deepEqual(JSON.parse(host.text(path) ?? ""), { ...attachment, value: { link: "veth1" } });
    equal(host.stat(path).mode & 0o777, 0o600);
    equal(host.stat("/run/netloom/n1/c1:eth0").mode & 0o777, 0o700);
  });

  it("replaces an older record", () => {
    newHost();
    writeRecord(attachment, "bridge", { link: "a much longer name" });
    writeRecord(attachment, "bridge", { link: "b" });
    deepEqual(readRecord(attachment, "bridge", schema), { link: "b" });
  });

  it("leaves the old record when the disk is full", () => {
    const host = newHost();
    writeRecord(attachment, "bridge", { link: "a" });
    host.full = "ENOSPC";
    throws(() => writeRecord(attachment, "bridge", { link: "b" }), /ENOSPC/);
    deepEqual(readRecord(attachment, "bridge", schema), { link: "a" });
    deepEqual(host.list(), [path]);
  });

  it("makes the directory again when another attachment's DEL has just removed it", () => {
    const host = newHost();
    host.failOn("open", "ENOENT", "/run/netloom/n1/c1:eth0");
    writeRecord(attachment, "bridge", { link: "a" });
    deepEqual(host.list(), [path]);
  });

  it("writes through no link in the place of the directory", () => {
    const host = newHost();
    host.putDirectory("/run/netloom/n1", 0o700);
    host.putDirectory("/etc");
    host.symlink("/etc", "/run/netloom/n1/c1:eth0");
    throws(
      () => writeRecord(attachment, "bridge", {}),
      /"\/run\/netloom\/n1\/c1:eth0" is no directory/,
    );
  });
});

describe("readRecord", () => {
  it("is undefined without a word when there is none", () => {
    const host = newHost();
    equal(readRecord(attachment, "bridge", schema), undefined);
    equal(host.stderr, "");
  });

  const broken: [string, string, RegExp][] = [
    ["an empty file", "", /JSON/],
    ["half a record", '{"network":"n1","cont', /JSON/],
    ["null", "null", /it is no record/],
    ["other JSON", "[1]", /it is no record/],
    [
      "another attachment's",
      JSON.stringify({ ...attachment, containerId: "c2", value: { link: "x" } }),
      /it belongs to another attachment/,
    ],
    [
      "a bad value",
      JSON.stringify({ ...attachment, value: { link: 5 } }),
      /bad value at "value\.link"/,
    ],
    ["no value", JSON.stringify(attachment), /it is no record/],
    ["a huge file", " ".repeat(5_000_000), /has more than 4194304 bytes/],
  ];
  for (const [name, content, why] of broken) {
    it(`names ${name} and steps over it`, () => {
      const host = newHost();
      host.put(path, content);
      equal(readRecord(attachment, "bridge", schema), undefined);
      match(host.stderr, /^netloom.*: steps over "\/run\/netloom\/n1\/c1:eth0\/bridge\.json": /);
      match(host.stderr, why);
    });
  }

  it("steps over bytes that are not UTF-8", () => {
    const host = newHost();
    host.put(path, Uint8Array.of(0x22, 0xff, 0x22));
    equal(readRecord(attachment, "bridge", schema), undefined);
    match(host.stderr, /steps over/);
  });

  it("steps over a symbolic link", () => {
    const host = newHost();
    host.put("/elsewhere", JSON.stringify({ ...attachment, value: { link: "x" } }));
    host.putDirectory("/run/netloom/n1/c1:eth0");
    host.symlink("/elsewhere", path);
    equal(readRecord(attachment, "bridge", schema), undefined);
    match(host.stderr, /ELOOP/);
  });

  it("finds names that are too long for a file", () => {
    const host = newHost();
    const long = { network: "n".repeat(300), containerId: "c".repeat(300), ifname: "eth0" };
    writeRecord(long, "bridge", { link: "a" });
    writeRecord({ ...long, ifname: "eth1" }, "bridge", { link: "b" });
    deepEqual(readRecord(long, "bridge", schema), { link: "a" });
    equal(
      host.list().every((each) => each.split("/").every((part) => part.length <= 200)),
      true,
    );
    deepEqual(
      recordedAttachments(long.network, "bridge").map(({ ifname }) => ifname),
      ["eth0", "eth1"],
    );
  });
});

describe("usableRecord", () => {
  const use = () => usableRecord(attachment, "bridge", (of) => readRecord(of, "bridge", schema));
  const refusal = { code: 999, message: `the record "${path}" cannot be used` };

  it("is what the reader makes of it", () => {
    newHost();
    writeRecord(attachment, "bridge", { link: "a" });
    deepEqual(use(), { link: "a" });
  });

  it("is undefined without one, be it that its directories are there", () => {
    const host = newHost();
    equal(use(), undefined);
    host.putDirectory("/run/netloom/n1/c1:eth0");
    equal(use(), undefined);
  });

  it("refuses by name what cannot be read", () => {
    newHost().put(path, "{");
    throws(use, refusal);
    newHost().putDirectory(path);
    throws(use, refusal);
  });

  it("refuses a file in the place of the directory above", () => {
    newHost().put("/run/netloom/n1/c1:eth0", "");
    throws(use, refusal);
  });

  it("refuses what the reader does not take", () => {
    newHost();
    writeRecord(attachment, "bridge", { link: "a" });
    throws(() => usableRecord(attachment, "bridge", () => undefined), refusal);
  });
});

describe("recordFault", () => {
  it("tells a missing record from one that cannot be used", () => {
    const host = newHost();
    equal(recordFault(attachment, "bridge"), "the record of this attachment is missing");
    host.put(path, "{");
    equal(recordFault(attachment, "bridge"), `the record "${path}" cannot be used`);
  });
});

describe("removeRecord", () => {
  it("removes the record and the directories that are empty then", () => {
    const host = newHost();
    writeRecord(attachment, "bridge", {});
    removeRecord(attachment, "bridge");
    throws(() => host.stat("/run/netloom/n1"), /ENOENT/);
  });

  it("keeps other plugins' records and other attachments", () => {
    const host = newHost();
    writeRecord(attachment, "bridge", {});
    writeRecord(attachment, "portmap", {});
    writeRecord({ ...attachment, ifname: "eth1" }, "bridge", {});
    removeRecord(attachment, "bridge");
    deepEqual(host.list(), [
      "/run/netloom/n1/c1:eth0/portmap.json",
      "/run/netloom/n1/c1:eth1/bridge.json",
    ]);
  });

  it("is content when there is nothing", () => {
    newHost();
    removeRecord(attachment, "bridge");
    removeRecord(attachment, "bridge");
  });

  it("takes away what a killed writer left", () => {
    const host = newHost();
    writeRecord(attachment, "bridge", {});
    host.put("/run/netloom/n1/c1:eth0/.netloom-tmp-0011223344556677", "{");
    removeRecord(attachment, "bridge");
    deepEqual(host.list("/run"), []);
  });
});

describe("removeRecord of what is no file", () => {
  it("removes an empty directory in its place", () => {
    const host = newHost();
    host.putDirectory("/run/netloom/n1/c1:eth0/bridge.json");
    removeRecord(attachment, "bridge");
    throws(() => host.stat("/run/netloom/n1"), /ENOENT/);
  });

  it("names a directory that holds something, and leaves it", () => {
    const host = newHost();
    host.put("/run/netloom/n1/c1:eth0/bridge.json/file", "");
    removeRecord(attachment, "bridge");
    match(host.stderr, /leaves ".*bridge\.json" alone: it is a directory/);
    deepEqual(host.list("/run/netloom"), ["/run/netloom/n1/c1:eth0/bridge.json/file"]);
  });

  it("removes a file in the place of the attachment's directory", () => {
    const host = newHost();
    host.put("/run/netloom/n1/c1:eth0", "x");
    removeRecord(attachment, "bridge");
    throws(() => host.stat("/run/netloom/n1"), /ENOENT/);
  });

  it("is content with a file in the place of the network's directory", () => {
    const host = newHost();
    host.put("/run/netloom/n1", "x");
    removeRecord(attachment, "bridge");
    deepEqual(host.list("/run/netloom"), ["/run/netloom/n1"]);
  });
});

describe("recordedAttachments", () => {
  it("lists those of the network that the plugin has a record of", () => {
    newHost();
    writeRecord(attachment, "bridge", {});
    writeRecord({ ...attachment, containerId: "c2" }, "bridge", {});
    writeRecord({ ...attachment, containerId: "c3" }, "portmap", {});
    writeRecord({ ...attachment, network: "n2" }, "bridge", {});
    deepEqual(recordedAttachments("n1", "bridge"), [
      attachment,
      { ...attachment, containerId: "c2" },
    ]);
  });

  it("is empty without the directory", () => {
    newHost();
    deepEqual(recordedAttachments("n1", "bridge"), []);
  });

  it("names broken and misplaced ones, and takes them for those of their directory", () => {
    const host = newHost();
    host.put("/run/netloom/n1/c0:eth0/bridge.json", "{");
    host.put("/run/netloom/n1/c2:eth0/bridge.json", JSON.stringify({ ...attachment, value: 1 }));
    host.putDirectory("/run/netloom/n1/c3:eth0/bridge.json");
    host.put("/run/netloom/n1/a-file", "");
    host.put(`/run/netloom/n1/${"c".repeat(120)}~0011/bridge.json`, "{");
    writeRecord(attachment, "bridge", {});
    deepEqual(
      recordedAttachments("n1", "bridge").map(({ containerId }) => containerId),
      ["c0", "c2", "c3", "c1"],
    );
    match(host.stderr, /c0:eth0.*JSON[\s\S]*c2:eth0.*another attachment/);
  });
});

import { deepEqual, equal, throws } from "node:assert/strict";
import { type LeaseFile, LeaseStore } from "../../dhcp-proxy/store.ts";
import { FakeHost, useHost } from "../fake-host.ts";

const boot = "b9d51b98-0c39-401e-9d1b-2c068c25e606";
const folder = "/run/netloom/.dhcp";

function world(bootId = boot) {
  const files = { "/proc/sys/kernel/random/boot_id": `${bootId}\n` };
  return useHost(new FakeHost({ files }));
}

const file = (containerId = "c1"): LeaseFile => ({
  request: {
    network: "lan",
    containerId,
    ifname: "eth0",
    request: [3],
    provide: [[12, [97]]],
    priority: 0,
  },
  namespace: { path: "/run/netns/p1", file: "4:1", cookie: "" },
  ipv4: {
    mac: [2, 0, 0, 0, 0, 1],
    lease: {
      address: "192.0.2.5/24",
      serverId: "192.0.2.2",
      routes: [{ dst: "0.0.0.0/0", gw: "192.0.2.2" }],
      acquiredAtMs: 1,
      renewAtMs: 2,
      rebindAtMs: 3,
      expiresAtMs: null,
    },
  },
});

function readAll(store: LeaseStore) {
  const skipped: string[] = [];
  const files = store.read((path, why) => skipped.push(`${path}: ${why}`));
  return { files, skipped };
}

describe("LeaseStore", () => {
  it("reads what it wrote", () => {
    world();
    new LeaseStore("").write(file());
    deepEqual(readAll(new LeaseStore("")), { files: [file()], skipped: [] });
  });

  it("reads what it wrote of IPv6", () => {
    world();
    const times = { acquiredAtMs: 1, renewAtMs: 2, rebindAtMs: null, expiresAtMs: 4 };
    const addresses = [{ address: "2001:db8::5", preferredUntilMs: 3, validUntilMs: null }];
    const dns = { nameservers: ["2001:db8::53"], search: ["six"] };
    const both: LeaseFile = {
      ...file(),
      ipv6: { lease: { addresses, serverId: "0004", dns, ...times } },
      slaac: { addresses: ["2001:db8::6/64"], gateway: "fe80::1", dns },
    };
    new LeaseStore("").write(both);
    deepEqual(readAll(new LeaseStore("")), { files: [both], skipped: [] });
  });

  it("names a file by its attachment, below the prefix, for root alone", () => {
    const fake = world();
    new LeaseStore("/host").write(file());
    const path = `/host${folder}/lan:c1:eth0.json`;
    equal(fake.stat(path).mode & 0o777, 0o600);
    equal(fake.stat(`/host${folder}`).mode & 0o777, 0o700);
  });

  it("keeps the names of long attachments apart", () => {
    world();
    const store = new LeaseStore("");
    const names = ["a", "b"].map((end) => `${"x".repeat(250)}${end}`);
    for (const name of names) store.write(file(name));
    deepEqual(
      readAll(store)
        .files.map(({ request }) => request.containerId)
        .sort(),
      names,
    );
  });

  it("removes a file, also one that is not there", () => {
    world();
    const store = new LeaseStore("");
    store.write(file());
    store.remove(file().request);
    store.remove(file().request);
    deepEqual(readAll(store).files, []);
  });

  it("reads nothing where there is no folder", () => {
    world();
    deepEqual(readAll(new LeaseStore("")), { files: [], skipped: [] });
  });

  it("removes what another boot left, and what a kill left half written", () => {
    const fake = world();
    const store = new LeaseStore("");
    store.write(file());
    fake.put(`${folder}/.netloom-tmp-12`, "half");
    fake.put("/proc/sys/kernel/random/boot_id", boot.replace("b", "a"));
    deepEqual(readAll(new LeaseStore("")).files, []);
    deepEqual(fake.list(folder), []);
  });

  for (const [text, why] of [
    ["", /JSON/],
    ["null", /it is no lease/],
    ['{"bootId":"x"}', /it is no lease: bad value at "request"/],
    ["x".repeat((1 << 20) + 1), /has more than 1048576 bytes/],
  ] as const) {
    it(`passes over ${JSON.stringify(text.slice(0, 20))} and leaves it there`, () => {
      const fake = world();
      const store = new LeaseStore("");
      store.write(file());
      fake.put(`${folder}/z.json`, text);
      const { files, skipped } = readAll(store);
      equal(files.length, 1);
      equal(skipped.length, 1);
      equal(why.test(skipped[0] ?? ""), true, skipped[0]);
      equal(fake.text(`${folder}/z.json`), text);
    });
  }

  it("passes over a lease under another's name", () => {
    const fake = world();
    const store = new LeaseStore("");
    store.write(file());
    fake.put(`${folder}/lan:c2:eth0.json`, fake.text(`${folder}/lan:c1:eth0.json`) ?? "");
    deepEqual(readAll(store).skipped, [
      `${folder}/lan:c2:eth0.json: it belongs to another attachment`,
    ]);
  });

  it("fails when the disk is full, and leaves what was there", () => {
    const fake = world();
    const store = new LeaseStore("");
    store.write(file());
    fake.failOn("write", "ENOSPC");
    throws(() => store.write({ ...file(), namespace: { path: "/other", file: "", cookie: "" } }), {
      code: "ENOSPC",
    });
    deepEqual(readAll(store).files, [file()]);
  });
});

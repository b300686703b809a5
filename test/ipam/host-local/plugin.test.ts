import { deepEqual, equal, match } from "node:assert/strict";
import { directory, Node, type NodeCall } from "./node.ts";

const twoSets = {
  ranges: [[{ subnet: "10.0.0.0/29" }], [{ subnet: "10.0.1.0/29" }]],
};
const ledger = `${directory}/.netloom-ledger`;

describe("host-local ADD", () => {
  it("writes upstream's files to the byte", () => {
    const node = new Node();
    deepEqual(node.call("ADD").json, {
      cniVersion: "1.1.0",
      ips: [{ address: "10.0.0.2/29", gateway: "10.0.0.1" }],
    });
    const { host } = node;
    equal(host.text(`${directory}/10.0.0.2`), "c1\r\neth0");
    equal(host.text(`${directory}/last_reserved_ip.0`), "10.0.0.2");
    equal(host.text(`${directory}/lock`), "");
    equal(host.stat(`${directory}/10.0.0.2`).mode & 0o777, 0o600);
    equal(host.stat(`${directory}/last_reserved_ip.0`).mode & 0o777, 0o600);
    equal(host.stat(`${directory}/lock`).mode & 0o777, 0o750);
    equal(host.stat(directory).mode & 0o777, 0o755);
  });

  it("goes round robin, also over an address that was just freed", () => {
    const node = new Node();
    deepEqual(node.add(), ["10.0.0.2"]);
    node.call("DEL");
    deepEqual(node.add(), ["10.0.0.3"]);
  });

  it("replaces a longer last_reserved_ip whole", () => {
    const node = new Node();
    node.host.put(`${directory}/last_reserved_ip.0`, "a text that is no address at all");
    node.add();
    equal(node.host.text(`${directory}/last_reserved_ip.0`), "10.0.0.2");
  });

  it("does not write through a symbolic link in the place of last_reserved_ip", () => {
    const node = new Node();
    node.host.put("/etc/passwd", "root");
    node.host.putDirectory(directory);
    node.host.symlink("/etc/passwd", `${directory}/last_reserved_ip.0`);
    node.add();
    equal(node.host.text("/etc/passwd"), "root");
    equal(node.host.text(`${directory}/last_reserved_ip.0`), "10.0.0.2");
  });

  it("takes a reservation with bad content for taken", () => {
    const node = new Node();
    node.putForeign("10.0.0.2", "");
    node.putForeign("10.0.0.3", "\0\0\0");
    node.host.symlink("/nowhere", `${directory}/10.0.0.4`);
    node.host.putDirectory(`${directory}/10.0.0.5`);
    deepEqual(node.add(), ["10.0.0.6"]);
  });

  it("refuses a second time while the first is alive, and leaves that alone", () => {
    const node = new Node();
    node.add();
    const before = node.reservations();
    const { json } = node.call("ADD");
    equal(json.code, 100);
    equal(
      json.msg,
      "failed to allocate for range 0: 10.0.0.2 has been allocated to c1, duplicate allocation is not allowed",
    );
    match(json.details, /10\.0\.0\.2 is held by container "c1", interface "eth0", for \d+ s/);
    deepEqual(node.reservations(), before);
  });

  it("refuses a duplicate that asks for another address too", () => {
    const node = new Node();
    node.add();
    equal(node.call("ADD", { args: "IP=10.0.0.5" }).json.code, 100);
    deepEqual(Object.keys(node.reservations()), ["10.0.0.2"]);
  });

  it("refuses a duplicate of what another program made, in both formats", () => {
    const node = new Node();
    node.add({ id: "other" });
    node.putForeign("10.0.0.5", "c1\r\neth0");
    equal(node.call("ADD").json.code, 100);
    node.putForeign("10.0.0.6", "c2");
    equal(node.call("ADD", { id: "c2" }).json.code, 100);
  });

  it("allows another range of the same container and interface", () => {
    const node = new Node();
    node.add();
    deepEqual(node.add({ ipam: { ranges: [[{ subnet: "10.9.0.0/29" }]] } }), ["10.9.0.2"]);
  });

  it("frees only what it reserved itself when a later set is full", () => {
    const node = new Node();
    for (let id = 0; id < 5; id++) {
      node.add({ id: `x${id}`, ipam: { ranges: [[{ subnet: "10.0.1.0/29" }]] } });
    }
    node.add({ ipam: { ranges: [[{ subnet: "10.9.0.0/29" }]] } });
    const before = node.reservations();
    const { json } = node.call("ADD", { ipam: twoSets });
    match(json.msg, /^failed to allocate for range 1: no IP addresses available in range set: /);
    deepEqual(node.reservations(), before);
  });

  it("tells how full a full range is and who holds it", () => {
    const node = new Node();
    for (let id = 0; id < 4; id++) node.add({ id: `x${id}` });
    node.putForeign("10.0.0.6", "");
    const { json } = node.call("ADD");
    equal(json.code, 11);
    equal(
      json.msg,
      "failed to allocate for range 0: no IP addresses available in range set: 10.0.0.1-10.0.0.6",
    );
    equal(
      json.details,
      "5 addresses: 5 reserved by 4 containers, 0 of them since before this boot by the clock; " +
        'oldest: 10.0.0.2 is held by container "x0", interface "eth0", for 0 s; ' +
        "1 without an owner: the file of 10.0.0.6 is empty",
    );
  });

  const broken: [keyof Host, string][] = [
    ["mkdir", "EROFS"],
    ["flock", "EIO"],
    ["linkat", "ENOSPC"],
    ["linkat", "EROFS"],
  ];
  for (const [syscall, code] of broken) {
    it(`leaves no reservation when ${syscall} fails with ${code}`, () => {
      const node = new Node();
      node.host.failOn(syscall, code);
      const { status, json } = node.call("ADD");
      equal(status, 1);
      equal(json.code, 5);
      match(json.details, new RegExp(code));
      deepEqual(node.reservations(), {});
      equal(node.host.descriptors.size, 0);
    });
  }

  it("takes the reservation back when last_reserved_ip cannot be written", () => {
    const node = new Node();
    node.host.failOn("open", "ENOSPC", `${directory}/last_reserved_ip.0`, 2);
    equal(node.call("ADD").json.code, 5);
    deepEqual(node.reservations(), {});
  });

  it("goes on without a ledger that cannot be written", () => {
    const node = new Node();
    node.host.failOn("open", "ENOSPC", ledger, 9);
    const { status, stderr } = node.call("ADD");
    equal(status, 0);
    match(stderr, /cannot write the ledger: .*ENOSPC/);
  });

  it("says who keeps the lock", () => {
    const node = new Node();
    node.add();
    node.host.flock(node.host.open(`${directory}/lock`, 0), 2);
    const { json } = node.call("ADD", { id: "c2" });
    equal(json.code, 11);
    equal(json.msg, `lock "${directory}/lock": held by a process that /proc/locks does not name`);
  });

  it("keeps several interfaces of a container apart", () => {
    const node = new Node();
    node.add();
    node.add({ ifname: "eth1" });
    node.call("DEL");
    deepEqual(node.reservations(), { "10.0.0.3": "c1\r\neth1" });
  });
});

describe("host-local after a reboot", () => {
  it("frees every reservation it has seen before, with no step of anybody", () => {
    const node = new Node();
    for (let id = 0; id < 5; id++) node.add({ id: `x${id}` });
    equal(node.call("ADD").json.code, 11);
    node.reboot();
    deepEqual(node.add({ id: "new" }), ["10.0.0.2"]);
    deepEqual(node.reservations(), { "10.0.0.2": "new\r\neth0" });
  });

  it("gives a container its own address again", () => {
    const node = new Node();
    node.add({ id: "x" });
    deepEqual(node.add(), ["10.0.0.3"]);
    node.reboot();
    deepEqual(node.add(), ["10.0.0.3"]);
    deepEqual(node.reservations(), { "10.0.0.3": "c1\r\neth0" });
    equal(node.call("ADD").json.code, 100);
  });

  it("gives the address that is asked for, not the one from before", () => {
    const node = new Node();
    node.add();
    node.reboot();
    deepEqual(node.add({ args: "IP=10.0.0.5" }), ["10.0.0.5"]);
    deepEqual(Object.keys(node.reservations()), ["10.0.0.5"]);
  });

  it("frees nothing for a ledger whose boot id has a wrong digit", () => {
    const node = new Node();
    const ips = node.add({ id: "a" });
    const text = node.host.text(ledger) ?? "";
    for (const wrong of [
      text.replace("0-", "1-"),
      text.replace("0000-", ""),
      text.replace("-", "+"),
    ]) {
      node.host.put(ledger, wrong);
      equal(node.call("DEL", { id: "b" }).status, 0);
      deepEqual(Object.keys(node.reservations()), ips);
    }
  });

  it("gives an address that a container of an earlier boot had to one that asks for it", () => {
    const node = new Node();
    node.add({ id: "dead" });
    node.reboot();
    deepEqual(node.add({ args: "IP=10.0.0.2" }), ["10.0.0.2"]);
    deepEqual(node.reservations(), { "10.0.0.2": "c1\r\neth0" });
  });

  it("keeps what another program reserved in the meantime", () => {
    const node = new Node();
    node.add({ id: "before" });
    node.reboot();
    node.putForeign("10.0.0.3", "theirs\r\neth0");
    deepEqual(node.add(), ["10.0.0.4"]);
    deepEqual(Object.keys(node.reservations()), ["10.0.0.3", "10.0.0.4"]);
  });

  it("keeps an address that another program gave to somebody else after the boot", () => {
    const node = new Node();
    node.add({ id: "before" });
    node.reboot();
    node.host.unlink(`${directory}/10.0.0.2`);
    node.putForeign("10.0.0.2", "before\r\neth0");
    deepEqual(node.add(), ["10.0.0.3"]);
    equal(node.reservations()["10.0.0.2"], "before\r\neth0");
  });

  it("frees what another program made once that was seen and a boot has passed", () => {
    const node = new Node();
    node.putForeign("10.0.0.2", "theirs\r\neth0");
    node.add();
    node.reboot();
    deepEqual(node.add({ id: "new" }), ["10.0.0.4"]);
    deepEqual(Object.keys(node.reservations()), ["10.0.0.4"]);
  });

  it("frees empty files of an earlier boot as well", () => {
    const node = new Node();
    node.putForeign("10.0.0.3", "");
    node.add();
    node.reboot();
    node.add({ id: "new" });
    deepEqual(node.reservations(), { "10.0.0.3": "new\r\neth0" });
  });

  it("does not forget through a DEL that comes first", () => {
    const node = new Node();
    node.add({ id: "x" });
    node.add({ id: "y" });
    node.reboot();
    node.call("DEL", { id: "unknown" });
    deepEqual(node.reservations(), {});
  });

  it("does not forget through CHECK, STATUS and a GC without a list", () => {
    const node = new Node();
    for (let id = 0; id < 5; id++) node.add({ id: `x${id}` });
    node.reboot();
    node.call("CHECK", { id: "x0" });
    equal(node.call("STATUS").status, 0);
    node.call("GC");
    equal(Object.keys(node.reservations()).length, 5);
    deepEqual(node.add(), ["10.0.0.2"]);
  });

  it("frees nothing where several hosts may share the directory", () => {
    const node = new Node();
    node.add({ id: "x" });
    node.reboot();
    node.host.fileSystem.type = 0x6969;
    deepEqual(node.add(), ["10.0.0.3"]);
    equal(node.reservations()["10.0.0.2"], "x\r\neth0");
  });

  it("frees nothing where the boot is unknown", () => {
    const node = new Node();
    node.add({ id: "x" });
    node.host.unlink("/proc/sys/kernel/random/boot_id");
    deepEqual(node.add(), ["10.0.0.3"]);
  });

  it("frees nothing when the ledger is broken", () => {
    for (const text of ["", "garbage\n", "netloom 2 x 0\n", "+ 10.0.0.2 1:1 x eth0\n"]) {
      const node = new Node();
      node.add({ id: "x" });
      node.host.put(ledger, text);
      node.reboot();
      deepEqual(node.add(), ["10.0.0.3"]);
    }
  });

  it("says what it cannot remove, and takes it for taken", () => {
    const node = new Node();
    node.add({ id: "x" });
    node.reboot();
    node.host.failOn("unlink", "EPERM", `${directory}/10.0.0.2`);
    const { status, stderr } = node.call("ADD");
    equal(status, 0);
    match(stderr, /cannot free what an earlier boot left: release 10\.0\.0\.2 .*EPERM/);
  });
});

describe("host-local DEL", () => {
  const gone: [string, string][] = [
    ["the id alone, of old releases", "c1"],
    ["blanks behind", "c1\r\neth0 \r\n"],
    ["a lone LF", "c1\neth0"],
  ];
  for (const [what, content] of gone) {
    it(`frees a file with ${what}`, () => {
      const node = new Node();
      node.putForeign("10.0.0.2", content);
      equal(node.call("DEL").status, 0);
      deepEqual(node.reservations(), {});
    });

    it(`frees a file that was edited in its place to have ${what}`, () => {
      const node = new Node();
      node.add();
      const fd = node.host.open(`${directory}/10.0.0.2`, 0o1001);
      node.host.write(fd, new TextEncoder().encode(content));
      node.host.close(fd);
      equal(node.call("DEL").status, 0);
      deepEqual(node.reservations(), {});
    });
  }

  it("frees what could not be read when another call noted it", () => {
    const node = new Node();
    node.putForeign("10.0.0.5", "c1\r\neth0");
    node.host.failOn("open", "EIO", `${directory}/10.0.0.5`);
    node.add({ id: "c2" });
    node.call("DEL");
    deepEqual(node.reservations(), { "10.0.0.2": "c2\r\neth0" });
  });

  it("frees both addresses when another call could read the file of one alone", () => {
    const node = new Node();
    node.putForeign("10.0.0.5", "c1\r\neth0");
    node.putForeign("10.0.0.6", "c1\r\neth0");
    node.host.failOn("open", "EIO", `${directory}/10.0.0.5`);
    node.add({ id: "c2" });
    node.call("DEL");
    deepEqual(node.reservations(), { "10.0.0.2": "c2\r\neth0" });
  });

  it("fails when it cannot read its own file, and frees it the next time", () => {
    for (const [syscall, code] of [
      ["open", "EIO"],
      ["open", "EMFILE"],
    ] as const) {
      const node = new Node();
      node.add();
      node.host.failOn(syscall, code, `${directory}/10.0.0.2`);
      equal(node.call("DEL").json.code, 5);
      equal(node.call("DEL").status, 0);
      deepEqual(node.reservations(), {});
    }
  });

  it("leaves a symbolic link in the place of its file alone", () => {
    const node = new Node();
    node.add();
    node.host.unlink(`${directory}/10.0.0.2`);
    node.host.symlink("/etc/passwd", `${directory}/10.0.0.2`);
    equal(node.call("DEL").status, 0);
    equal(node.host.readlink(`${directory}/10.0.0.2`), "/etc/passwd");
  });

  it("frees nobody else's, whoever had the address before", () => {
    const node = new Node();
    node.add();
    node.call("DEL");
    node.putForeign("10.0.0.2", "b\r\neth0");
    node.call("DEL");
    deepEqual(node.reservations(), { "10.0.0.2": "b\r\neth0" });
  });

  it("is content with an unknown network and makes nothing", () => {
    const node = new Node();
    const before = node.host.list();
    equal(node.call("DEL").status, 0);
    deepEqual(node.host.list(), before);
  });

  it("changes nothing the second time", () => {
    const node = new Node();
    node.add();
    node.call("DEL");
    const before = node.host.list().map((path) => [path, node.host.text(path)]);
    equal(node.call("DEL").status, 0);
    deepEqual(
      node.host.list().map((path) => [path, node.host.text(path)]),
      before,
    );
  });

  const configs: [string, NodeCall][] = [
    ["bad ranges", { ipam: { ranges: [[{ subnet: "10.0.0.5/29" }]] } }],
    ["no ranges", { ipam: {} }],
    ["another subnet", { ipam: { ranges: [[{ subnet: "10.7.0.0/24" }]] } }],
    ["ranges of the wrong type", { ipam: { ranges: 5 } }],
    ["an address that cannot be read", { ipam: { ranges: [[{ subnet: "x" }]] } }],
    ["no ipam at all", { config: { ipam: null } }],
    ["bad CNI_ARGS", { args: "IP" }],
    ["an unknown CNI_ARGS key", { args: "MAC=1" }],
    ["a resolvConf that is gone", { ipam: { resolvConf: "/gone", ranges: [] } }],
  ];
  for (const [what, call] of configs) {
    it(`works with ${what}`, () => {
      const node = new Node();
      node.add();
      equal(node.call("DEL", call).status, 0);
      deepEqual(node.reservations(), {});
    });
  }

  it("reports a read-only file system with code 5 and tries every address", () => {
    const node = new Node();
    node.add({ ipam: twoSets });
    node.host.failOn("unlink", "EROFS", /10\.0\.0\.2/);
    const { json } = node.call("DEL");
    equal(json.code, 5);
    match(`${json.msg} ${json.details}`, /release 10\.0\.0\.2 .*EROFS/);
    deepEqual(Object.keys(node.reservations()), ["10.0.0.2"]);
  });

  it("works on a full disk", () => {
    const node = new Node();
    node.add();
    node.host.full = "ENOSPC";
    equal(node.call("DEL").status, 0);
    node.host.full = undefined;
    deepEqual(node.reservations(), {});
    deepEqual(node.add(), ["10.0.0.3"]);
  });
});

describe("host-local CHECK", () => {
  it("finds the reservation", () => {
    const node = new Node();
    node.add();
    equal(node.call("CHECK").status, 0);
  });

  it("fails before ADD and after DEL", () => {
    const node = new Node();
    const message = "host-local: Failed to find address added by container c1";
    equal(node.call("CHECK").json.msg, message);
    node.add();
    node.call("DEL");
    equal(node.call("CHECK").json.msg, message);
  });

  it("does not take another interface's reservation, and takes one of an old release", () => {
    const node = new Node();
    node.add({ ifname: "eth1" });
    equal(node.call("CHECK").status, 1);
    node.putForeign("10.0.0.5", "c1");
    equal(node.call("CHECK").status, 0);
  });

  it("compares the addresses of prevResult that are its own to give", () => {
    const node = new Node();
    node.add();
    const check = (address: string) =>
      node.call("CHECK", { config: { prevResult: { cniVersion: "1.1.0", ips: [{ address }] } } });
    equal(check("10.0.0.2/29").status, 0);
    equal(check("192.0.2.7/24").status, 0);
    match(
      check("10.0.0.3/29").json.msg,
      /10\.0\.0\.3 of prevResult is not reserved for container c1/,
    );
  });

  it("writes nothing and needs no lock", () => {
    const node = new Node();
    node.add();
    node.host.flock(node.host.open(`${directory}/lock`, 0), 2);
    node.host.full = "EROFS";
    equal(node.call("CHECK").status, 0);
  });
});

describe("host-local GC", () => {
  const valid = (...pairs: [string, string][]): NodeCall => ({
    config: {
      "cni.dev/valid-attachments": pairs.map(([containerID, ifname]) => ({ containerID, ifname })),
    },
  });

  function full(): Node {
    const node = new Node();
    node.add({ id: "a" });
    node.add({ id: "a", ifname: "eth1" });
    node.add({ id: "b" });
    return node;
  }

  it("frees what is not in the list, by container and interface", () => {
    const node = full();
    const { status, json } = node.call("GC", valid(["a", "eth0"]));
    equal(status, 0);
    equal(json, undefined);
    deepEqual(node.reservations(), { "10.0.0.2": "a\r\neth0" });
  });

  it("frees everything for an empty list, and nothing without one", () => {
    const node = full();
    node.call("GC");
    equal(Object.keys(node.reservations()).length, 3);
    node.call("GC", valid());
    deepEqual(node.reservations(), {});
  });

  it("leaves lock, last addresses and strange files as they are", () => {
    const node = full();
    for (const name of ["README", "lost+found", "last_reserved_ip.7", "10.0.0.5.bak"]) {
      node.host.put(`${directory}/${name}`, "a\r\neth0");
    }
    node.call("GC", valid());
    deepEqual(
      node.host.list(directory).map((path) => path.slice(directory.length + 1)),
      [
        ".netloom-ledger",
        "10.0.0.5.bak",
        "README",
        "last_reserved_ip.0",
        "last_reserved_ip.7",
        "lock",
        "lost+found",
      ],
    );
  });

  it("frees an old release's file when none of the container's interfaces is valid", () => {
    const node = new Node();
    node.putForeign("10.0.0.2", "a");
    node.putForeign("10.0.0.3", "b");
    node.call("GC", valid(["a", "eth7"]));
    deepEqual(node.reservations(), { "10.0.0.2": "a" });
  });

  it("names what it cannot read, and goes on", () => {
    const node = full();
    node.putForeign("10.0.0.5", "");
    const { status, stderr } = node.call("GC", valid());
    equal(status, 0);
    match(stderr, /leaves ".*\/10\.0\.0\.5" alone: it is empty/);
    deepEqual(Object.keys(node.reservations()), ["10.0.0.5"]);
  });

  it("goes on past what cannot be removed and reports it at the end", () => {
    const node = full();
    node.host.failOn("unlink", "EPERM", /10\.0\.0\.3/);
    const { status, json } = node.call("GC", valid());
    equal(status, 1);
    match(`${json.msg} ${json.details}`, /10\.0\.0\.3/);
    deepEqual(Object.keys(node.reservations()), ["10.0.0.3"]);
  });

  it("touches no other network", () => {
    const node = full();
    const path = "/var/lib/cni/networks/other/10.0.0.2";
    node.host.put(path, "a\r\neth0");
    node.call("GC", valid());
    equal(node.host.text(path), "a\r\neth0");
  });

  it("is content without the directory", () => {
    equal(new Node().call("GC", valid()).status, 0);
  });
});

describe("host-local STATUS", () => {
  it("is ready before the first ADD, and makes nothing", () => {
    const node = new Node();
    const before = node.host.list();
    node.host.putDirectory("/var");
    equal(node.call("STATUS").status, 0);
    deepEqual(node.host.list(), before);
  });

  it("is 50 while a range set is full", () => {
    const node = new Node();
    for (let id = 0; id < 5; id++) node.add({ id: `x${id}` });
    const { json } = node.call("STATUS");
    equal(json.code, 50);
    equal(json.msg, "no IP addresses available in range set: 10.0.0.1-10.0.0.6");
    match(json.details, /^5 addresses: 5 reserved by 5 containers/);
    node.call("DEL", { id: "x3" });
    equal(node.call("STATUS").status, 0);
  });

  it("is ready when what fills the range is an earlier boot's", () => {
    const node = new Node();
    for (let id = 0; id < 5; id++) node.add({ id: `x${id}` });
    node.reboot();
    equal(node.call("STATUS").status, 0);
    equal(Object.keys(node.reservations()).length, 5);
  });

  for (const code of ["ENOSPC", "EROFS", "EDQUOT"]) {
    it(`is 50 when the directory cannot be written: ${code}`, () => {
      const node = new Node();
      node.add();
      node.host.full = code;
      const { json } = node.call("STATUS");
      equal(json.code, 50);
      equal(json.msg, `host-local: "${directory}" cannot be used`);
      match(json.details, new RegExp(code));
    });
  }

  it("is 50 when a file lies in the place of the directory", () => {
    const node = new Node();
    node.host.put(directory, "");
    equal(node.call("STATUS").json.code, 50);
  });

  it("takes no lock", () => {
    const node = new Node();
    node.add();
    node.host.flock(node.host.open(`${directory}/lock`, 0), 2);
    equal(node.call("STATUS").status, 0);
  });
});

import { deepEqual, equal, throws } from "node:assert/strict";
import { CniError, isErrno } from "../../../core/errors.ts";
import { parseCidr, parseIp } from "../../../core/net/address.ts";
import { addElements, portTaken } from "../../../core/nft/add-elements.ts";
import { bridgeElements } from "../../../core/nft/bridges.ts";
import { macCheckElements } from "../../../core/nft/mac-check.ts";
import { masqueradeElements } from "../../../core/nft/masquerade.ts";
import { NftSocket } from "../../../core/nft/nft-socket.ts";
import { publishElements } from "../../../core/nft/published-ports.ts";
import { removeElements } from "../../../core/nft/remove-elements.ts";
import { setUp } from "../../../core/nft/set-up.ts";
import { tableComment } from "../../../core/nft/table-name.ts";
import { FakeHost, useHost } from "../../fake-host.ts";
import { FakeNfTables } from "./fake-nf-tables.ts";

const GETGEN = 16;
const NEWSETELEM = 12;
const DELSETELEM = 14;

const pod = (containerId: string) => ({ network: "net", containerId, ifname: "eth0" });
const masquerade = (id: string, address = "10.1.0.5/24") =>
  masqueradeElements(pod(id), [parseCidr(address)]);
const port = (id: string, hostPort: number, hostIp?: string) =>
  publishElements({
    owner: `net/${id}:eth0`,
    pod: parseIp("10.1.0.5"),
    ports: [
      { protocol: 6, hostPort, containerPort: 80, hostIp: hostIp ? parseIp(hostIp) : undefined },
    ],
    snat: true,
    masqAll: false,
  });

describe("addElements", () => {
  let kernel: FakeNfTables;
  let nft: NftSocket;
  beforeEach(() => {
    useHost(new FakeHost());
    kernel = new FakeNfTables();
    nft = new NftSocket(kernel.transport());
  });
  const setUpCommands = (): string =>
    Array.from({ length: setUp.count }, (_, at) => setUp.request(at).type & 0xff).join(" ");

  it("sends nothing when there is nothing to add", () => {
    addElements(nft, []);
    deepEqual(kernel.batches, []);
  });

  it("sets up and adds in one transaction on a virgin host", () => {
    addElements(nft, masquerade("a"));
    deepEqual(kernel.batches, [`${setUpCommands()} ${NEWSETELEM} ${NEWSETELEM}`]);
    deepEqual(kernel.owners(), ["direct4 net", "masq4 net/a:eth0"]);
  });

  it("adds alone where the tables are", () => {
    addElements(nft, masquerade("a"));
    addElements(nft, [...masquerade("b", "10.1.0.6/24"), ...bridgeElements("br0")]);
    equal(kernel.batches[1], "12 12 12 12 12");
  });

  it("sets up when the tables vanish in between", () => {
    addElements(nft, masquerade("a"));
    kernel.beforeBatch = () => {
      kernel.beforeBatch = undefined;
      kernel.state = { tables: new Map(), elements: new Map() };
    };
    addElements(nft, masquerade("b", "10.1.0.6/24"));
    deepEqual(kernel.owners(), ["direct4 net", "masq4 net/b:eth0"]);
  });

  it("gives up when set-up itself is refused", () => {
    kernel.refuse = { command: 6, errno: 2 };
    throws(
      () => addElements(nft, masquerade("a")),
      (error: unknown) => isErrno(error, "ENOENT"),
    );
    equal(kernel.batches.length, 1);
  });

  it("rebuilds tables of another version and keeps what fits", () => {
    addElements(nft, [
      ...masquerade("a"),
      ...macCheckElements(pod("a"), "veth0", new Uint8Array(6)),
    ]);
    kernel.state.tables.set(1, "netloom 0");
    addElements(nft, masquerade("b", "10.1.0.6/24"));
    deepEqual([...kernel.state.tables.values()], [tableComment, tableComment]);
    deepEqual(kernel.owners(), [
      "direct4 net",
      "mac net/a:eth0",
      "mac_ports net/a:eth0",
      "masq4 net/a:eth0",
      "masq4 net/b:eth0",
    ]);
  });

  it("gives an address to whom it was given last", () => {
    addElements(nft, masquerade("a"));
    addElements(nft, masquerade("b"));
    deepEqual(kernel.owners(), ["direct4 net", "masq4 net/b:eth0"]);
  });

  it("adds the same again for the same owner", () => {
    addElements(nft, port("a", 8080));
    addElements(nft, port("a", 8080));
    deepEqual(kernel.owners(), ["any4 net/a:eth0", "self4 net/a:eth0", "snat4 net/a:eth0"]);
  });

  it("refuses a port of another pod by its owner's name", () => {
    addElements(nft, port("a", 8080));
    const message = 'host port 8080/tcp is already published by "net/a:eth0"';
    throws(
      () => addElements(nft, port("b", 8080), { isGone: () => false }),
      (error: unknown) =>
        error instanceof CniError &&
        error.code === portTaken &&
        error.message === message &&
        error.details === "inet netloom any4 { tcp . 8080 : 10.1.0.5 . 80 }",
    );
    deepEqual(kernel.owners(), ["any4 net/a:eth0", "self4 net/a:eth0", "snat4 net/a:eth0"]);
  });

  for (const [first, second] of [
    [port("a", 8080), port("b", 8080, "192.0.2.1")],
    [port("a", 8080, "192.0.2.1"), port("b", 8080)],
  ] as const) {
    it("knows that one address is one of all", () => {
      addElements(nft, first);
      throws(() => addElements(nft, second), /already published by "net\/a:eth0"/);
    });
  }

  it("takes a port over when its pod is gone", () => {
    addElements(nft, port("a", 8080));
    const asked: string[] = [];
    const isGone = (owner: string) => asked.push(owner) > 0;
    addElements(nft, port("b", 8080), { isGone });
    deepEqual(asked, ["net/a:eth0"]);
    equal(kernel.owners()[0], "any4 net/b:eth0");
  });

  it("looks again when somebody commits between looking and writing", () => {
    let times = 3;
    kernel.beforeBatch = () => {
      if (times-- > 0) kernel.generation++;
    };
    addElements(nft, port("a", 8080));
    deepEqual(
      kernel.batches.map((batch) => batch.endsWith("failed")),
      [true, true, true, false],
    );
  });

  it("gives up with code 11 when others commit without end", () => {
    kernel.beforeBatch = () => void kernel.generation++;
    throws(
      () => addElements(nft, port("a", 8080)),
      (error: unknown) => error instanceof CniError && error.code === 11,
    );
  });

  it("sends at most 250 elements a message", () => {
    const many = Array.from({ length: 600 }, (_, at) => port("a", 1000 + at)[0]!);
    addElements(nft, masquerade("a"));
    addElements(nft, many);
    equal(kernel.batches[1], "12 12 12");
  });
});

describe("removeElements", () => {
  let kernel: FakeNfTables;
  let nft: NftSocket;
  beforeEach(() => {
    useHost(new FakeHost());
    kernel = new FakeNfTables();
    nft = new NftSocket(kernel.transport());
  });

  it("removes what is the pod's, and leaves what pods share", () => {
    addElements(nft, masquerade("a"));
    removeElements(nft, masquerade("a"));
    deepEqual(kernel.owners(), ["direct4 net"]);
    equal(kernel.batches[1], String(DELSETELEM));
  });

  it("leaves what somebody else has by now", () => {
    addElements(nft, masquerade("a"));
    addElements(nft, masquerade("b"));
    removeElements(nft, masquerade("a"));
    deepEqual(kernel.owners(), ["direct4 net", "masq4 net/b:eth0"]);
    equal(kernel.batches.length, 3, "add, refused add, take-over; no delete");
  });

  it("removes the rest when some are gone", () => {
    addElements(nft, port("a", 8080));
    removeElements(nft, port("a", 8080).slice(1));
    removeElements(nft, port("a", 8080));
    deepEqual(kernel.owners(), []);
  });

  it("removes once what is named twice, as a record that somebody wrote into may", () => {
    addElements(nft, masquerade("a"));
    removeElements(nft, [...masquerade("a"), ...masquerade("a")]);
    deepEqual(kernel.owners(), ["direct4 net"]);
  });

  it("sends no transaction when nothing is there, not even a table", () => {
    removeElements(nft, masquerade("a"));
    deepEqual(kernel.batches, []);
  });

  it("asks nothing for nobody's elements", () => {
    const socket = kernel.transport();
    removeElements(new NftSocket(socket), bridgeElements("br0"));
    deepEqual(socket.requests, []);
  });

  it("looks again when somebody takes an element over in between", () => {
    addElements(nft, masquerade("a"));
    kernel.beforeBatch = () => {
      kernel.beforeBatch = undefined;
      addElements(new NftSocket(kernel.transport()), masquerade("b"));
    };
    removeElements(nft, masquerade("a"));
    deepEqual(kernel.owners(), ["direct4 net", "masq4 net/b:eth0"]);
  });

  it("reads a set once for many elements of it", () => {
    const many = Array.from({ length: 100 }, (_, at) => port("a", 1000 + at)[0]!);
    addElements(nft, many);
    const socket = kernel.transport();
    removeElements(new NftSocket(socket), many);
    deepEqual(kernel.owners(), []);
    const asked = socket.requests.filter(({ type }) => (type & 0xff) === 13);
    equal(asked.length, 1);
    equal(socket.requests[0]!.type & 0xff, GETGEN);
  });
});

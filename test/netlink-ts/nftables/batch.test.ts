import { deepEqual, equal, throws } from "node:assert/strict";
import { Connection } from "netlink-ts/netlink/connection.ts";
import { NetlinkError } from "netlink-ts/netlink/netlink-error.ts";
import { closeTransaction, openTransaction } from "netlink-ts/nftables/batch.ts";
import { deleteElements } from "netlink-ts/nftables/element.ts";
import { newTable } from "netlink-ts/nftables/table.ts";
import { FakeKernel } from "netlink-ts/testing/fake-kernel.ts";

const transaction = (generation?: number) =>
  closeTransaction(
    openTransaction(generation)
      .add(newTable, { family: 1, name: "t" })
      .add(deleteElements, { family: 1, table: "t", set: "s" }),
  );

describe("openTransaction, closeTransaction", () => {
  it("send one datagram in brackets, and want an answer to the last request alone", () => {
    const kernel = new FakeKernel();
    new Connection(kernel).exchange(transaction());
    equal(kernel.sent.length, 1);
    deepEqual(
      kernel.requests.map(({ type, flags }) => [type, flags]),
      [
        [0x10, 1],
        [0xa00, 0x401],
        [0xa0e, 5],
        [0x11, 1],
      ],
    );
  });

  it("name the request that was refused", () => {
    const kernel = new FakeKernel(({ type }) => (type === 0xa0e ? { errno: 2 } : undefined));
    throws(() => new Connection(kernel).exchange(transaction()), {
      message: "NFT_MSG_DELSETELEM: ENOENT: no such file or directory",
    });
  });

  it("name the opening bracket when the generation is over", () => {
    const kernel = new FakeKernel(({ type }) => (type === 0x10 ? { errno: 85 } : { silent: true }));
    throws(
      () => new Connection(kernel).exchange(transaction(7)),
      (error: unknown) => error instanceof NetlinkError && error.code === "ERESTART",
    );
  });
});

import { deepEqual, throws } from "node:assert/strict";
import type { RouteMessage } from "netlink-ts/route/route.ts";
import { placeDefault, RTPROT_OWNER, type WantedDefault } from "../../../core/net/default-route.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const BOOT = 3;
const BY_ROUTER = 9;

/** Default routes by metric and protocol. */
function routes(...rows: [metric: number, protocol?: number][]): RouteMessage[] {
  return rows.map(([priority, protocol = BOOT]) => ({ priority, protocol }) as RouteMessage);
}

/** `[metric, [from, to]…]` */
function placed(wanted: Partial<WantedDefault>, others: RouteMessage[]): unknown[] {
  const { metric, moves } = placeDefault({ family: AF_INET, owns: false, ...wanted }, others);
  return [metric, ...moves.map((move) => [move.route.priority ?? 0, move.metric])];
}

describe("placeDefault", () => {
  it("leaves the metric to the kernel when nobody has it", () => {
    deepEqual(placed({}, []), [0]);
    deepEqual(placed({ family: AF_INET6 }, []), [1024]);
    deepEqual(placed({ metric: 5 }, routes([0], [6])), [5]);
  });

  it("takes the next free metric", () => {
    deepEqual(placed({}, routes([0], [1], [3])), [2]);
    deepEqual(placed({ family: AF_INET6 }, routes([1024])), [1025]);
    deepEqual(placed({ metric: 5 }, routes([5])), [6]);
  });

  it("goes behind the owner, whatever metric is wanted", () => {
    deepEqual(placed({ metric: 5 }, routes([50, RTPROT_OWNER])), [51]);
    deepEqual(placed({}, routes([0, RTPROT_OWNER], [1])), [2]);
  });

  it("refuses when no metric is left", () => {
    throws(() => placed({}, routes([0xffff_ffff, RTPROT_OWNER])), { code: 7 });
  });

  it("as an owner is first, and others move behind it in their order, the last one first", () => {
    deepEqual(placed({ owns: true }, routes([1], [0])), [0, [1, 2], [0, 1]]);
    deepEqual(placed({ owns: true, metric: 7 }, routes([3], [8], [20])), [7, [8, 9], [3, 8]]);
    deepEqual(placed({ owns: true, family: AF_INET6 }, routes([1024])), [1]);
  });

  it("as an owner stands before what a router has told, which cannot be moved", () => {
    const told = routes([1024, BY_ROUTER]);
    deepEqual(placed({ owns: true, family: AF_INET6, metric: 2000 }, told), [1023]);
  });

  it("as one of two owners keeps its metric, and others move behind both", () => {
    const owner = routes([5, RTPROT_OWNER], [6]);
    deepEqual(placed({ owns: true, metric: 3 }, owner), [3]);
    deepEqual(placed({ owns: true, metric: 6 }, owner), [6, [6, 7]]);
    throws(() => placed({ owns: true, metric: 5 }, owner), { code: 7 });
  });
});

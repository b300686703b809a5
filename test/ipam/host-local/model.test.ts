/**
 * Random histories of one network, by this program and another one, over reboots, against what has to be true.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { directory, Node } from "./node.ts";

const ids = ["a", "b", "c", "d", "e", "f"];
const ips = ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"];

/** One machine and what its containers of this boot hold: address to id. */
class History {
  readonly node = new Node();
  live = new Map<string, string>();

  add(id: string, args?: string): void {
    const held = [...this.live].some(([, owner]) => owner === id);
    const before = this.node.reservations();
    const { status, json } = this.node.call("ADD", { id, ...(args === undefined ? {} : { args }) });
    if (status !== 0) {
      // refused for what it has, for what another program left to it, or because there is nothing
      ok([100, 11].includes(json.code), json.msg);
      if (json.code === 100) equal(Object.values(before).includes(`${id}\r\neth0`), true);
      return;
    }
    equal(held, false, `${id} got a second address`);
    const ip = json.ips[0].address.split("/")[0];
    equal(this.live.has(ip), false, `${ip} was given twice`);
    this.live.set(ip, id);
  }

  del(id: string): void {
    equal(this.node.call("DEL", { id }).status, 0);
    for (const [ip, owner] of this.live) if (owner === id) this.live.delete(ip);
    equal(Object.values(this.node.reservations()).includes(`${id}\r\neth0`), false);
  }

  /** Another program reserves an address as upstream does: only if there is no file. */
  foreignAdd(ip: string, id: string): void {
    if (ip in this.node.reservations()) return;
    this.node.putForeign(ip, `${id}\r\neth0`);
    this.live.set(ip, id);
  }

  foreignDel(ip: string): void {
    if (!(ip in this.node.reservations())) return;
    this.node.host.unlink(`${directory}/${ip}`);
    this.live.delete(ip);
  }

  gc(valid: string[]): void {
    const list = valid.map((containerID) => ({ containerID, ifname: "eth0" }));
    equal(this.node.call("GC", { config: { "cni.dev/valid-attachments": list } }).status, 0);
    for (const [ip, owner] of this.live) if (!valid.includes(owner)) this.live.delete(ip);
    const left = Object.values(this.node.reservations()).map((content) => content.split("\r\n")[0]);
    deepEqual(
      left.filter((id) => !valid.includes(id ?? "")),
      [],
    );
  }

  reboot(): void {
    this.node.reboot();
    this.live.clear();
  }

  breakLedger(bytes: Uint8Array): void {
    this.node.host.put(`${directory}/.netloom-ledger`, bytes);
  }

  /** Whoever lives has his file, and CHECK says so. */
  checkAll(): void {
    const reservations = this.node.reservations();
    for (const [ip, id] of this.live) {
      equal(reservations[ip], `${id}\r\neth0`, `${ip} of ${id} is gone`);
      equal(this.node.call("CHECK", { id }).status, 0);
    }
  }
}

const id = fc.constantFrom(...ids);
const ip = fc.constantFrom(...ips);
const step: fc.Arbitrary<(history: History) => void> = fc.oneof(
  { weight: 6, arbitrary: id.map((id) => (history: History) => history.add(id)) },
  {
    weight: 2,
    arbitrary: fc.tuple(id, ip).map(
      ([id, ip]) =>
        (history: History) =>
          history.add(id, `IP=${ip}`),
    ),
  },
  { weight: 4, arbitrary: id.map((id) => (history: History) => history.del(id)) },
  {
    weight: 3,
    arbitrary: fc.tuple(ip, id).map(
      ([ip, id]) =>
        (history: History) =>
          history.foreignAdd(ip, id),
    ),
  },
  { weight: 2, arbitrary: ip.map((ip) => (history: History) => history.foreignDel(ip)) },
  { weight: 2, arbitrary: fc.constant((history: History) => history.reboot()) },
  {
    weight: 1,
    arbitrary: fc.subarray(ids).map((valid) => (history: History) => history.gc(valid)),
  },
  {
    weight: 1,
    arbitrary: fc
      .uint8Array({ maxLength: 60 })
      .map((bytes) => (history: History) => history.breakLedger(bytes)),
  },
);

describe("host-local in any history", () => {
  it("gives no address twice, loses none of the living, and frees by owner", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const history = new History();
        for (const each of steps) {
          each(history);
          history.checkAll();
        }
      }),
      { numRuns: 60, seed: 20261122 },
    );
  });
});

import { deepEqual, equal } from "node:assert/strict";
import { NoteLimit } from "../../dhcp-proxy/note-limit.ts";

describe("NoteLimit", () => {
  it("admits a text once in an exchange, and again in the next", () => {
    const limit = new NoteLimit();
    const admitted = [7, 7, 8].map((xid) => limit.admits(xid, "the server refuses the address"));
    deepEqual(admitted, [true, false, true]);
  });
  it("admits eight texts of an exchange, however many there are", () => {
    const limit = new NoteLimit();
    const texts = Array.from({ length: 100 }, (_, n) => `passes over an offer of 10.0.0.${n}`);
    equal(texts.filter((text) => limit.admits(7, text)).length, 8);
  });
});

import { equal } from "node:assert/strict";
import { Journal, journalLine } from "../../../core/daemon/journal.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

describe("journalLine", () => {
  it("is the event and what it is about", () => {
    equal(
      journalLine("lease bound:", { container: "c1", server: undefined, seconds: 60 }),
      "lease bound: container=c1 seconds=60",
    );
  });
  it("quotes what would be taken for more than one value", () => {
    equal(
      journalLine("x", { a: "b c", d: 'e"f', g: "h=i", j: "k\nl", m: "" }),
      'x a="b c" d="e\\"f" g="h=i" j="k\\nl" m=""',
    );
  });
  it("is one line whatever the event says", () => {
    equal(journalLine("a\n  b\nc", {}), "a; b; c");
  });
});

describe("Journal", () => {
  function written(environ: string[]): string {
    const fake = useHost(
      Object.assign(new FakeHost(), { fstat: () => ({ dev: 9, ino: 42 }) as HostStat }),
    );
    new Journal(environ).write("warning", "lease expired", { interface: "eth0" });
    return fake.stderr;
  }

  it("begins a line with its priority where the journal reads", () => {
    equal(written(["JOURNAL_STREAM=9:42"]), "<4>lease expired interface=eth0\n");
  });
  it("does not where somebody else does, though the variable was inherited", () => {
    equal(written(["JOURNAL_STREAM=9:43"]), "lease expired interface=eth0\n");
    equal(written([]), "lease expired interface=eth0\n");
  });
});

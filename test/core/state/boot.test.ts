import { equal } from "node:assert/strict";
import { bootId } from "../../../core/state/boot.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const path = "/proc/sys/kernel/random/boot_id";

describe("bootId", () => {
  it("is the kernel's, without the line's end", () => {
    const id = "7fe3a2c4-0f2d-4a53-b9a5-0a1dc36ce1ba";
    useHost(new FakeHost({ files: { [path]: `${id}\n` } }));
    equal(bootId(), id);
  });

  it("is unknown without /proc, and when it is no boot id", () => {
    useHost(new FakeHost());
    equal(bootId(), undefined);
    useHost(new FakeHost({ files: { [path]: "\n" } }));
    equal(bootId(), undefined);
  });
});

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { explain } from "../../../core/errors.ts";
import type { WantedTap } from "../../../plugins/tap/device.ts";
import { makeLabelledTap } from "../../../plugins/tap/labelled.ts";
import { FakeHost, useHost } from "../../fake-host.ts";

const attribute = "/proc/thread-self/attr/exec";
const label = "system_u:system_r:container_t:s0";
const wanted: WantedTap = {
  ifname: "eth0",
  ifalias: "net/c1:eth0",
  address: [2, 0, 0, 0, 0, 1],
  multiQueue: false,
};

/** A host with SELinux, on which the program that is executed answers so. */
function world(answer: Partial<HostSpawned>): { host: FakeHost; seen: string[] } {
  const seen: string[] = [];
  const host = useHost(
    new FakeHost({
      files: { [attribute]: "" },
      spawn: () => {
        seen.push(host.text(attribute) ?? "");
        return answer;
      },
    }),
  );
  return { host, seen };
}

describe("makeLabelledTap", () => {
  it("executes the program itself under the label, and takes the label back", () => {
    const { host, seen } = world({ status: 0 });
    makeLabelledTap(label, wanted);
    deepEqual(seen, [label]);
    ok(host.text(attribute)?.startsWith("\n"));
    const [{ path, argv, stdin } = { path: "", argv: [], stdin: new Uint8Array() }] = host.spawned;
    deepEqual([path, argv], ["/proc/self/exe", ["tap", "make-tap"]]);
    deepEqual(JSON.parse(new TextDecoder().decode(stdin)), wanted);
  });

  it("tells what that has said", () => {
    const stderr = new TextEncoder().encode("set up tap: EPERM\n");
    world({ status: 1, stderr });
    throws(
      () => makeLabelledTap(label, wanted),
      (error) => explain(error) === `failed to create tap "eth0" as "${label}"; set up tap: EPERM`,
    );
  });

  it("tells how it ended when it has said nothing", () => {
    world({ signal: 9 } as Partial<HostSpawned>);
    throws(() => makeLabelledTap(label, wanted), /failed to create tap/);
  });

  it("executes nothing under a label that cannot be had", () => {
    const { host } = world({ status: 0 });
    host.failOn("write", "EINVAL");
    throws(() => makeLabelledTap(label, wanted), { code: 50 });
    equal(host.spawned.length, 0);
  });

  it("takes the label back when the program cannot be executed", () => {
    const { host } = world({ status: 0 });
    host.failOn("start", "EACCES");
    throws(() => makeLabelledTap(label, wanted), /EACCES/);
    ok(host.text(attribute)?.startsWith("\n"));
  });
});

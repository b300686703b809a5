/** The file with a link's earlier settings, broken in every way while the container lives on. */
import { deepEqual, equal, match } from "node:assert/strict";
import { existsSync, rmSync, statSync, writeFileSync } from "node:fs";
import { type Damage, damages } from "../../faults/power-loss.ts";
import { seed } from "../../faults/seed.ts";
import { describeKernel } from "../../kernel/requirements.ts";
import { succeed } from "../bridge/network.ts";
import { Host } from "./tuned-host.ts";

const path = "/run/cni/tuning/c1_eth0.json";
const precious = "/var/lib/precious";
/** What cannot be read as settings: not what another program may have written, nor what root reads all the same. */
const isBroken = ({ isSubtle, isHarmless, name }: Damage): boolean =>
  !isSubtle && !isHarmless && name !== "somebody else's";

function allDamages(host: Host): Damage[] {
  succeed(host.sandbox, host.call("ADD"));
  const { size } = statSync(host.sandbox.path(path));
  succeed(host.sandbox, host.call("DEL"));
  writeFileSync(host.sandbox.path(precious), '{"mtu":1300}');
  return damages(size, seed).filter(isBroken);
}

describeKernel("saved settings that cannot be read", function () {
  this.timeout(120_000);

  it("are restored from the record, and the file is named", () => {
    using host = new Host();
    const before = host.state();
    for (const { name, apply } of allDamages(host)) {
      succeed(host.sandbox, host.call("ADD"));
      const real = host.sandbox.path(path);
      apply(real, { precious, foreign: "" });
      const { status, stderr, stdout } = host.sandbox.cni(host.call("DEL"));
      equal(status, 0, `${name}: ${stdout}`);
      match(stderr, /restores nothing from "\/run\/cni\/tuning\/c1_eth0\.json", but what/, name);
      deepEqual(host.state().slice(0, 3), before.slice(0, 3), name);
      equal(existsSync(real), name === "a directory with something in it", name);
      rmSync(real, { recursive: true, force: true });
      succeed(host.sandbox, host.call("DEL"));
      deepEqual(host.state(), before, name);
    }
  });

  it("are what a second ADD keeps, as if the file were whole", () => {
    using host = new Host();
    const before = host.state();
    succeed(host.sandbox, host.call("ADD"));
    writeFileSync(host.sandbox.path(path), "{");
    succeed(host.sandbox, host.call("ADD", { mtu: 1300 }));
    match(host.sandbox.ok(["cat", path]), /"mtu": 1500/);
    succeed(host.sandbox, host.call("DEL"));
    deepEqual(host.state(), before);
  });

  it("are those of the file when the reference has written it since", () => {
    using host = new Host();
    succeed(host.sandbox, host.call("ADD", { mtu: 1400 }));
    writeFileSync(host.sandbox.path(path), '{"mtu":1300}');
    succeed(host.sandbox, host.call("DEL", { mtu: 1400 }));
    match(host.state()[0] ?? "", /^\S+ 1300 /);
  });
});

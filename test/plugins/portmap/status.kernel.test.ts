import { deepEqual, equal, match } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { portmapWorld } from "./portmap-world.ts";

describeKernel(
  "portmap STATUS",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { state } = here;

    describe("STATUS", () => {
      const status = (argv: string[] = []): { status: number | null; stdout: string } =>
        here.world.sandbox.run(
          [...argv, "/bin/sh", "-c", 'exec "$0"', `${process.cwd()}/dist/bin/portmap`],
          {
            input: JSON.stringify({ cniVersion: "1.1.0", name: "net", type: "portmap" }),
            env: { CNI_COMMAND: "STATUS", CNI_PATH: "/", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
          },
        );

      it("is well on a virgin host, which it leaves as it was", () => {
        const before = state();
        equal(status().status, 0);
        deepEqual(state(), before);
      });

      it("says with code 50 that no record could be written", () => {
        here.world.sh("H", "mount -o remount,ro,bind /run");
        const { status: exit, stdout } = status();
        here.world.sh("H", "mount -o remount,rw,bind /run");
        equal(exit, 1);
        equal(JSON.parse(stdout).code, 50);
        match(stdout, /state cannot be written to .*\/run\/netloom.*EROFS/s);
      });

      it("says with code 50 that nf_tables may not be used", () => {
        const { status: exit, stdout } = status(["setpriv", "--bounding-set=-net_admin"]);
        equal(exit, 1);
        const { code, msg, details } = JSON.parse(stdout);
        equal(code, 50);
        match(`${msg} ${details}`, /nf_tables cannot be used.*EPERM/);
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

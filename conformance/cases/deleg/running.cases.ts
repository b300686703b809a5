/**
 * Delegates that hang, change, run side by side, or are no IPAM programs (checklist 3.1).
 * @module
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Case } from "../../runner/case.ts";
import type { Reply, Trial } from "../../runner/trial.ts";
import { bridgeDelegator, caseOf, caseOfAll, type Delegation } from "../delegators.ts";

/** A program in the delegation's folder that executes the judged one, with bash text before. */
function script(trial: Trial, { fake }: Delegation, name: string, before = ""): void {
  const path = join(fake.folder, name);
  writeFileSync(path, `#!/bin/bash\n${before}\nexec ${trial.build.folder}/${trial.program}\n`);
  chmodSync(path, 0o755);
}

const parallel = 32;
const ipam = { type: "dhcp" };

/** Ends the caller while its delegate hangs, and says whether that is gone then. */
const killsCaller = `
exec 8<&0
$PROGRAM <&8 >/dev/null 2>&1 &
caller=$!
until [ -s $FAKE/pid ]; do sleep 0.01; done
delegate=$(< $FAKE/pid)
kill -$signal $caller
wait $caller
for (( tries = 0; tries < 150; tries++ )); do
  if ! grep -q '^State:\\s*[^Z]' /proc/$delegate/status 2>/dev/null; then echo gone; exit; fi
  sleep 0.02
done
kill -9 $delegate
echo left
`;

export const cases: readonly Case[] = [
  caseOf(bridgeDelegator, {
    lines: ["DELEG-031"],
    fact: `keeps ${parallel} calls at the same time apart`,
    async run(trial, delegation) {
      const answer = '{"cniVersion":"1.0.0","ips":[{"address":"10.9.1.%s/16"}]}';
      delegation.fake.answers("ADD", `printf '${answer}' $CNI_CONTAINERID`);
      const ids = Array.from({ length: parallel }, (_, n) => String(n + 1));
      const calls = ids.map((containerId) =>
        delegation.call("ADD", { args: { containerId } }, { containerId, netns: trial.pod() }),
      );
      const answers = await trial.atOnce(calls);
      deepEqual(
        answers.map((answer) => trial.succeeded(answer, "ADD").ips[0].address),
        ids.map((id) => `10.9.1.${id}/16`),
      );
      for (const { env, stdin } of delegation.fake.calls()) {
        const { args } = JSON.parse(stdin);
        ok(env.includes(`CNI_CONTAINERID=${args.containerId}`), "stdin of another call");
      }
    },
  }),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-032"],
    fact: "delegates when it is a delegate itself",
    run(trial, delegation) {
      script(trial, delegation, "meta");
      const config = { ...delegation.config, type: "meta" };
      const call = { ...delegation.send("ADD", config), type: "meta", bin: delegation.fake.folder };
      trial.ok(call);
      const [seen] = delegation.fake.calls();
      ok(seen?.env.includes(`CNI_PATH=${delegation.path}`));
    },
  }),
  ...caseOfAll({
    lines: ["DELEG-033"],
    fact: "does not execute itself without end",
    run(trial, delegation) {
      const { folder } = delegation.fake;
      writeFileSync(join(folder, "count"), "");
      const count = `echo x >> ${folder}/count; (( $(wc -l < ${folder}/count) < 4 )) || exit 1`;
      script(trial, delegation, trial.program, count);
      const env = { CNI_PATH: `${folder}:${trial.build.folder}` };
      trial.fails(delegation.call("ADD", { ipam: { type: trial.program } }, { env }));
      const counted = trial.run(`wc -l ${folder}/count`, { input: "" });
      ok(Number.parseInt(counted, 10) < 4, counted);
    },
  }),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-033"],
    beside: ["portmap"],
    fact: "fails when ipam.type names a chained program",
    run(trial, delegation) {
      trial.fails(delegation.call("ADD", { ipam: { type: "portmap" } }));
    },
  }),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-034"],
    fact: "executes no delegate when none is configured",
    run(trial, delegation) {
      for (const ipam of [undefined, {}]) {
        const prevResult = trial.ok(delegation.call("ADD", { ipam }));
        trial.call(delegation.call("CHECK", { ipam, prevResult }));
        trial.ok(delegation.call("DEL", { ipam, prevResult }));
      }
      deepEqual(delegation.commands(), []);
    },
  }),
  ...["KILL", "TERM"].map((signal) =>
    caseOf(bridgeDelegator, {
      lines: ["DELEG-029"],
      fact: `does not leave its delegate behind when SIG${signal} ends it`,
      run(trial, delegation) {
        const { folder } = delegation.fake;
        delegation.fake.answers("ADD", `echo $$ > ${folder}/pid; exec /bin/sleep 20`);
        const program = `${trial.build.folder}/${trial.program}`;
        const input = JSON.stringify(delegation.config);
        const env = { ...delegation.environment("ADD"), PROGRAM: program, FAKE: folder, signal };
        const { stdout } = trial.host.run(["bash", "-c", killsCaller], { input, env });
        equal(stdout, "gone\n");
      },
    }),
  ),
  caseOf(bridgeDelegator, {
    lines: ["DELEG-030", "CLIENT-029"],
    beside: ["static"],
    fact: "waits for a delegate that is being written",
    run(trial, delegation) {
      const late = join(delegation.fake.folder, "late");
      trial.run(`cp ${trial.build.folder}/static ${late}`);
      const ipam = { type: "late", addresses: [{ address: "10.9.0.9/24" }] };
      const input = JSON.stringify({ ...delegation.config, ipam });
      const hold = `exec 8<&0 7>>${late}; (sleep 1.5) & exec 7>&-`;
      const script = `${hold}; exec ${trial.build.folder}/bridge <&8`;
      const env = delegation.environment("ADD");
      const { status, stdout } = trial.host.run(["bash", "-c", script], { input, env });
      equal(status, 0, stdout);
      equal(JSON.parse(stdout).ips[0].address, "10.9.0.9/24");
    },
  }),
  {
    lines: ["DELEG-035"],
    program: "ipvlan",
    needs: ["ipvlan"],
    fact: "takes the addresses of a prevResult",
    run(trial) {
      trial.run("ip link add up0 type veth peer name up1");
      trial.run("ip link set up0 up");
      const prevResult = {
        cniVersion: "1.0.0",
        interfaces: [{ name: "up0" }],
        ips: [{ address: "10.9.0.2/24", interface: 0 }],
      };
      const keys = { name: "net1", type: "ipvlan", prevResult };
      const config = { cniVersion: "1.0.0", ...keys };
      const netns = trial.pod();
      const { ips } = trial.ok({ command: "ADD", config, netns });
      deepEqual(
        ips.map(({ address }: Reply) => address),
        ["10.9.0.2/24"],
      );
    },
  },
  {
    lines: ["DELEG-036"],
    program: "dhcp",
    fact: "fails when its daemon is not there, but may let DEL pass",
    run(trial) {
      const config = { cniVersion: trial.newest, name: "net1", type: "bridge", ipam };
      const netns = trial.pod();
      trial.unchanged(() => trial.fails({ command: "ADD", type: "dhcp", config, netns }));
      trial.unchanged(() => trial.call({ command: "DEL", type: "dhcp", config, netns }));
    },
  },
];

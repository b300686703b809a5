/**
 * bridge, ptp and loopback exchanged on a live host: containers stay connected, and the other takes them apart.
 * @module
 */
import { deepEqual, equal, notEqual } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import { withoutResidue } from "../../runner/residue.ts";
import type { Trial } from "../../runner/trial.ts";
import { bridgeConfig, loopbackConfig } from "../../runner/vehicles.ts";
import { commonVersion } from "./ipam.cases.ts";

/** One container of a network that two folders of programs serve in turns. */
class Attachment {
  readonly trial: Trial;
  readonly config: object;
  readonly netns: string;

  constructor(trial: Trial, change: object = {}) {
    this.trial = trial;
    this.config = bridgeConfig(commonVersion(trial), change);
    this.netns = trial.pod();
  }

  call(command: string, more: object = {}, change: object = {}) {
    return { command, config: { ...this.config, ...change }, netns: this.netns, ...more };
  }

  /** Takes CNI_PATH of the folder too, as when all programs are exchanged. */
  get byOther(): { bin: string } {
    return { bin: this.trial.other.folder };
  }
}

function swap(lines: Case["lines"], fact: string, run: (trial: Trial) => void): Case {
  return { lines, program: "bridge", beside: ["host-local"], swap: true, fact, run };
}

/** What all programs share: the kernel, and what IPAM keeps below /var/lib. Notes in /run are a program's own. */
function leavesNothingShared(trial: Trial, netns: string | undefined, body: () => void): void {
  const look = () =>
    [undefined, netns].map((path) => {
      const { files, ...kernel } = withoutResidue(trial.host.snapshot(path));
      return { ...kernel, files: files.filter((row) => !row.startsWith("/run/")) };
    });
  const before = look();
  body();
  deepEqual(look(), before);
}

const both = [[{ subnet: "10.1.2.0/24" }], [{ subnet: "fd00::/64" }]];
const dual = { isDefaultGateway: true, ipam: { type: "host-local", ranges: both } };

/** What ADD with these keys by the one, DEL by the other have to leave: nothing. */
const takenApart: [fact: string, keys: object][] = [
  ["the other's DEL removes all of an attachment", {}],
  ["the other's DEL removes all of a dual-stack gateway's attachment", dual],
  ["the other's DEL removes masquerade made with iptables", { ipMasq: true }],
  [
    "the other's DEL removes masquerade made with nftables",
    { ipMasq: true, ipMasqBackend: "nftables" },
  ],
  ["the other's DEL removes the MAC check", { macspoofchk: true }],
];

const bridge: Case[] = [
  ...takenApart.map(([fact, keys]) =>
    swap(["SPEC-050"], fact, (trial) => {
      const one = new Attachment(trial, keys);
      leavesNothingShared(trial, one.netns, () => {
        const prevResult = trial.ok(one.call("ADD"));
        trial.ok(one.call("DEL", one.byOther, { prevResult }));
      });
    }),
  ),
  swap(["ROB-025"], "the other's DEL removes the one's own notes", (trial) => {
    const one = new Attachment(trial);
    trial.leavesNothing(() => {
      const prevResult = trial.ok(one.call("ADD"));
      trial.ok(one.call("DEL", one.byOther, { prevResult }));
    });
  }),
  ...["there", "gone"].map((how) =>
    swap(["SPEC-054"], `the other's DEL needs no prevResult, the namespace ${how}`, (trial) => {
      const one = new Attachment(trial);
      leavesNothingShared(trial, undefined, () => {
        trial.ok(one.call("ADD"));
        if (how === "gone") trial.host.deletePod("pod1");
        trial.ok(one.call("DEL", one.byOther));
      });
    }),
  ),
  ...["iptables", "nftables"].map((ipMasqBackend) => ({
    ...swap(
      ["SPEC-074"],
      `the other's GC removes masquerade made with ${ipMasqBackend} of what is stale`,
      (trial) => {
        const keys = { ipMasq: true, ipMasqBackend };
        const [stale, valid] = [new Attachment(trial, keys), new Attachment(trial, keys)];
        const prevResult = trial.ok(valid.call("ADD", { containerId: "valid" }));
        leavesNothingShared(trial, valid.netns, () => {
          trial.ok(stale.call("ADD"));
          trial.host.deletePod("pod1");
          const list = [{ containerID: "valid", ifname: "eth0" }];
          const call = stale.call("GC", stale.byOther, {
            "cni.dev/valid-attachments": list,
            cniVersion: "1.1.0",
          });
          trial.ok({ ...call, netns: null, containerId: null, ifName: null });
        });
        trial.ok(valid.call("CHECK", { ...valid.byOther, containerId: "valid" }, { prevResult }));
      },
    ),
    version: "1.1.0",
  })),
  ...(
    [
      ["a plain attachment", {}],
      ["a dual-stack gateway", dual],
      ["masquerade", { ipMasq: true }],
      ["a MAC check", { macspoofchk: true }],
    ] as const
  ).map(([what, keys]) =>
    swap(["SPEC-061"], `the other's CHECK is content with ${what}`, (trial) => {
      const one = new Attachment(trial, keys);
      const prevResult = trial.ok(one.call("ADD"));
      trial.unchanged(() => trial.ok(one.call("CHECK", one.byOther, { prevResult })));
    }),
  ),
  swap(["SPEC-063"], "the other's CHECK sees that the link is gone", (trial) => {
    const one = new Attachment(trial);
    const prevResult = trial.ok(one.call("ADD"));
    trial.run("ip link del eth0", { netns: one.netns });
    trial.fails(one.call("CHECK", one.byOther, { prevResult }));
  }),
  swap(["SPEC-047", "ROB-001"], "the other refuses a second ADD, and harms nothing", (trial) => {
    const one = new Attachment(trial);
    const prevResult = trial.ok(one.call("ADD"));
    trial.leavesNothing(() => trial.fails(one.call("ADD", one.byOther)), one.netns);
    trial.ok(one.call("CHECK", {}, { prevResult }));
  }),
  swap(["U-002", "U-029"], "containers of both share the bridge and reach each other", (trial) => {
    const one = new Attachment(trial, dual);
    const two = new Attachment(trial, dual);
    const first = trial.ok(one.call("ADD"));
    const second = trial.ok(two.call("ADD", { ...two.byOther, containerId: "c2" }));
    equal(second.interfaces[0].mac, first.interfaces[0].mac);
    notEqual(second.ips[0].address, first.ips[0].address);
    for (const address of [first.ips[0].address, first.ips[1].address]) {
      trial.run(`ping -c1 -W5 ${address.replace(/\/.*/, "")}`, { netns: two.netns });
    }
    const gateways = trial.host.ipJson("address show dev br-test")[0].addr_info;
    const global = gateways.filter(({ scope }: { scope: string }) => scope === "global");
    deepEqual(global.map(({ local }: { local: string }) => local).sort(), ["10.1.2.1", "fd00::1"]);
  }),
  {
    ...swap(["SPEC-074"], "the other's GC removes what is stale and no more", (trial) => {
      const [stale, valid] = [new Attachment(trial), new Attachment(trial)];
      trial.ok(valid.call("ADD", { containerId: "valid" }));
      trial.leavesNothing(() => {
        trial.ok(stale.call("ADD"));
        trial.host.deletePod("pod1");
        const list = [{ containerID: "valid", ifname: "eth0" }];
        const call = stale.call("GC", stale.byOther, { "cni.dev/valid-attachments": list });
        trial.ok({ ...call, netns: null, containerId: null, ifName: null });
      }, valid.netns);
    }),
    version: "1.1.0",
  },
];

const routed = { type: "ptp", ipam: { type: "host-local", ranges: both } };

const ptp: Case[] = [
  ...[true, false].map((tells) =>
    swap(
      ["SPEC-050"],
      `the other's DEL removes all of an attachment, ${tells ? "with" : "without"} prevResult`,
      (trial) => {
        const one = new Attachment(trial, routed);
        leavesNothingShared(trial, one.netns, () => {
          const prevResult = trial.ok(one.call("ADD"));
          trial.ok(one.call("DEL", one.byOther, tells ? { prevResult } : {}));
        });
      },
    ),
  ),
  swap(["SPEC-061"], "the other's CHECK is content with both families", (trial) => {
    const one = new Attachment(trial, routed);
    const prevResult = trial.ok(one.call("ADD"));
    trial.unchanged(() => trial.ok(one.call("CHECK", one.byOther, { prevResult })));
  }),
  swap(["SPEC-047"], "the other refuses a second ADD, and harms nothing", (trial) => {
    const one = new Attachment(trial, routed);
    const prevResult = trial.ok(one.call("ADD"));
    trial.leavesNothing(() => trial.fails(one.call("ADD", one.byOther)), one.netns);
    trial.ok(one.call("CHECK", {}, { prevResult }));
  }),
  swap(["U-043"], "containers of both reach each other", (trial) => {
    const [one, two] = [new Attachment(trial, routed), new Attachment(trial, routed)];
    const first = trial.ok(one.call("ADD"));
    trial.ok(two.call("ADD", { ...two.byOther, containerId: "c2" }));
    for (const { address } of first.ips) {
      trial.run(`ping -c1 -W5 ${address.replace(/\/.*/, "")}`, { netns: two.netns });
    }
  }),
].map((each) => ({ ...each, program: "ptp" }));

export const cases: readonly Case[] = [
  ...bridge,
  ...ptp,
  {
    lines: ["U-054"],
    program: "loopback",
    swap: true,
    fact: "the other checks lo and takes it down",
    run(trial) {
      const netns = trial.pod();
      const config = loopbackConfig(commonVersion(trial));
      const prevResult = trial.ok({ command: "ADD", config, netns });
      for (const command of ["CHECK", "DEL"]) {
        const bin = trial.other.folder;
        trial.ok({ command, config: { ...config, prevResult }, netns, bin });
      }
      equal(trial.host.ipJson("link show lo", netns)[0].flags.includes("UP"), false);
    },
  },
];

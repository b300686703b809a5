import { deepEqual, equal, match } from "node:assert/strict";
import * as z from "zod/mini";

import { networkConfig } from "../../../core/cni/config.ts";
import { mtuField } from "../../../core/cni/fields.ts";
import { definePlugin, type Plugin, type PluginDefinition } from "../../../core/cni/plugin.ts";
import { specVersions } from "../../../core/cni/versions.ts";
import { CniError, during } from "../../../core/errors.ts";
import { programVersion } from "../../../core/version.ts";
import { callPlugin, type PluginCall } from "../../run-plugin.ts";
import { type BadInput, badInputs, oddInputs } from "./bad-input.ts";

const config = z.extend(networkConfig, {
  mtu: z.optional(mtuField),
  isGateway: z.optional(z.boolean()),
  nested: z.optional(z.object({ list: z.array(z.object({ port: z.number() })) })),
});
type Definition = PluginDefinition<typeof config>;
const nothing = () => {};
const ips = [{ address: "10.0.0.2/24" }];

/** A plugin of which a test writes one verb. */
function probe(verbs: Partial<Definition> = {}): Plugin {
  return definePlugin({
    type: "probe",
    config,
    add: () => ({ ips }),
    del: nothing,
    check: nothing,
    gc: nothing,
    status: nothing,
    ...verbs,
  });
}

const plain = { cniVersion: "1.1.0", name: "net1", type: "probe" };
const run = (call: PluginCall, plugin = probe()) => callPlugin(plugin, { config: plain, ...call });
const outcome = ({ status, stdout, stderr }: ReturnType<typeof callPlugin>) => ({
  status,
  stdout,
  stderr,
});

describe("runOnce", () => {
  for (const command of ["DEL", "CHECK", "GC", "STATUS"]) {
    it(`prints nothing when ${command} succeeds`, () => {
      deepEqual(outcome(run({ command })), { status: 0, stdout: "", stderr: "" });
    });
  }

  it("prints one result, without a newline at the end", () => {
    const { status, stdout } = run({});
    equal(status, 0);
    equal(stdout.endsWith("}"), true);
    deepEqual(JSON.parse(stdout), { cniVersion: "1.1.0", ips });
  });

  for (const command of [undefined, ""]) {
    it(`tells about itself when CNI_COMMAND is ${JSON.stringify(command)}`, () => {
      const { status, stdout, stderr } = run({ env: { CNI_COMMAND: command } });
      equal(status, 0);
      equal(stdout, "");
      const versions = "0.1.0, 0.2.0, 0.3.0, 0.3.1, 0.4.0, 1.0.0, 1.1.0";
      const about = `CNI probe plugin netloom v${programVersion}\n`;
      equal(stderr, `${about}CNI protocol versions supported: ${versions}\n`);
    });
  }

  it("gives the verbs their parameters", () => {
    let seen: object = {};
    const plugin = probe({
      argKeys: ["MAC"],
      add(call) {
        const { openNetns: _, openNetnsIfPresent: __, ipam: ___, warn: ____, ...values } = call;
        seen = values;
        return { ips };
      },
    });
    run({ env: { CNI_ARGS: "MAC=x;IgnoreUnknown=1;A=b" }, config: { ...plain, mtu: 9 } }, plugin);
    deepEqual(seen, {
      config: { ...plain, mtu: 9 },
      network: "net1",
      cniVersion: "1.1.0",
      args: { MAC: "x" },
      containerId: "cid1",
      ifName: "eth0",
      attachment: { network: "net1", containerId: "cid1", ifname: "eth0" },
      netnsPath: "/run/netns/t1",
    });
  });

  it("does not look at CNI_ARGS when the plugin reads none", () => {
    equal(run({ env: { CNI_ARGS: "nonsense" } }).status, 0);
  });
});

describe("runOnce with versions", () => {
  for (const version of specVersions) {
    it(`prints the result in ${version}`, () => {
      const { json } = run({ config: { ...plain, cniVersion: version } });
      equal(json.cniVersion, version);
      equal(json.ip4?.ip ?? json.ips[0].address, "10.0.0.2/24");
    });
  }

  for (const version of [undefined, "", null]) {
    it(`takes ${JSON.stringify(version)} for 0.1.0`, () => {
      equal(run({ config: { ...plain, cniVersion: version } }).json.cniVersion, "0.1.0");
    });
  }

  const unknown = [
    "1.1",
    "v1.0.0",
    "01.1.0",
    "1.0.1",
    "0.5.0",
    "2.0.0",
    "1.1.0-rc1",
    " 1.0.0",
    "x",
  ];
  for (const version of unknown) {
    for (const command of ["ADD", "DEL", "CHECK", "GC", "STATUS"]) {
      it(`refuses ${JSON.stringify(version)} for ${command}`, () => {
        const { json, status } = run({ command, config: { ...plain, cniVersion: version } });
        equal(status, 1);
        deepEqual([json.cniVersion, json.code], ["1.1.0", 1]);
        equal(json.msg, "incompatible CNI versions");
        const supported = '["0.1.0" "0.2.0" "0.3.0" "0.3.1" "0.4.0" "1.0.0" "1.1.0"]';
        const details = `config is ${JSON.stringify(version)}, plugin supports ${supported}`;
        equal(json.details.startsWith(details), true);
      });
    }
  }

  it("refuses a version that the plugin does not list", () => {
    const plugin = probe({ versions: ["0.4.0", "1.0.0", "1.1.0"] });
    const { json } = run({ config: { ...plain, cniVersion: "0.3.1" } }, plugin);
    equal(json.code, 1);
    match(json.details, /config is "0.3.1", plugin supports \["0.4.0" "1.0.0" "1.1.0"\]/);
  });

  // [command, version]
  const tooOld = [
    ["CHECK", "0.3.1"],
    ["CHECK", ""],
    ["GC", "1.0.0"],
    ["STATUS", "1.0.0"],
    ["GC", "0.1.0"],
  ] as const;
  for (const [command, version] of tooOld) {
    it(`refuses ${command} at "${version}"`, () => {
      const { json } = run({ command, config: { ...plain, cniVersion: version } });
      equal(json.code, 1);
      equal(json.msg, `config version does not allow ${command}`);
      equal(json.cniVersion, version || "0.1.0");
    });
  }
});

describe("runOnce with bad input", () => {
  const allButVersion = ["ADD", "DEL", "CHECK", "GC", "STATUS"];

  const callOf = ({ command = "ADD", env = {}, stdin, change = {} }: Omit<BadInput, "code">) => ({
    command,
    env,
    ...(stdin === undefined ? { config: { ...plain, ...change } } : { stdin }),
  });

  for (const input of badInputs) {
    it(`${input.id} ${input.what}: ${input.code}`, () => {
      const { json, status } = callPlugin(probe(), callOf(input));
      equal(status, 1);
      equal(json.code, input.code);
      match(`${json.msg}; ${json.details ?? ""}`, input.says ?? /./);
    });
  }

  for (const input of oddInputs) {
    it(`${input.id} ${input.what}: taken`, () => {
      equal(callPlugin(probe(), callOf(input)).status, 0);
    });
  }

  for (const command of allButVersion) {
    it(`refuses every truncation of a configuration for ${command}`, () => {
      const whole = JSON.stringify(plain);
      for (let length = 0; length < whole.length; length++) {
        equal(run({ command, stdin: whole.slice(0, length) }).json.code, 6);
      }
    });

    it(`says that stdin cannot be read for ${command}`, () => {
      const { json } = run({ command, prepare: (fake) => fake.failOn("read", "EISDIR") });
      equal(json.code, 5);
      equal(json.msg, "error reading from stdin");
      match(json.details, /EISDIR/);
    });
  }

  it("reads a value that is spread over many reads", () => {
    const padding = "x".repeat(3 << 20);
    equal(run({ config: { ...plain, "cni.dev/padding": padding } }).status, 0);
  });

  // [the key, code, msg]
  const values: [object, number, string][] = [
    [{ mtu: "1500" }, 6, '"mtu": want a number, got "1500"'],
    [{ mtu: 1.5 }, 6, '"mtu": want an integer, got 1.5'],
    [{ mtu: 70000 }, 7, '"mtu": want at most 65535, got 70000'],
    [{ mtu: -1 }, 7, '"mtu": want at least 0, got -1'],
    [{ isGateway: "true" }, 6, '"isGateway": want true or false, got "true"'],
    [{ nested: [] }, 6, '"nested": want an object, got a list'],
    [{ nested: {} }, 7, '"nested.list" is missing: want a list'],
    [
      { nested: { list: [{ port: 1 }, { port: "2" }] } },
      6,
      '"nested.list[1].port": want a number, got "2"',
    ],
  ];
  for (const [more, code, msg] of values) {
    it(`refuses ${JSON.stringify(more)}, on DEL leaves it out`, () => {
      const { json } = run({ config: { ...plain, ...more } });
      deepEqual([json.code, json.msg, json.cniVersion], [code, msg, "1.1.0"]);
      const del = run({ command: "DEL", config: { ...plain, ...more } });
      equal(del.status, 0);
      match(del.stderr, /leaves out "/);
    });
  }

  it("names several bad keys, the first in msg", () => {
    const { json } = run({ config: { ...plain, mtu: -1, isGateway: 1 } });
    equal(json.msg, '"mtu": want at least 0, got -1');
    equal(json.details, '"isGateway": want true or false, got 1');
  });

  it("leaves out just the bad part on DEL", () => {
    let seen: object = {};
    const plugin = probe({
      del({ config: { nested, mtu } }) {
        seen = { nested, mtu };
      },
    });
    const list = [{ port: 1 }, { port: "x" }, { port: 3 }];
    run({ command: "DEL", config: { ...plain, mtu: "x", nested: { list } } }, plugin);
    deepEqual(seen, { nested: { list: [{ port: 1 }, { port: 3 }] }, mtu: undefined });
  });

  for (const key of ["__proto__", "constructor", "prototype"]) {
    it(`is not moved by the key ${key}`, () => {
      let seen: object = {};
      const plugin = probe({
        add({ config: { isGateway, mtu } }) {
          seen = { isGateway, mtu };
          return { ips };
        },
      });
      run({ stdin: `{"name":"a","${key}":{"isGateway":true,"mtu":5}}` }, plugin);
      deepEqual(seen, { isGateway: undefined, mtu: undefined });
    });
  }
});

describe("runOnce with prevResult", () => {
  const seeing = (verb: "add" | "del") => {
    const seen: unknown[] = [];
    const plugin = probe({
      [verb]: ({ prevResult }: { prevResult?: object }) => {
        seen.push(prevResult);
        return { ips };
      },
    });
    return { seen, plugin };
  };

  it("reads it in its own version, or the configuration's", () => {
    const { seen, plugin } = seeing("add");
    const families = { ip4: { ip: "10.0.0.2/24" } };
    run({ config: { ...plain, prevResult: { cniVersion: "0.2.0", ...families } } }, plugin);
    run({ config: { ...plain, cniVersion: "0.2.0", prevResult: families } }, plugin);
    run({ config: { ...plain, prevResult: { IPs: ips } } }, plugin);
    deepEqual(seen, [{ ips }, { ips }, { ips }]);
  });

  for (const prevResult of ["x", 5, [], { cniVersion: "9.9.9" }, { interfaces: [null] }]) {
    it(`refuses ${JSON.stringify(prevResult)}, and goes on without it on DEL`, () => {
      const { json } = run({ config: { ...plain, prevResult } });
      equal([1, 6, 7].includes(json.code), true);
      const { seen, plugin } = seeing("del");
      const { status, stderr } = run({ command: "DEL", config: { ...plain, prevResult } }, plugin);
      deepEqual([status, seen], [0, [undefined]]);
      match(stderr, /goes on without prevResult/);
    });
  }

  it("takes null for absent", () => {
    const { seen, plugin } = seeing("add");
    run({ config: { ...plain, prevResult: null } }, plugin);
    deepEqual(seen, [undefined]);
  });

  it("refuses a chained plugin without it, except for DEL", () => {
    const plugin = probe({ chained: true });
    for (const command of ["ADD", "CHECK"]) {
      const { json } = run({ command }, plugin);
      equal(json.code, 7);
      equal(json.msg, '"prevResult" is missing: probe must be called as chained plugin');
    }
    equal(run({ command: "DEL" }, plugin).status, 0);
  });
});

describe("runOnce with the plugin's own network namespace", () => {
  const prepare: PluginCall["prepare"] = (fake) => {
    fake.put("/proc/self/ns/net", "");
    fake.symlink("/proc/self/ns/net", "/run-netns");
  };
  const env = { CNI_NETNS: "/run-netns" };

  for (const command of ["ADD", "DEL"]) {
    it(`refuses ${command} before anything is done`, () => {
      const plugin = probe({
        add: () => {
          throw new Error("was called");
        },
        del: () => {
          throw new Error("was called");
        },
      });
      const { json } = run({ command, env, prepare }, plugin);
      equal(json.code, 8);
      equal(json.msg, "plugin's netns and netns from CNI_NETNS should not be the same");
    });

    it(`does ${command} when CNI_NETNS_OVERRIDE allows it`, () => {
      equal(run({ command, env: { ...env, CNI_NETNS_OVERRIDE: "true" }, prepare }).status, 0);
    });
  }
});

describe("runOnce when things fail", () => {
  it("prints the plugin's error with code, msg and details", () => {
    const error = new CniError(100, "m", { details: "d" });
    const plugin = probe({
      add: () =>
        during("x", () => {
          throw error;
        }),
    });
    const { json, status, stderr } = run({}, plugin);
    deepEqual(json, { cniVersion: "1.1.0", code: 100, msg: "x: m", details: "d" });
    equal(Object.keys(json).join(), "cniVersion,code,msg,details");
    equal(status, 1);
    equal(stderr, "");
  });

  it("prints 999 for a mistake of its own, and the trace on stderr", () => {
    const plugin = probe({
      add: () => (undefined as unknown as { x(): never }).x(),
    });
    const { json, stderr } = run({}, plugin);
    equal(json.code, 999);
    match(json.msg, /^unexpected TypeError: /);
    match(stderr, /^TypeError: .*\n.*skeleton\.test\.ts/);
  });

  it("survives a stack overflow", () => {
    const endless = (): never => endless();
    const { json } = run({}, probe({ add: endless }));
    match(json.msg, /unexpected RangeError/);
  });

  it("says that it needs rights", () => {
    const plugin = probe({
      add: () => {
        throw Object.assign(new Error("setns: EPERM: operation not permitted"), { code: "EPERM" });
      },
    });
    match(run({}, plugin).json.details, /no permission/);
  });

  for (const code of ["EPIPE", "ENOSPC", "EBADF"]) {
    it(`takes an ADD back when stdout fails with ${code}`, () => {
      const done: string[] = [];
      const plugin = probe({
        add: () => {
          done.push("add");
          return { ips };
        },
        del: ({ attachment }) => {
          done.push(`del ${attachment.containerId}`);
        },
      });
      const { status, stderr } = run(
        { prepare: (fake) => fake.failOn("write", code, undefined, 2) },
        plugin,
      );
      equal(status, 1);
      deepEqual(done, ["add", "del cid1"]);
      match(stderr, /stdout takes no error: .*"code": 5/s);
    });
  }

  it("takes an ADD back when its version cannot express the result", () => {
    let deleted = 0;
    const plugin = probe({
      add: () => ({}),
      del: () => {
        deleted += 1;
      },
    });
    const { json } = run({ config: { ...plain, cniVersion: "0.2.0" } }, plugin);
    deepEqual([json.code, deleted], [7, 1]);
  });

  it("waits for a stdout that is full", () => {
    const { json, status } = run({ prepare: (fake) => fake.failOn("write", "EAGAIN") });
    deepEqual([status, json.ips], [0, ips]);
  });
});

describe("runOnce GC", () => {
  const a = { containerID: "a", ifname: "eth0" };
  const stale = (config: object) => {
    let seen: unknown;
    const plugin = probe({
      gc({ validAttachments, isStale }) {
        const attachments = ["a", "b"].map((id) => ({ network: "net1", containerId: id }));
        seen = {
          valid: validAttachments?.map(({ containerId }) => containerId),
          stale: attachments.map((each) => isStale({ ...each, ifname: "eth0" })),
          other: isStale({ network: "net2", containerId: "z", ifname: "eth0" }),
          eth1: isStale({ network: "net1", containerId: "a", ifname: "eth1" }),
        };
      },
    });
    const { json } = run({ command: "GC", config: { ...plain, ...config } }, plugin);
    return json ?? seen;
  };

  for (const key of ["cni.dev/valid-attachments", "cni.dev/attachments"]) {
    it(`reads ${key}`, () => {
      const found = { valid: ["a"], stale: [false, true], other: false, eth1: true };
      deepEqual(stale({ [key]: [{ ...a, extra: 1 }] }), found);
    });
  }

  it("takes both lists when there are two", () => {
    const lists = {
      "cni.dev/valid-attachments": [a, a],
      "cni.dev/attachments": [{ containerID: "b", ifName: "eth0" }],
    };
    deepEqual(stale(lists), {
      valid: ["a", "a", "b"],
      stale: [false, false],
      other: false,
      eth1: true,
    });
  });

  it("takes an empty list for nothing valid", () => {
    const found = { valid: [], stale: [true, true], other: false, eth1: true };
    deepEqual(stale({ "cni.dev/valid-attachments": [] }), found);
  });

  for (const value of [undefined, null]) {
    it(`knows nothing when the list is ${value}`, () => {
      const found = { valid: undefined, stale: [false, false], other: false, eth1: false };
      deepEqual(stale({ "cni.dev/valid-attachments": value }), found);
    });
  }

  for (const bad of [{}, 5, null, { containerID: "a" }, { containerID: 1, ifname: "e" }]) {
    it(`refuses the entry ${JSON.stringify(bad)}`, () => {
      const found = stale({ "cni.dev/valid-attachments": [a, bad] }) as {
        code: number;
        msg: string;
      };
      equal(found.code, 7);
      match(found.msg, /^"cni.dev\/valid-attachments\[1\]/);
    });
  }
});

describe("runOnce with IPAM", () => {
  const ipam = { type: "fake" };
  const spawn = () => '{"ips":[{"address":"10.9.0.2/24"}]}';
  const prepare: PluginCall["prepare"] = (fake) => fake.put("/opt/cni/bin/fake", "", 0o755);
  const asking = (kind: "required" | "optional") =>
    probe({ ipam: kind, add: ({ ipam }) => (ipam.configured ? ipam.ask().answer() : {}) });

  it("executes it with the bytes of stdin", () => {
    const stdin =
      '{"cniVersion":"1.1.0", "name":"a","IPAM":{"Type":"fake"},"big":12345678901234567890}';
    const { json, fake } = run({ stdin, spawn, prepare }, asking("required"));
    equal(json.ips[0].address, "10.9.0.2/24");
    equal(new TextDecoder().decode(fake.spawned[0]?.stdin), stdin);
  });

  for (const missing of [undefined, null, {}, { type: "" }, { type: null }]) {
    it(`refuses ipam ${JSON.stringify(missing)} where it is required`, () => {
      const { json } = run({ config: { ...plain, ipam: missing } }, asking("required"));
      equal(json.code, 7);
      match(json.msg, /"ipam.type" is missing/);
    });

    it(`goes without for ipam ${JSON.stringify(missing)} where it is optional`, () => {
      const { json } = run({ config: { ...plain, ipam: missing } }, asking("optional"));
      deepEqual(json, { cniVersion: "1.1.0" });
    });
  }

  it("refuses to go without before 0.3.0, which has no result for that", () => {
    const { json } = run({ config: { ...plain, cniVersion: "0.2.0" } }, asking("optional"));
    equal(json.code, 7);
    match(json.msg, /CNI version 0.2.0 has no result without addresses/);
  });

  for (const bad of ["static", [], 5]) {
    it(`refuses ipam ${JSON.stringify(bad)}`, () => {
      equal(run({ config: { ...plain, ipam: bad } }, asking("required")).json.code, 6);
    });
  }

  it("says nothing of the keys below ipam", () => {
    const { stderr } = run(
      { config: { ...plain, ipam: { ...ipam, subnet: "x" } }, spawn, prepare },
      asking("required"),
    );
    equal(stderr, "");
  });
});

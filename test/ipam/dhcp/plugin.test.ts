import { deepEqual, equal, match } from "node:assert/strict";
import { specVersions } from "../../../core/cni/versions.ts";
import { CniError } from "../../../core/errors.ts";
import { type AllocateArgs, errorText } from "../../../core/rpc/dhcp-service.ts";
import { becomeDaemon } from "../../../ipam/dhcp/daemon.ts";
import { dhcp } from "../../../ipam/dhcp/plugin.ts";
import { FakeHost, hostError, useHost } from "../../fake-host.ts";
import { callPlugin, type PluginCall } from "../../run-plugin.ts";
import { type Daemon, serveDaemon } from "./fake-daemon.ts";

const config = { cniVersion: "1.1.0", name: "lan", type: "macvlan", ipam: { type: "dhcp" } };
const lease = {
  ips: [{ address: "10.1.0.5/24", gateway: "10.1.0.1" }],
  routes: [{ dst: "0.0.0.0/0", gw: "10.1.0.1" }],
};

/** A call beside a daemon at the usual place, or at none. */
function call(daemon: Daemon | undefined, more: PluginCall & { socket?: string } = {}) {
  const { socket = "/run/cni/dhcp.sock", ...options } = more;
  let calls: string[] = [];
  const prepare = (fake: FakeHost) => {
    calls = serveDaemon(fake, daemon === undefined ? "/nowhere" : socket, daemon);
    options.prepare?.(fake);
  };
  const run = callPlugin(dhcp, { config, ...options, prepare });
  return { ...run, calls };
}

const missing =
  "error dialing DHCP daemon: dial unix /run/cni/dhcp.sock: connect: no such file or directory";
const howToStart =
  'no daemon serves "/run/cni/dhcp.sock": start it with "systemctl enable --now cni-dhcp.socket", or run "dhcp daemon"';

describe("dhcp ADD", () => {
  it("hands on what the daemon got", () => {
    const { json, status, stderr, calls } = call({ allocate: () => lease });
    equal(status, 0);
    equal(stderr, "");
    deepEqual(json, { cniVersion: "1.1.0", ...lease });
    deepEqual(calls, ["DHCP.Allocate"]);
  });

  for (const version of specVersions) {
    it(`answers in ${version}`, () => {
      const { json } = call(
        { allocate: () => lease },
        { config: { ...config, cniVersion: version } },
      );
      equal(json.cniVersion, version);
      equal(version < "0.3.0" ? json.ip4.ip : json.ips[0].address, "10.1.0.5/24");
    });
  }

  it("tells the daemon the call as it came, the namespace's path from the root", () => {
    let args: AllocateArgs | undefined;
    const daemon: Daemon = {
      allocate(given) {
        args = given;
        return lease;
      },
    };
    call(daemon, {
      env: { CNI_NETNS: "p", CNI_ARGS: "A=b;C", CNI_NETNS_OVERRIDE: "1" },
      config: { ...config, master: "eth7" },
      prepare: (fake) => {
        const readlink = fake.readlink.bind(fake);
        fake.readlink = (path: string) => (path === "/proc/self/cwd" ? "/srv" : readlink(path));
      },
    });
    const { stdinData, ...rest } = args ?? ({} as AllocateArgs);
    deepEqual(rest, {
      containerId: "cid1",
      netns: "/srv/p",
      ifName: "eth0",
      args: "A=b;C",
      path: "/opt/cni/bin",
      netnsOverride: "1",
      wantsDetails: true,
    });
    deepEqual(JSON.parse(new TextDecoder().decode(stdinData)), { ...config, master: "eth7" });
  });

  it("hands on IPv6 addresses, and refuses a daemon that has none of those that were asked for", () => {
    const own = { ...config, ipam: { type: "dhcp", ipv6: "dhcp" } };
    const both = { ...lease, ips: [...lease.ips, { address: "2001:db8::5/128" }] };
    deepEqual(call({ allocate: () => both }, { config: own }).json.ips, both.ips);
    const { json, calls } = call({ allocate: () => lease }, { config: own });
    deepEqual(
      [json.code, json.msg],
      [999, '"ipv6" is "dhcp", and the daemon gave no IPv6 address'],
    );
    deepEqual(calls, ["DHCP.Allocate", "DHCP.Release"]);
    const off = { ...config, ipam: { type: "dhcp", ipv6: "off" } };
    equal(call({ allocate: () => lease }, { config: off }).status, 0);
  });

  it("dials where the configuration says", () => {
    const socket = "/run/other.sock";
    const own = { ...config, ipam: { type: "dhcp", daemonSocketPath: socket } };
    equal(call({ allocate: () => lease }, { config: own, socket }).status, 0);
  });

  it("names the socket and the unit when no daemon is there, and asks for nothing back", () => {
    const { json, status, stderr, calls } = call(undefined);
    equal(status, 1);
    deepEqual(json, { cniVersion: "1.1.0", code: 11, msg: missing, details: howToStart });
    equal(stderr, "");
    deepEqual(calls, []);
  });

  it("hands on code and details of our daemon", () => {
    const refuse = new CniError(11, "no more tries", { details: 'interface "eth0"' });
    const { json, calls } = call({
      allocate: () => {
        throw new Error(errorText(refuse, true));
      },
    });
    const msg = "error calling DHCP.Allocate: no more tries";
    deepEqual(json, { cniVersion: "1.1.0", code: 11, msg, details: 'interface "eth0"' });
    deepEqual(calls, ["DHCP.Allocate", "DHCP.Release"]);
  });

  it("gives the lease back when the answer cannot be used", () => {
    const two = { ips: [{ address: "10.1.0.5/24" }, { address: "10.1.0.6/24" }] };
    const { json, calls } = call(
      { allocate: () => two },
      { config: { ...config, cniVersion: "0.2.0" } },
    );
    match(json.msg, /does not support more than 1 address per family/);
    deepEqual(calls, ["DHCP.Allocate", "DHCP.Release"]);
  });

  it("does not wait for ever", () => {
    const { json } = call({ instead: "silence" });
    equal(json.code, 11);
    equal(json.msg, "error calling DHCP.Allocate: no answer within 600 s");
  });

  it("says so when the daemon hangs up, or speaks something else", () => {
    const hung = call({ instead: "end" }).json;
    equal(hung.msg, "error calling DHCP.Allocate: the daemon hung up without an answer");
    match(hung.details, /; the daemon listens at "\/run\/cni\/dhcp.sock"$/);
    const other = call({ instead: new TextEncoder().encode("HTTP/1.0 404 Not Found\n\n") }).json;
    match(other.msg, /^error calling DHCP.Allocate: .*got "HTTP\/1.0 404 Not Found"$/);
  });

  it("refuses a path that no socket can have, and a configuration without ipam", () => {
    const ipam = { type: "dhcp", daemonSocketPath: `/${"x".repeat(108)}` };
    match(call({}, { config: { ...config, ipam } }).json.msg, /a socket's path has 1 to 107 bytes/);
    const { ipam: _, ...without } = config;
    equal(call({}, { config: without }).json.msg, "IPAM config missing 'ipam' key");
  });
});

describe("dhcp DEL", () => {
  it("gives the lease back, as often as it is asked", () => {
    for (const _ of [1, 2]) {
      const { status, calls, stdout } = call({}, { command: "DEL" });
      deepEqual([status, stdout, calls], [0, "", ["DHCP.Release"]]);
    }
  });

  it("works without a namespace", () => {
    equal(call({}, { command: "DEL", env: { CNI_NETNS: undefined } }).status, 0);
  });

  it("succeeds when no daemon is there, and says so", () => {
    const { status, stderr } = call(undefined, { command: "DEL" });
    equal(status, 0);
    equal(stderr, `netloom dhcp: ${missing}; ${howToStart}\n`);
  });

  it("succeeds when nobody serves the socket that is left", () => {
    const prepare = (fake: FakeHost) => {
      (fake as Partial<Host>).connect = () => {
        throw hostError("connect", "ECONNREFUSED");
      };
    };
    const { status, stderr } = call({}, { command: "DEL", prepare });
    equal(status, 0);
    match(stderr, /connect: connection refused/);
  });

  it("fails in the daemon's words", () => {
    const release = () => {
      throw new Error("disk full");
    };
    const { json } = call({ release }, { command: "DEL" });
    deepEqual([json.code, json.msg], [999, "error calling DHCP.Release: disk full"]);
  });

  it("fails when it may not dial", () => {
    const prepare = (fake: FakeHost) => {
      (fake as Partial<Host>).connect = () => {
        throw hostError("connect", "EACCES");
      };
    };
    match(call({}, { command: "DEL", prepare }).json.msg, /connect: permission denied$/);
  });
});

describe("dhcp CHECK", () => {
  const check = (prevResult: object | undefined, daemon: Daemon | undefined) =>
    call(daemon, { command: "CHECK", config: { ...config, prevResult } });

  it("is content with the lease of before", () => {
    const { status, stdout } = check(lease, { allocate: () => lease });
    deepEqual([status, stdout], [0, ""]);
  });

  it("names a lease of another address", () => {
    const other = { ips: [{ address: "10.1.0.9/24" }] };
    const { json } = check(lease, { allocate: () => other });
    deepEqual(
      [json.code, json.msg, json.details],
      [
        101,
        "dhcp: the lease is of 10.1.0.9/24, which prevResult does not have",
        "prevResult has 10.1.0.5/24",
      ],
    );
  });

  it("fails without a daemon", () => {
    equal(check(lease, undefined).json.msg, missing);
  });
});

describe("dhcp GC", () => {
  const attachments = [
    { containerID: "c1", ifname: "eth0" },
    { containerID: "c2", ifname: "net1" },
  ];
  const gc = (daemon: Daemon | undefined, list: object | undefined = attachments) => {
    const stdin = { ...config, "cni.dev/valid-attachments": list };
    return call(daemon, { command: "GC", config: stdin });
  };

  it("tells the daemon what is valid", () => {
    let seen: object | undefined;
    const { status } = gc({
      collect: (given) => {
        seen = given;
      },
    });
    equal(status, 0);
    deepEqual(seen, { network: "lan", valid: ["c1/eth0", "c2/net1"] });
  });

  it("says nothing to the daemon when it does not know what is valid", () => {
    const { status, calls } = call({}, { command: "GC" });
    deepEqual([status, calls], [0, []]);
  });

  it("says that a daemon of the reference cannot do it", () => {
    const { status, stderr } = gc({ collect: null });
    equal(status, 0);
    match(stderr, /the daemon does not know GC/);
  });

  it("succeeds without a daemon, and fails in its words", () => {
    equal(gc(undefined).status, 0);
    const collect = () => {
      throw new Error("disk full");
    };
    equal(gc({ collect }).json.msg, "error calling DHCP.Collect: disk full");
  });
});

describe("dhcp STATUS", () => {
  const status = (daemon: Daemon | undefined, ipam: object = {}) =>
    call(daemon, { command: "STATUS", config: { ...config, ipam: { type: "dhcp", ...ipam } } });

  it("is content with a daemon that answers, the reference's too", () => {
    equal(status({}).status, 0);
    equal(status({ ping: null }).status, 0);
  });

  it("is 50 without one, and with one that does not answer", () => {
    const { json } = status(undefined);
    deepEqual([json.code, json.msg, json.details], [50, missing, howToStart]);
    const silent = status({ instead: "silence" }).json;
    deepEqual([silent.code, silent.msg], [50, "error calling DHCP.Ping: no answer within 5 s"]);
  });

  it("refuses options that the daemon would refuse", () => {
    const { json } = status({}, { request: [{ option: "doNotparseMe" }] });
    deepEqual([json.code, json.msg.slice(0, 34)], [7, 'Can not parse option "doNotparseMe']);
  });
});

describe("becomeDaemon", () => {
  const started = (execve: Host["execve"]) => {
    const fake = useHost(
      new FakeHost({ argv: ["/opt/cni/bin/dhcp", "daemon", "-timeout", "2s"], env: { A: "b" } }),
    );
    const readlink = (path: string) => (path === "/proc/self/exe" ? "/opt/cni/bin/dhcp" : "");
    Object.assign(fake, { readlink, execve });
    return { fake, status: becomeDaemon() };
  };

  it("goes on as the program beside it, with the flags", () => {
    const seen: unknown[] = [];
    started((...args) => {
      seen.push(...args);
      throw hostError("execve", "ENOENT", "/opt/cni/bin/dhcp-daemon");
    });
    deepEqual(seen, ["/opt/cni/bin/dhcp-daemon", ["/opt/cni/bin/dhcp", "-timeout", "2s"], ["A=b"]]);
  });

  it("says when that program is missing", () => {
    const { status, fake } = started(() => {
      throw hostError("execve", "ENOENT", "/opt/cni/bin/dhcp-daemon");
    });
    equal(status, 1);
    match(fake.stderr, /cannot start the daemon: execve "\/opt\/cni\/bin\/dhcp-daemon": ENOENT/);
  });
});

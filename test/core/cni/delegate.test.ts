import { deepEqual, equal, match, throws } from "node:assert/strict";

import { type Delegation, ipamDelegate } from "../../../core/cni/delegate.ts";
import { readEnvironment } from "../../../core/cni/environment.ts";
import type { SpecVersion } from "../../../core/cni/versions.ts";
import { FakeHost, type FakeHostOptions, hostError, useHost } from "../../fake-host.ts";

const encoder = new TextEncoder();
const answer = '{"cniVersion":"1.1.0","ips":[{"address":"10.0.0.2/24","interface":7}]}';
const stdin = encoder.encode('{"big": 12345678901234567890}');
const environ = ["FOO=bar", "CNI_COMMAND=ADD", "CNI_PATH=/none:/a:/b", "FOO=again", "EMPTY="];

function setUp(
  spawn: NonNullable<FakeHostOptions["spawn"]> = () => answer,
  more: Partial<Delegation> = {},
): { fake: FakeHost; ipam: ReturnType<typeof ipamDelegate> } {
  const fake = useHost(new FakeHost({ spawn }));
  fake.put("/b/fake", "", 0o755);
  const environment = readEnvironment(environ);
  const cniVersion: SpecVersion = "1.1.0";
  const delegation = { type: "fake", caller: "bridge", environment, stdin, cniVersion, ...more };
  return { fake, ipam: ipamDelegate(delegation) };
}

const commandOf = ({ env }: HostSpawn) => env.find((entry) => entry.startsWith("CNI_COMMAND="));
const failing = (stdout: string, stderr = "", status = 1) => ({
  status,
  stdout: encoder.encode(stdout),
  stderr: encoder.encode(stderr),
});

describe("ipamDelegate", () => {
  it("executes nothing when no IPAM is configured", () => {
    for (const type of [undefined, ""]) {
      const { fake, ipam } = setUp(undefined, { type });
      equal(ipam.configured, false);
      ipam.del();
      ipam.startCheck()();
      ipam.status();
      ipam.gc();
      throws(() => ipam.ask().answer(), { code: 7, message: /no plugin name provided/ });
      deepEqual(fake.spawned, []);
    }
  });

  it("hands on stdin's bytes and the environment, but for CNI_COMMAND", () => {
    const { fake, ipam } = setUp();
    ipam.startCheck()();
    const [spawned] = fake.spawned;
    equal(spawned?.path, "/b/fake");
    deepEqual(spawned?.argv, ["/b/fake"]);
    equal(spawned?.stdin, stdin);
    const env = ["FOO=bar", "CNI_COMMAND=CHECK", "CNI_PATH=/none:/a:/b", "EMPTY="];
    deepEqual(spawned?.env, env);
  });

  for (const [verb, command] of Object.entries({ del: "DEL", status: "STATUS", gc: "GC" })) {
    it(`${verb} executes it once with ${command}`, () => {
      const { fake, ipam } = setUp();
      ipam[verb as "del"]();
      deepEqual(fake.spawned.map(commandOf), [`CNI_COMMAND=${command}`]);
    });
  }

  it("knows that dhcp needs the link, and others do not", () => {
    for (const [type, needs] of [["dhcp", true] as const, ["host-local", false] as const]) {
      equal(setUp(undefined, { type }).ipam.needsLink, needs);
    }
  });

  it("gives back once, also when that fails", () => {
    const { fake, ipam } = setUp((spawned) =>
      commandOf(spawned) === "CNI_COMMAND=DEL" ? failing("") : answer,
    );
    const asked = ipam.ask();
    asked.answer();
    throws(() => asked.release(), /exit status 1|failed/);
    asked.release();
    deepEqual(fake.spawned.map(commandOf), ["CNI_COMMAND=ADD", "CNI_COMMAND=DEL"]);
  });

  it("takes the first executable file of CNI_PATH", () => {
    const { fake, ipam } = setUp();
    fake.put("/a/fake", "", 0o644);
    ipam.del();
    equal(fake.spawned[0]?.path, "/b/fake");
    match(fake.stderr, /"\/a\/fake" cannot be executed: mode 0644/);
    fake.put("/a/fake", "", 0o755);
    ipam.del();
    equal(fake.spawned[1]?.path, "/a/fake");
  });

  it("does not take a directory", () => {
    const { fake, ipam } = setUp(undefined, { type: "dir" });
    fake.putDirectory("/a/dir");
    const message = 'failed to find plugin "dir" in path [/none /a /b]';
    throws(() => ipam.ask().answer(), { code: 50, message });
  });

  for (const type of ["../fake", "/b/fake", "a/b", "..", ".", "fake\0x"]) {
    it(`refuses the name ${JSON.stringify(type)}`, () => {
      const { fake, ipam } = setUp(undefined, { type });
      throws(() => ipam.del(), { code: 7, message: /"ipam.type": invalid plugin name/ });
      deepEqual(fake.spawned, []);
    });
  }

  it("does not execute itself, under its own name or another", () => {
    const own = setUp(undefined, { type: "bridge" });
    throws(() => own.ipam.ask().answer(), {
      code: 7,
      message: '"ipam.type" names the plugin itself: "bridge"',
    });
    const { fake, ipam } = setUp();
    fake.put("/proc/self/x", "");
    fake.symlink("/b/fake", "/proc/self/exe");
    throws(() => ipam.ask().answer(), {
      code: 7,
      message: '"ipam.type" names the plugin itself: "fake"',
    });
    deepEqual(fake.spawned, []);
  });

  it("forwards stderr on success and on failure", () => {
    const good = setUp(() => ({ stderr: encoder.encode("hello\n") }));
    good.ipam.del();
    equal(good.fake.stderr, "hello\n");
    const bad = setUp(() => failing('{"code":123,"msg":"m"}', "trouble\n"));
    throws(() => bad.ipam.del(), { code: 123 });
    equal(bad.fake.stderr, "trouble\n");
    equal(bad.fake.stdout, "");
  });

  it("tries again while the program is being written", () => {
    let tries = 0;
    const { fake, ipam } = setUp(() => {
      tries += 1;
      if (tries < 3) throw hostError("spawn", "ETXTBSY", "/b/fake");
      return answer;
    });
    const before = fake.clock.nowMs;
    ipam.ask().answer();
    equal(fake.clock.nowMs - before, 2000);
  });

  it("gives up after six tries", () => {
    const { fake, ipam } = setUp(() => {
      throw hostError("spawn", "ETXTBSY", "/b/fake");
    });
    throws(() => ipam.del(), { message: 'execute "/b/fake"' });
    equal(fake.spawned.length, 6);
  });
});

describe("ipamDelegate add", () => {
  it("returns addresses without index, routes and dns", () => {
    const { ipam } = setUp(
      () =>
        '{"interfaces":[{"name":"x"}],"ips":[{"address":"10.0.0.2/24","interface":0}],' +
        '"routes":[{"dst":"0.0.0.0/0"}],"dns":{"domain":"d"}}',
    );
    deepEqual(ipam.ask().answer(), {
      ips: [{ address: "10.0.0.2/24" }],
      routes: [{ dst: "0.0.0.0/0" }],
      dns: { domain: "d" },
    });
  });

  it("reads another version than the configuration's", () => {
    const { ipam } = setUp(
      () => '{"cniVersion":"0.2.0","ip4":{"ip":"10.2.0.5/24","gateway":"10.2.0.1"}}',
    );
    deepEqual(ipam.ask().answer(), { ips: [{ address: "10.2.0.5/24", gateway: "10.2.0.1" }] });
  });

  it("takes a result without version for the configuration's", () => {
    const { ipam } = setUp(() => '{"ip4":{"ip":"10.2.0.5/24"}}', { cniVersion: "0.2.0" });
    deepEqual(ipam.ask().answer(), { ips: [{ address: "10.2.0.5/24" }] });
  });

  /** Fails ADD with `bad`, answers DEL. */
  const onAdd = (bad: string | Partial<HostSpawned>) => (what: HostSpawn) =>
    commandOf(what) === "CNI_COMMAND=ADD" ? bad : "";

  // [what ADD answers, code, message, details]
  const two = '{"ips":[{"address":"10.0.0.1/8"},{"address":"10.0.0.2/8"}]}';
  const failures: [string | Partial<HostSpawned>, number, RegExp, RegExp?][] = [
    [failing('{"code":123,"msg":"m","details":"d"}'), 123, /^m$/, /^d$/],
    [failing('{"code":0,"msg":"netplugin failed"}'), 999, /^netplugin failed$/],
    [failing("", "no lease\n", 3), 999, /^"\/b\/fake" ended with exit status 3 .*: no lease$/],
    [failing("", "", 3), 999, /^"\/b\/fake" ended with exit status 3 and no error object$/],
    [failing("garbage"), 999, /and no error object: garbage$/],
    [failing("[]"), 999, /and no error object: \[\]$/],
    [{ signal: 9 }, 999, /^"\/b\/fake" was ended by signal 9$/],
    [{ stdout: encoder.encode("{}"), outputExceeded: true }, 999, /printed too much/],
    ["", 6, /^decode result of "\/b\/fake": line 1, column 1: want a value/],
    ["{}{}", 6, /want the end of the document/],
    ["[]", 6, /want an object, got a list/],
    ["null", 7, /^IPAM plugin returned missing IP config$/, /"\/b\/fake" gave no address/],
    ["{}", 7, /^IPAM plugin returned missing IP config$/],
    ['{"ips":[null]}', 6, /want an object, got null/],
    ['{"cniVersion":"2.0.0"}', 1, /unsupported CNI result version "2.0.0"/],
    ['{"ips":[{"address":"::ffff:10.0.0.1/120"}]}', 7, /want no IPv4 address in IPv6 form/],
  ];
  for (const [bad, code, message, details] of failures) {
    it(`fails with ${code} ${message.source}, and releases`, () => {
      const { fake, ipam } = setUp(onAdd(bad));
      throws(() => ipam.ask().answer(), { code, message, ...(details ? { details } : {}) });
      deepEqual(fake.spawned.map(commandOf), ["CNI_COMMAND=ADD", "CNI_COMMAND=DEL"]);
    });
  }

  it("refuses two addresses of a family before 0.3.0, and releases", () => {
    const spawn = onAdd(two.replace("{", '{"cniVersion":"1.0.0",'));
    const { fake, ipam } = setUp(spawn, { cniVersion: "0.2.0" });
    const message = "CNI version 0.2.0 does not support more than 1 address per family";
    throws(() => ipam.ask().answer(), { code: 7, message });
    equal(fake.spawned.length, 2);
  });

  it("returns the first error when the release fails too", () => {
    const { fake, ipam } = setUp((what) =>
      failing(JSON.stringify({ code: 100, msg: commandOf(what) })),
    );
    throws(() => ipam.ask().answer(), { code: 100, message: "CNI_COMMAND=ADD" });
    equal(fake.spawned.length, 2);
    match(fake.stderr, /IPAM DEL after the failed ADD: CNI_COMMAND=DEL/);
  });
});

describe("ipamDelegate gc and status", () => {
  const unknown = [
    '{"code":4,"msg":"unknown CNI_COMMAND: GC"}',
    '{"code":1,"msg":"plugin version does not allow GC"}',
  ];
  for (const text of unknown) {
    it(`takes ${text} for nothing to do`, () => {
      const { fake, ipam } = setUp(() => failing(text));
      ipam.gc();
      match(fake.stderr, /does not know GC/);
    });
  }

  it("passes other failures on", () => {
    const { ipam } = setUp(() => failing('{"code":51,"msg":"half"}'));
    throws(() => ipam.gc(), { code: 51, message: "half" });
    throws(() => ipam.status(), { code: 51, message: "half" });
  });

  it("STATUS fails with 50 when the program is missing", () => {
    const { ipam } = setUp(undefined, { type: "gone" });
    throws(() => ipam.status(), { code: 50, message: /failed to find plugin "gone"/ });
  });
});

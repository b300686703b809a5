/** The daemon's socket under clients that mean no good, or do no better. */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describeKernel } from "../kernel/requirements.ts";
import { builtPrograms, Sandbox } from "../kernel/sandbox.ts";
import { dhcpCommands, Lan, until } from "./lan.ts";

const greeting = "CONNECT /_goRPC_ HTTP/1.0\\n\\n";

/** A Python program with `connect()` and `ended(socket)`, which waits for the other end to close. */
function python(body: string): string[] {
  return [
    "python3",
    "-c",
    `import os, socket, sys, time
def connect():
  s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect("/run/cni/dhcp.sock"); return s
def ended(s):
  try:
    while s.recv(65536): pass
  except ConnectionError: pass
  return True
${body}`,
  ];
}

describeKernel(
  "the socket of dhcp-daemon",
  function () {
    this.timeout(60_000);

    it("is root's alone", async () => {
      using lan = new Lan();
      await lan.daemon();
      equal(statSync(lan.sandbox.path("/run/cni/dhcp.sock")).mode & 0o777, 0o600);
      equal(statSync(lan.sandbox.path("/run/cni")).mode & 0o777, 0o700);
    });

    it("refuses others though they reach it", async () => {
      using lan = new Lan();
      await lan.daemon();
      lan.sandbox.ok(["sh", "-c", "chmod 755 /run/cni; chmod 666 /run/cni/dhcp.sock"]);
      lan.sandbox.ok(python(`os.setuid(1234); s = connect(); assert ended(s)`));
      await lan.says(/refused a connection uid=1234 pid=\d+/);
    });

    for (const [what, body, reason] of [
      [
        "garbage",
        `s = connect(); s.sendall(b"\\x00\\xff" * 100 + b"\\n\\n"); assert ended(s)`,
        /ended a connection: .*CONNECT/,
      ],
      [
        "a head without an end",
        `s = connect()
try: s.sendall(b"x" * 100000)
except ConnectionError: pass
assert ended(s)`,
        /ended a connection: .*8192 bytes/,
      ],
      [
        "a value of a gigabyte",
        `s = connect(); s.sendall(b"${greeting}"); s.sendall(b"\\xfc\\x40\\x00\\x00\\x00" + b"x" * 100)
assert ended(s)`,
        /ended a connection: /,
      ],
      [
        "megabytes of a call",
        `s = connect(); s.sendall(b"${greeting}")
try:
  s.sendall(b"\\xfd\\x1f\\xff\\xff")
  for i in range(100): s.sendall(b"x" * 65536)
except ConnectionError: pass
assert ended(s)`,
        /ended a connection: /,
      ],
    ] as const) {
      it(`ends a connection that sends ${what}, and goes on serving`, async () => {
        using lan = new Lan();
        await lan.serve();
        await lan.daemon();
        lan.sandbox.ok(python(body));
        await lan.says(reason);
        lan.add("p1");
      });
    }

    it("serves a pod while hundreds of connections do nothing, and lets them go later", async () => {
      using lan = new Lan();
      await lan.serve();
      await lan.daemon();
      const idle = lan.sandbox.start(
        python(`all = [connect() for i in range(400)]
for s in all[:100]: s.sendall(b"CONN")
for s in all[100:200]: s.shutdown(socket.SHUT_WR)
print("connected", flush=True)
for s in all: assert ended(s)
print("ended", flush=True)`),
      );
      await until("the connections", () => idle.output().includes("connected"));
      lan.add("p1");
      equal(lan.call("DEL", "p1").status, 0);
      equal((await idle.stop())?.status ?? 0, 0);
      lan.add("p2");
    });

    it("gives up a lease that is asked for when its client goes", async () => {
      using lan = new Lan();
      await lan.daemon();
      lan.sandbox.pod("p1");
      const { program, options } = Sandbox.invocation(lan.callOf("ADD", "p1"));
      const asking = lan.sandbox.start([program], options);
      await until("the link", () => lan.log.includes("asks for a lease"));
      await asking.stop();
      await lan.says(/nobody waits for the lease any more .*container=p1/);
      await lan.says(/lease released/);
    });

    it("of the service manager is served, and left to it", async () => {
      using lan = new Lan();
      await lan.serve();
      const daemon = join(builtPrograms, "dhcp-daemon");
      const notified = join(lan.sandbox.scratch, "notify");
      const activate = python(`
os.makedirs("/run/cni")
n = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); n.bind("${notified}")
l = socket.socket(socket.AF_UNIX); l.bind("/run/cni/dhcp.sock"); l.listen(5)
pid = os.fork()
if pid == 0:
  os.dup2(l.fileno(), 3)
  env = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "NOTIFY_SOCKET": "${notified}", "WATCHDOG_USEC": "200000"}
  os.execve("${daemon}", ["dhcp", "-pidfile", "/run/dhcp.pid"], env)
while True:
  said = n.recv(4096).decode()
  print(said.replace("\\n", " "), flush=True)
  if "STOPPING" in said: break
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)`);
      const manager = lan.sandbox.start(activate);
      await until(
        "READY",
        () => manager.output().includes("READY=1"),
        () => manager.output(),
      );
      lan.add("p1");
      await until("the watchdog", () => manager.output().includes("WATCHDOG=1"));
      process.kill(lan.pid, "SIGHUP");
      await until(
        "the reload",
        () => /RELOADING=1 MONOTONIC_USEC=\d+\n.*READY=1/s.test(manager.output()),
        () => manager.output(),
      );
      process.kill(lan.pid, "SIGTERM");
      await until(
        "the end",
        () => manager.output().includes("status 0"),
        () => manager.output(),
      );
      await manager.ended;
      match(manager.output(), /STATUS=holds 1 leases/);
      ok(statSync(lan.sandbox.path("/run/cni/dhcp.sock")).isSocket());
    });
  },
  [...dhcpCommands, "python3"],
);

describeKernel(
  "the command line of dhcp-daemon",
  function () {
    this.timeout(30_000);
    const run = (lan: Lan, ...words: string[]) =>
      lan.sandbox.run([join(builtPrograms, "dhcp-daemon"), ...words], { timeoutMs: 5000 });

    it("is refused with its usage and status 2", () => {
      using lan = new Lan();
      const { status, stderr } = run(lan, "-bogus");
      equal(status, 2);
      match(stderr, /^flag provided but not defined: -bogus\nUsage of daemon:\n {2}-broadcast\n/);
    });
    it("wants an absolute pidfile, in the reference's words", () => {
      using lan = new Lan();
      const { status, stderr } = run(lan, "-pidfile", "dhcp.pid");
      deepEqual([status, stderr], [1, 'Error writing pidfile "dhcp.pid": path not absolute\n']);
    });
    it("wants a socket that is free, and leaves the one that is not", async () => {
      using lan = new Lan();
      await lan.daemon();
      const { status, stderr } = run(lan);
      equal(status, 1);
      match(stderr, /^Error getting listener: listen unix \/run\/cni\/dhcp.sock: .*EADDRINUSE/);
      ok(statSync(lan.sandbox.path("/run/cni/dhcp.sock")).isSocket());
      ok(readFileSync(lan.sandbox.path("/run/dhcp.pid"), "utf8").match(/^\d+$/));
    });
    it("puts the prefix before the socket, namespaces and lease files", async () => {
      using lan = new Lan();
      await lan.serve();
      lan.sandbox.ok([
        "sh",
        "-c",
        "mkdir -p /run/host/run && mount --bind /run/netns /run/netns 2>/dev/null; ln -s /run/netns /run/host/run/netns",
      ]);
      await lan.daemon(["-hostprefix", "/run/host"]);
      const config = { ipam: { type: "dhcp", daemonSocketPath: "/run/host/run/cni/dhcp.sock" } };
      lan.add("p1", { config });
      equal(
        statSync(lan.sandbox.path("/run/host/run/netloom/.dhcp/lan:p1:eth0.json")).mode & 0o777,
        0o600,
      );
      equal(lan.call("DEL", "p1", { config }).status, 0);
    });
    it("is no plugin's: a runtime that executes it is told so", () => {
      using lan = new Lan();
      const env = { CNI_COMMAND: "VERSION" };
      const { status, stderr } = lan.sandbox.run([join(builtPrograms, "dhcp-daemon")], { env });
      deepEqual(
        [status, stderr],
        [1, "netloom dhcp-daemon: this is no plugin: the network's type is dhcp\n"],
      );
    });
  },
  dhcpCommands,
);

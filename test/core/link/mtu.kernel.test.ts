/** `"mtu": "auto"` of the built programs. */
import { equal, match } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, link, refused, succeed } from "../../plugins/bridge/network.ts";

const ipam = { type: "host-local", ranges: [[{ subnet: "10.94.0.0/16" }]] };
const base: Config = { cniVersion: "1.1.0", name: "auto", ipam, mtu: "auto" };
const bridge: Config = { ...base, type: "bridge", bridge: "bridge0" };
const kinds: Config[] = [
  bridge,
  { ...base, type: "ptp" },
  { ...base, type: "macvlan", master: "uplink" },
];

/** A host whose way out takes packets of that size. */
function hostWithUplink(mtu: number): Sandbox {
  const sandbox = Sandbox.create();
  sandbox.outside();
  sandbox.ok(["ip", "link", "set", "uplink", "mtu", String(mtu)]);
  return sandbox;
}

describeKernel('"mtu": "auto"', () => {
  for (const config of kinds) {
    it(`${config["type"]}: is the MTU of the way out of the host, which CHECK knows`, () => {
      using sandbox = hostWithUplink(1404);
      const netns = sandbox.pod("a");
      const prevResult = add(sandbox, config, { netns });
      equal(link(sandbox, "eth0", netns).mtu, 1404);
      equal(prevResult.interfaces.at(-1).mtu, 1404);
      const call = { command: "CHECK", config: { ...config, prevResult }, netns };
      succeed(sandbox, call);
      sandbox.ok(["ip", "link", "set", "eth0", "mtu", "1300"], { netns });
      match(refused(sandbox, call).msg, /has an MTU of 1300, "prevResult" says 1404/);
    });
  }

  it("is the smaller one when each family has its own way out, and that of the lowest metric", () => {
    using sandbox = hostWithUplink(1404);
    const links = [
      "link add second mtu 1350 type veth peer name beyond",
      "link add third mtu 1290 type veth peer name far",
      "link set second up",
      "link set third up",
      "-4 route add default dev third metric 9",
      "-6 route flush default",
      "-6 route add default dev second",
    ];
    for (const line of links) sandbox.ok(["ip", ...line.split(" ")]);
    const netns = sandbox.pod("a");
    add(sandbox, bridge, { netns });
    equal(link(sandbox, "eth0", netns).mtu, 1350);
    equal(link(sandbox, "bridge0").mtu, 1350);
  });

  it("without a way out is the kernel's default, which is said", () => {
    using sandbox = Sandbox.create();
    const netns = sandbox.pod("a");
    const done = succeed(sandbox, { command: "ADD", config: bridge, netns });
    match(done.stderr, /"mtu" is "auto", and the host has no default route/);
    equal(link(sandbox, "eth0", netns).mtu, 1500);
  });

  it("1 MB passes to the world through a narrow way out", () => {
    using sandbox = hostWithUplink(1300);
    const outside = sandbox.outside();
    sandbox.ok(["ip", "link", "set", "eth0", "mtu", "1300"], { netns: outside });
    const netns = sandbox.pod("a");
    const keys = { isDefaultGateway: true, ipMasq: true };
    add(sandbox, { ...bridge, ...keys }, { netns });
    const ping = ["ping", "-c1", "-W2", "-M", "do", "-s", "1272", "192.0.2.2"];
    sandbox.ok(ping, { netns });
    const sink =
      "import socket\ns=socket.create_server(('192.0.2.2',7000))\nprint('ready',flush=True)\nc=s.accept()[0]\nn=0\nwhile b:=c.recv(65536): n+=len(b)\nprint(n,flush=True)\n";
    sandbox.start(["python3", "-c", sink], { netns: outside });
    const send =
      "import socket,time\nfor _ in range(100):\n  try: c=socket.create_connection(('192.0.2.2',7000),2);break\n  except OSError: time.sleep(.05)\nc.settimeout(5)\nc.sendall(b'x'*1000000)\nc.shutdown(1)\nassert c.recv(1)==b''\n";
    sandbox.ok(["python3", "-c", send], { netns });
  });

  it("is refused when it is another word", () => {
    using sandbox = hostWithUplink(1500);
    const call = { command: "ADD", config: { ...bridge, mtu: "big" }, netns: sandbox.pod("a") };
    const error = refused(sandbox, call);
    equal(error.code, 6);
    match(error.msg, /"mtu": want .*, got "big"/);
  });
});

/**
 * podman with its CNI back end, our programs as its plugins, and containers from a root file system made here.
 */
import { deepEqual, equal, match, notEqual } from "node:assert/strict";
import { describeKernel } from "../../test/kernel/requirements.ts";
import { Sandbox } from "../../test/kernel/sandbox.ts";
import { differences, hostState, processesLeft } from "./host-state.ts";
import { Podman } from "./podman.ts";
import { programs } from "./programs.ts";
import { page } from "./root-file-system.ts";

const host = "192.0.2.1";
const host6 = "2001:db8::1";

describeKernel(
  "podman with the CNI back end",
  function () {
    this.timeout(120_000);
    let podman: Podman;
    let outside: string;

    // its networks are used once: their bridges stay, as every implementation's do
    before(async () => {
      const sandbox = Sandbox.create();
      outside = sandbox.outside();
      podman = new Podman(sandbox, programs);
      podman.web("used", "--network", "podman,second", "-p", "7:7", "-p", "7:7/udp");
      podman.ok("network", "reload", "used");
      await podman.removeAll();
    });
    after(() => podman.dispose());

    /** A test that begins without containers, after which the host has to be as it was before. */
    const leavingNothing = (body: () => Promise<void> | void) => async (): Promise<void> => {
      podman.forgetAddresses();
      const state = hostState(podman.sandbox);
      try {
        await body();
      } finally {
        await podman.removeAll();
      }
      deepEqual(podman.sandbox.processes(), []);
      deepEqual(differences(state, hostState(podman.sandbox)), []);
    };

    const fromEverywhere = (port: number) => [
      podman.fetch(`http://${host}:${port}/`, outside),
      podman.fetch(`http://127.0.0.1:${port}/`),
      podman.fetch(`http://${host}:${port}/`),
    ];

    describe("published ports", () => {
      it(
        "answer from outside, from the host and on its loopback",
        leavingNothing(() => {
          podman.web("web", "--network", "podman", "-p", "8088:80");
          deepEqual(fromEverywhere(8088), [page, page, page]);
        }),
      );

      it(
        "answer over IPv6",
        leavingNothing(() => {
          podman.web("web", "--network", "second", "-p", "8088:80");
          equal(podman.fetch(`http://[${host6}]:8088/`, outside), page);
          equal(podman.fetch(`http://[${host6}]:8088/`), page);
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
        }),
      );

      it(
        "are ranges of tcp and of udp ports",
        leavingNothing(async () => {
          const tcp = ["-p", "8000-8009:9000-9009"];
          const udp = ["-p", "5300-5309:6300-6309/udp"];
          podman.web("web", "--network", "second", ...tcp, ...udp);
          const server = await podman.serve("web", "tcp:9000-9010", "udp:6300-6310");
          const asked = podman.askAll(
            [0, 4, 9].flatMap((at) => [
              ["tcp", host, 8000 + at],
              ["udp", host, 5300 + at],
              ["tcp", host6, 8000 + at],
              ["udp", host6, 5300 + at],
            ]),
            outside,
          );
          const here = podman.askAll([
            ["tcp", "127.0.0.1", 8009],
            ["udp", "127.0.0.1", 5309],
          ]);
          const beyond = podman.ask("tcp", host, 8010, outside);
          await server.stop();
          deepEqual(
            asked,
            [0, 4, 9].flatMap((at) => [
              `tcp ${9000 + at} from 192.0.2.2`,
              `udp ${6300 + at} from 192.0.2.2`,
              `tcp ${9000 + at} from 2001:db8::2`,
              `udp ${6300 + at} from 2001:db8::2`,
            ]),
          );
          deepEqual(here, ["tcp 9009 from 10.88.1.1", "udp 6309 from 10.88.1.1"]);
          match(beyond, /ConnectionRefusedError/);
        }),
      );

      it(
        "of one host address answer there and nowhere else",
        leavingNothing(() => {
          podman.web("web", "--network", "podman", "-p", `${host}:8088:80`);
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
          match(podman.ask("tcp", "127.0.0.1", 8088), /ConnectionRefusedError/);
        }),
      );

      it(
        "of the loopback address answer on the host alone",
        leavingNothing(() => {
          podman.web("web", "--network", "podman", "-p", "127.0.0.1:8088:80");
          equal(podman.fetch("http://127.0.0.1:8088/"), page);
          match(podman.ask("tcp", host, 8088, outside), /ConnectionRefusedError/);
        }),
      );

      it(
        "are one container's: a second one fails and leaves the first as it is",
        leavingNothing(() => {
          podman.web("first", "--network", "podman", "-p", "8088:80");
          const state = hostState(podman.sandbox);
          notEqual(podman.runWeb("second", "--network", "podman", "-p", "8088:80").status, 0);
          deepEqual(differences(state, hostState(podman.sandbox)), []);
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
        }),
      );

      it(
        "are refused once the container is gone",
        leavingNothing(() => {
          podman.web(
            "web",
            "--network",
            "podman",
            "-p",
            "8088:80",
            "-p",
            "5300-5399:5300-5399/udp",
          );
          podman.ok("rm", "--force", "--time", "0", "web");
          match(podman.ask("tcp", "127.0.0.1", 8088), /ConnectionRefusedError/);
          match(podman.ask("udp", "127.0.0.1", 5300), /ConnectionRefusedError/);
        }),
      );

      it(
        "come back when podman reloads networks whose rules were flushed",
        leavingNothing(() => {
          podman.web("web", "--network", "podman,second", "-p", "8088:80");
          podman.sandbox.ok(["nft", "flush", "ruleset"]);
          podman.ok("network", "reload", "--all");
          deepEqual(fromEverywhere(8088), [page, page, page]);
        }),
      );

      it(
        "stay when podman reloads networks that are as they should be",
        leavingNothing(() => {
          podman.web("web", "--network", "podman", "-p", "8088:80");
          const state = hostState(podman.sandbox);
          podman.ok("network", "reload", "web");
          deepEqual(differences(state, hostState(podman.sandbox)), []);
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
        }),
      );
    });

    describe("a container's life", () => {
      it(
        "goes on with the same ports after restart, and after stop and start",
        leavingNothing(() => {
          podman.web("web", "--network", "podman", "-p", "8088:80");
          podman.ok("restart", "--time", "0", "web");
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
          podman.ok("stop", "--time", "0", "web");
          match(podman.ask("tcp", "127.0.0.1", 8088), /ConnectionRefusedError/);
          podman.ok("start", "web");
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
        }),
      );

      it(
        "leaves nothing when it stops, before it is removed",
        leavingNothing(async () => {
          const state = hostState(podman.sandbox);
          podman.web("web", "--network", "podman,second", "-p", "8088:80");
          podman.ok("stop", "--time", "0", "web");
          deepEqual(await processesLeft(podman.sandbox), []);
          deepEqual(differences(state, hostState(podman.sandbox)), []);
        }),
      );

      it(
        "ends with rm -f although its monitor was killed",
        leavingNothing(() => {
          podman.web("web", "--network", "podman,second", "-p", "8088:80");
          process.kill(Number(podman.inspect("web", "{{.State.ConmonPid}}")), "SIGKILL");
          podman.ok("rm", "--force", "--time", "0", "web");
        }),
      );

      it(
        "keeps its network when it is renamed",
        leavingNothing(() => {
          podman.web("web", "--network", "podman", "-p", "8088:80");
          podman.ok("rename", "web", "other");
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
          podman.ok("restart", "--time", "0", "other");
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
        }),
      );

      it(
        "does not begin when the second network has no address left",
        leavingNothing(() => {
          podman.createNetwork("tiny", "--subnet", "10.88.9.0/30");
          podman.web("first", "--network", "tiny");
          const state = hostState(podman.sandbox);
          const refused = podman.runWeb("web", "--network", "podman,tiny", "-p", "8088:80");
          notEqual(refused.status, 0);
          match(refused.stderr, /no IP addresses available|10\.88\.9\./);
          podman.ok("rm", "--force", "web");
          deepEqual(differences(state, hostState(podman.sandbox)), []);
          podman.removeNetwork("tiny");
        }),
      );
    });

    describe("networks", () => {
      it(
        "are two of one container",
        leavingNothing(() => {
          podman.web("web", "--network", "podman,second", "-p", "8088:80");
          deepEqual(podman.addresses("web"), ["10.88.0.2/24", "10.88.1.2/24", "fd88:1::2/64"]);
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
        }),
      );

      it(
        "are one of a pod of two containers",
        leavingNothing(async () => {
          podman.createPod("pod", "--network", "podman", "-p", "8088:80", "-p", "5300:5300/udp");
          podman.web("first", "--pod", "pod");
          podman.ok(...["run", "-d", "--pod", "pod", "test.invalid/base", "/bin/sleep", "1000"]);
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
          const server = await podman.serve("first", "udp:5300-5300");
          equal(podman.ask("udp", host, 5300, outside), "udp 5300 from 192.0.2.2");
          await server.stop();
          podman.ok("rm", "--force", "--time", "0", "first");
          podman.web("third", "--pod", "pod");
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
          podman.ok("pod", "stop", "--time", "0", "pod");
          podman.ok("pod", "start", "pod");
          equal(podman.fetch(`http://${host}:8088/`, outside), page);
        }),
      );

      it(
        "are joined and left by a running container",
        leavingNothing(() => {
          podman.web("web", "--network", "podman", "-p", "8088:80");
          podman.ok("network", "connect", "second", "web");
          deepEqual(podman.addresses("web"), ["10.88.0.2/24", "10.88.1.2/24", "fd88:1::2/64"]);
          podman.ok("network", "disconnect", "second", "web");
          deepEqual(podman.addresses("web"), ["10.88.0.2/24"]);
          equal(podman.fetch(`http://${host}:8088/`, outside), page); // asked of both networks
        }),
      );

      it(
        "give the addresses that are asked for",
        leavingNothing(() => {
          const mac = "02:11:22:33:44:55";
          podman.createNetwork("made", "--subnet", "10.88.9.0/24");
          podman.web("web", "--network", "made", "--ip", "10.88.9.77", "--mac-address", mac);
          deepEqual(podman.addresses("web"), ["10.88.9.77/24"]);
          const [link] = podman.sandbox.ipJson("link show eth0", podman.netns("web"));
          equal(link.address, mac);
          podman.removeNetwork("made");
        }),
      );

      it(
        "are made, listed, shown and removed",
        leavingNothing(() => {
          const subnets = ["--subnet", "10.88.9.0/24", "--subnet", "fd88:9::/64", "--ipv6"];
          podman.createNetwork("made", ...subnets);
          match(podman.ok("network", "ls"), /^\w+ +made +bridge$/m);
          const [shown] = JSON.parse(podman.ok("network", "inspect", "made"));
          deepEqual(
            shown.subnets.map((each: { subnet: string }) => each.subnet),
            ["10.88.9.0/24", "fd88:9::/64"],
          );
          podman.web("web", "--network", "made", "-p", "8088:80");
          equal(podman.fetch("http://127.0.0.1:8088/"), page);
          deepEqual(podman.addresses("web"), ["10.88.9.2/24", "fd88:9::2/64"]);
          // takes the containers and the bridge with it
          podman.removeNetwork("made");
        }),
      );

      it(
        "that are internal have no way out",
        leavingNothing(() => {
          podman.createNetwork("inside", "--internal", "--subnet", "10.88.9.0/24");
          podman.web("web", "--network", "inside");
          const netns = podman.netns("web");
          deepEqual(podman.addresses("web"), ["10.88.9.2/24"]);
          deepEqual(podman.sandbox.ipJson("route show default", netns), []);
          podman.web("other", "--network", "inside");
          equal(podman.fetch("http://10.88.9.3/", netns), page);
          notEqual(podman.sandbox.run(["ping", "-c1", "-W1", "192.0.2.2"], { netns }).status, 0);
          match(podman.ask("tcp", "10.88.9.2", 80, outside), /Error|unreachable/i);
          podman.removeNetwork("inside");
        }),
      );
    });
  },
  ["podman", "runc", "busybox", "curl", "nft", "ip", "python3", "ping"],
);

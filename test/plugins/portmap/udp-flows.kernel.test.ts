import { equal } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { portmapWorld, udp } from "./portmap-world.ts";

describeKernel(
  "portmap and UDP flows",
  function () {
    this.timeout(60_000);
    const here = portmapWorld();
    const { good } = here;

    describe("UDP flows", () => {
      const send = (source: number, dst = "192.0.2.1", port = 8053): string =>
        here.world
          .sh(
            "O",
            `python3 - <<'END'
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.0.2.2", ${source})); s.settimeout(0.5)
try:
    s.sendto(b"x", ("${dst}", ${port})); print(s.recv(99).decode())
except OSError as error:
    print(type(error).__name__)
END`,
          )
          .trim();
      const flows = (filter: string): number =>
        here.world.sh(
          "H",
          `conntrack -L -p udp ${filter} 2>/dev/null | wc -l`,
        ) as unknown as number;

      it("reach the new pod with the first packet, whoever had the port", () => {
        send(5000); // to the host itself, that has no such port
        good("ADD", "A", [udp(8053)]);
        equal(send(5000), "A 192.0.2.2");
        good("DEL", "A", []);
        good("ADD", "B", [udp(8053)]);
        equal(send(5000), "B 192.0.2.2");
      });

      it("of another host address, and forwarded ones, live on", () => {
        good("ADD", "A", [udp(8053, 80, "192.0.2.1")]);
        good("ADD", "C", [udp(8053, 80, "10.72.0.1")]);
        equal(send(5001), "A 192.0.2.2");
        here.world.sh("O", "ip route replace 10.72.0.0/24 via 192.0.2.1");
        equal(send(5002, "10.72.0.1"), "C 192.0.2.2");
        good("DEL", "A", []);
        equal(Number(flows("--orig-port-src 5001")), 0);
        equal(Number(flows("--orig-port-src 5002")), 1);
        good("ADD", "B", [udp(8053, 80, "192.0.2.1")]);
        equal(Number(flows("--orig-port-src 5002")), 1);
        equal(send(5001), "B 192.0.2.2");
      });
    });
  },
  [...usual, "conntrack", "/usr/bin/python3"],
);

/**
 * Attachments that the reference's programs have made, in the hands of ours: with the real programs, real packets, and rules of others
 * beside theirs.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { installed, Node } from "./node.ts";

const c1 = { id: "c1", ports: [8080] };
const c2 = { id: "c2", ports: [8081] };
const routed = { type: "ptp" };
/** How DEL comes: what it tells, and whether the container is still there. Of ptp the hardest alone. */
const ways = [
  ["", true, true],
  [" without prevResult", false, true],
  [" without namespace", true, false],
  [" without either", false, false],
] as const;

/** Rules of an administrator, and of another program, in the very chains of the reference. */
const others = `
for t in iptables ip6tables; do
  $t -t nat -A POSTROUTING -o uplink -m comment --comment "name: canary" -j RETURN
  $t -t nat -A PREROUTING -p tcp --dport 9999 -j RETURN
  $t -A CNI-ADMIN -p tcp --dport 25 -j DROP
  $t -N DOCKER-USER; $t -I FORWARD -j DOCKER-USER; $t -A DOCKER-USER -j RETURN
done
iptables -A CNI-FORWARD -s 10.9.2.2 -p tcp --dport 22 -j ACCEPT
nft add table inet canary
nft add chain inet canary forward '{ type filter hook forward priority 5; }'
nft add rule inet canary forward ip saddr 10.9.2.2 counter comment '"c1"'
`;

describeKernel(
  "containers of the reference",
  function () {
    this.timeout(120_000);

    for (const [title, who, backend] of installed()) {
      const kinds: [kind: string, first?: { type: string }][] = [["bridge"]];
      if (title.startsWith("reference")) kinds.push(["ptp", routed]);
      for (const [kind, first] of kinds) {
        describe(`attached by ${title}, ${kind}`, () => {
          /** A node with two containers of the reference and rules of others. */
          const made = async (): Promise<Node> => {
            const node = new Node(who, backend, first);
            for (const pod of [c1, c2]) await node.attach(who.bin, pod);
            if (kind === "ptp")
              for (const t of ["iptables", "ip6tables"]) node.sandbox.ok([t, "-N", "CNI-ADMIN"]);
            if (kind === "ptp") node.sandbox.ok(["iptables", "-N", "CNI-FORWARD"]);
            node.sandbox.ok(["sh", "-ec", others]);
            return node;
          };

          it("are checked, reached and masqueraded as before", async () => {
            using node = await made();
            await node.serveOutside();
            const before = node.rules();
            equal(node.answers(8080), "c1 c1");
            equal(node.seenAs("c1"), "outside 192.0.2.1");
            equal(node.all("CHECK", node.ours, c1), "");
            equal(node.all("CHECK", node.ours, c2), "");
            deepEqual(node.rules(), before);
          });

          let wanted: string[];
          const comparable = (node: Node) =>
            node
              .rules()
              .map((row) => row.replace(/veth[0-9a-f]{8}|([0-9a-f]{2}:){5}[0-9a-f]{2}/g, "X"));
          before(async () => {
            using node = await made();
            node.all("DEL", who.bin, c1);
            wanted = comparable(node);
          });

          for (const [how, tells, isThere] of kind === "ptp" ? ways.slice(-1) : ways) {
            it(`are detached${how} as by the reference's own DEL`, async () => {
              using node = await made();
              if (!isThere) node.sandbox.deletePod("c1");
              const more = isThere ? {} : { netns: "/run/netns/c1" };
              node.all("DEL", node.ours, c1, more, tells);
              deepEqual(comparable(node), wanted);
              const after = node.rules();
              node.all("DEL", node.ours, c1, { ...more, ...(!isThere && { netns: null }) }, tells);
              deepEqual(node.rules(), after, "the second time");
              equal(node.answers(8080), "refused refused");
              equal(node.answers(8081), "c2 c2");
              node.all("CHECK", node.ours, c2);
            });
          }

          it("share the network with ours, which get none of their ports", async () => {
            using node = await made();
            const before = node.rules();
            await node.attach(node.ours, { id: "c3", ports: [8082] });
            equal(node.answers(8082), "c3 c3");
            equal(node.answers(8080), "c1 c1");
            const ping = ["ping", "-c1", "-W5", node.address("c1")];
            node.sandbox.ok(ping, { netns: "/run/netns/c3" });
            node.sandbox.pod("c4");
            const [, portmap] = node.calls("ADD", node.ours, { id: "c4", ports: [8080] });
            const prevResult = {
              cniVersion: "1.0.0",
              interfaces: [{ name: "eth0", sandbox: "/run/netns/c4" }],
              ips: [{ address: "10.9.2.77/24", interface: 0 }],
            };
            const config = { ...(portmap!.config as object), prevResult };
            const said = node.bad({ ...portmap!, config });
            match(said, /^100 host port 8080\/tcp is already published by container "c1"/);
            match(
              said,
              new RegExp(
                `reference's portmap in chain "${backend === "iptables" ? "CNI-DN-" : "hostports"}`,
              ),
            );
            node.all("DEL", node.ours, { id: "c3", ports: [8082] });
            node.all("DEL", node.ours, { id: "c4", ports: [8080] });
            deepEqual(node.rules(), before);
          });

          it("are refused a second ADD, and harmed by it nowhere", async () => {
            using node = await made();
            const before = node.sandbox.snapshot("/run/netns/c1");
            const rules = node.rules();
            const [link] = node.calls("ADD", node.ours, c1);
            match(node.bad(link!), /already exists/);
            deepEqual(node.rules(), rules);
            deepEqual(node.sandbox.snapshot("/run/netns/c1"), before);
          });

          it("leave what names them to GC", async () => {
            using node = await made();
            node.sandbox.deletePod("c1");
            const before = node.rules();
            node.collect([c1, c2]);
            deepEqual(node.rules(), before);
            node.collect([], "other");
            deepEqual(node.rules(), before);
            node.collect([c2]);
            const left = node.rulesWith('\\"c1\\"', "id: c1");
            deepEqual(left, []);
            equal(node.answers(8081), "c2 c2");
            node.all("CHECK", node.ours, c2);
            ok(node.rulesWith("canary").length > 0);
          });
        });
      }
    }
  },
  [...usual, "iptables-nft", "python3"],
);

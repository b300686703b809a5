/**
 * Our tables as an administrator's tools see them, and as they fare among other people's changes.
 */
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { root } from "../../../scripts/place.ts";
import { describeKernel, usual } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { buildDriver, done, doneAtOnce } from "./driver.ts";

const reference = join(root, "test", "core", "nft", "netloom.nft");
const network = "net";

describeKernel("our tables", function () {
  this.timeout(60_000);
  let sandbox: Sandbox;
  const sh = (command: string): string => sandbox.ok(["sh", "-ec", command]);
  const list = (): string => sh("nft list ruleset");
  const elements = (set: string): string[] =>
    sandbox
      .nftJson()
      .map((object) => object.set ?? object.map)
      .find((found) => found?.name === set)
      ?.elem?.map((each: unknown) => JSON.stringify(each)) ?? [];
  const masquerade = (containerId: string, address: string) => ({
    do: "add" as const,
    what: { network, containerId, masquerade: [address] },
  });

  before(buildDriver);
  beforeEach(() => {
    sandbox = Sandbox.create();
  });
  afterEach(() => sandbox.dispose());

  it("are listed by nft as the reference rule set is", () => {
    sh(`nft -f ${reference}`);
    const wanted = list();
    sh("nft flush ruleset");
    done(sandbox, { do: "add", what: { network, bridges: ["br0"] } });
    sh(
      "nft flush set inet netloom bridges; nft flush set inet netloom same; nft flush set inet netloom near",
    );
    equal(
      list().replaceAll('\tcomment "netloom 2"\n', ""),
      wanted.replaceAll('\tcomment "netloom 2"\n', ""),
    );
  });

  it("come out of nft list, flush and load as they were, with elements of every kind", () => {
    done(sandbox, {
      do: "add",
      what: {
        network: "a-network-name-that-is-rather-too-long-for-a-mark-of-its-own",
        containerId: "0123456789abcdef".repeat(4),
        masquerade: ["10.71.0.2/24", "fd71::2/64"],
        direct: [["10.71.0.0/24", "10.96.0.0/12"]],
        pods: ["10.71.0.2", "fd71::2"],
        bridges: ["br0", "a-name-of-15-by"],
        port: "veth0",
        mac: "02:00:00:00:00:01",
        addresses: ["10.71.0.2", "fd71::2", "fe80::1"],
      },
    });
    sh(
      `nft 'add element inet netloom any4 { tcp . 8080 comment "net/c1:eth0" : 10.71.0.2 . 80 }';
         nft 'add element inet netloom port6 { udp . 2001:db8::1 . 53 comment "net/c1:eth0" : fd71::2 . 53 }';
         nft 'add element inet netloom range4 { 0.0.0.0/0 . tcp . 30000-30999 comment "net/c1:eth0" : 10.71.0.2 }';
         nft 'add element inet netloom range6 { 2001:db8::1 . sctp . 30000-30999 : fd71::2 }'`,
    );
    const before = list();
    sh("nft list ruleset > /run/saved; nft flush ruleset; nft -f /run/saved");
    equal(list(), before);
  });

  it("are set up once by twenty processes at once", async () => {
    const all = Array.from({ length: 20 }, (_, at) => masquerade(`c${at}`, `10.71.0.${at + 2}/24`));
    await doneAtOnce(sandbox, all);
    equal(elements("masq4").length, 20);
    equal(elements("direct4").length, 1);
    deepEqual(done(sandbox, { do: "faults" }), []);
    equal(list().match(/jump admin/g)?.length, 1);
  });

  it("are set up again when somebody flushes them, however often", async () => {
    const flusher = sandbox.start(["sh", "-c", "for i in $(seq 40); do nft flush ruleset; done"]);
    const orders = Array.from({ length: 8 }, (_, at) => ({
      ...masquerade(`c${at}`, `10.71.0.${at + 2}/24`),
      repeat: 50,
    }));
    await doneAtOnce(sandbox, orders);
    await flusher.ended;
    done(sandbox, masquerade("last", "10.71.0.99/24"));
    deepEqual(done(sandbox, { do: "faults" }), []);
    deepEqual(done(sandbox, { do: "missing", what: masquerade("last", "10.71.0.99/24").what }), []);
  });

  it("are completed where sets are missing", () => {
    sh(
      "nft add table inet netloom '{ comment \"netloom 2\"; }'; nft add table bridge netloom '{ comment \"netloom 2\"; }'",
    );
    done(sandbox, masquerade("c1", "10.71.0.2/24"));
    deepEqual(done(sandbox, { do: "faults" }), []);
  });

  it("of another version are rebuilt with their elements and all that the administrator's chain leads to", () => {
    done(sandbox, masquerade("c1", "10.71.0.2/24"));
    sh(
      `nft add set inet netloom trusted '{ type ipv4_addr; flags interval; elements = { 10.8.0.0/16, 10.9.0.1 }; }'
       nft add chain inet netloom later; nft add rule inet netloom later ip saddr @trusted goto allow
       nft add rule inet netloom later tcp dport '{ 22, 80-89 }' ip daddr vmap '{ 10.1.1.1 : accept, 10.1.1.2 : drop }'
       nft add rule inet netloom admin ip saddr 10.9.9.9 counter drop comment '"mine"'
       nft add rule inet netloom admin iifname "eth*" jump later`,
    );
    const own = () =>
      sh(
        "nft -s list chain inet netloom admin; nft -s list chain inet netloom later; nft list set inet netloom trusted",
      );
    const before = own();
    sh(
      `nft list ruleset | sed 's/comment "netloom 2"/comment "netloom 1"/; /chain refuse/,/}/d' > /run/old; nft flush ruleset; nft -f /run/old`,
    );
    match(done(sandbox, { do: "faults" })[0], /is "netloom 1", want "netloom 2"/);
    equal(own(), before);
    done(sandbox, masquerade("c2", "10.71.0.3/24"));
    deepEqual(done(sandbox, { do: "faults" }), []);
    equal(elements("masq4").length, 2);
    match(elements("masq4").join(), /net\/c1:eth0/);
    equal(own(), before);
  });

  it("of another version are rebuilt without administrator's objects that cannot be carried", () => {
    done(sandbox, masquerade("c1", "10.71.0.2/24"));
    sh("nft add counter inet netloom mine; nft add rule inet netloom admin counter name mine");
    sh(
      `nft list ruleset | sed 's/comment "netloom 2"/comment "netloom 1"/' > /run/old; nft flush ruleset; nft -f /run/old`,
    );
    done(sandbox, masquerade("c2", "10.71.0.3/24"));
    deepEqual(done(sandbox, { do: "faults" }), []);
    equal(elements("masq4").length, 2);
  });

  it("name what of them is gone", () => {
    done(sandbox, masquerade("c1", "10.71.0.2/24"));
    sh("nft delete element inet netloom masq4 { 10.71.0.2 }");
    deepEqual(done(sandbox, { do: "missing", what: masquerade("c1", "10.71.0.2/24").what }), [
      "inet netloom masq4 { 10.71.0.2 }",
    ]);
    sh("nft flush chain inet netloom postrouting");
    match(
      done(sandbox, { do: "faults" })[0],
      /chain "postrouting" .* has 0 rules and jumps, want 3/,
    );
  });

  it("give an address to the pod that has it last, and keep it through the late DEL of the one before", () => {
    done(sandbox, masquerade("old", "10.71.0.2/24"));
    done(sandbox, masquerade("new", "10.71.0.2/24"));
    match(elements("masq4").join(), /net\/new:eth0/);
    done(sandbox, { ...masquerade("old", "10.71.0.2/24"), do: "remove" });
    match(elements("masq4").join(), /net\/new:eth0/);
    done(sandbox, { ...masquerade("new", "10.71.0.2/24"), do: "remove" });
    deepEqual(elements("masq4"), []);
    equal(elements("direct4").length, 1, "the network's own stays");
  });

  it("lose nothing of a neighbour's, nor what has no owner", () => {
    for (const id of ["a", "b", "c"])
      done(sandbox, masquerade(id, `10.71.0.${id.charCodeAt(0)}/24`));
    sh("nft add element inet netloom masq4 { 10.71.0.200 }");
    done(sandbox, {
      ...masquerade("b", `10.71.0.${"b".charCodeAt(0)}/24`),
      do: "remove",
      repeat: 2,
    });
    equal(elements("masq4").length, 3);
    deepEqual(done(sandbox, { do: "owned", network, containerId: "a" }), [
      "inet netloom masq4 { 10.71.0.97 }",
    ]);
    deepEqual(done(sandbox, { do: "owned", network: "ne" }), []);
  });

  it("take subnets that lie in each other, in any order", () => {
    done(sandbox, masquerade("a", "10.71.5.2/24"));
    done(sandbox, masquerade("b", "10.71.0.2/16"));
    done(sandbox, masquerade("c", "10.71.5.3/24"));
    equal(elements("masq4").length, 3);
    deepEqual(done(sandbox, { do: "missing", what: masquerade("c", "10.71.5.3/24").what }), []);
  });

  it("are gone for DEL when there is no table", () => {
    done(sandbox, { ...masquerade("a", "10.71.0.2/24"), do: "remove" });
    deepEqual(done(sandbox, { do: "owned", network }), []);
    equal(list(), "");
  });
});

describeKernel(
  "openForward",
  function () {
    this.timeout(60_000);
    let sandbox: Sandbox;
    const sh = (command: string): string => sandbox.ok(["sh", "-ec", command]);
    const rules = (tool = "iptables"): string[] =>
      sh(`${tool} -S`)
        .split("\n")
        .filter((line) => line.startsWith("-A") && line.includes("CNI"));

    before(buildDriver);
    beforeEach(() => {
      sandbox = Sandbox.create();
    });
    afterEach(() => sandbox.dispose());

    it("changes nothing where iptables-nft has no table", () => {
      done(sandbox, { do: "openForward" });
      equal(sh("nft list ruleset"), "");
      deepEqual(done(sandbox, { do: "missingForward" }), []);
    });

    it("leaves a chain FORWARD that is no base chain alone", () => {
      sh("nft add table ip filter; nft add chain ip filter FORWARD");
      done(sandbox, { do: "openForward" });
      equal(sh("nft list ruleset").includes("CNI"), false);
    });

    for (const tool of ["iptables", "ip6tables"]) {
      it(`puts back what ${tool} -F took, and is read and saved by ${tool}`, () => {
        sh(`${tool} -P FORWARD DROP; ${tool} -N DOCKER-USER; ${tool} -A FORWARD -j DOCKER-USER`);
        equal(done(sandbox, { do: "missingForward" }).length, 3);
        done(sandbox, { do: "openForward", repeat: 2 });
        equal(rules(tool).length, 3);
        sh(`${tool} -C CNI-FORWARD -m mark --mark 0x1000/0x1000 -j ACCEPT`);
        sh(`${tool} -C FORWARD -m comment --comment "CNI firewall plugin rules" -j CNI-FORWARD`);
        sh(`${tool}-save > /run/saved; ${tool}-restore < /run/saved`);
        done(sandbox, { do: "openForward" });
        equal(rules(tool).length, 3);
        sh(`${tool} -F FORWARD`);
        deepEqual(done(sandbox, { do: "missingForward" }), [
          `table "${tool === "iptables" ? "ip" : "ip6"} filter" has no jump from FORWARD to CNI-FORWARD`,
        ]);
        done(sandbox, { do: "openForward" });
        equal(rules(tool).length, 3);
      });
    }

    it("writes once when twenty do it at once", async () => {
      sh("iptables -P FORWARD DROP");
      await doneAtOnce(
        sandbox,
        Array.from({ length: 20 }, () => ({ do: "openForward" as const })),
      );
      equal(rules().length, 3);
    });

    it("keeps an administrator's rules in CNI-ADMIN", () => {
      sh(
        "iptables -N CNI-ADMIN; iptables -A CNI-ADMIN -s 10.9.9.9 -j DROP; iptables -P FORWARD DROP",
      );
      done(sandbox, { do: "openForward" });
      ok(rules().includes("-A CNI-ADMIN -s 10.9.9.9/32 -j DROP"));
      equal(rules().length, 4);
    });
  },
  [...usual, "iptables"],
);

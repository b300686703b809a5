import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { explain } from "../../../../core/errors.ts";
import { formatIp, parseCidr, parseIp } from "../../../../core/net/address.ts";
import { NftSocket } from "../../../../core/nft/nft-socket.ts";
import { publishElements } from "../../../../core/nft/published-ports.ts";
import { allowanceOf, forwardFaults } from "../../../../core/nft/reference/forward.ts";
import { macCheckFaults, macCheckOf } from "../../../../core/nft/reference/mac-check.ts";
import {
  masqueradeFaults,
  masqueradeOf,
  staleMasquerade,
} from "../../../../core/nft/reference/masquerade.ts";
import { portFaults } from "../../../../core/nft/reference/port-faults.ts";
import { portsOf, stalePorts } from "../../../../core/nft/reference/ports.ts";
import { type Doomed, removeFound } from "../../../../core/nft/reference/removal.ts";
import { takenPorts } from "../../../../core/nft/reference/taken-ports.ts";
import { FakeHost, useHost } from "../../../fake-host.ts";
import { captured } from "./captured.ts";
import { FakeChains } from "./fake-chains.ts";
import { jumpRule } from "./rule-of.ts";

const attachment = { network: "bn", containerId: "c1", ifname: "eth0" };
const masqueradeChain = "CNI-19ac768986684ddf870d0b91";
const portsChain = "CNI-DN-19ac768986684ddf870d0";
const nobodys = () => false;

describe("what the reference left", () => {
  let chains: FakeChains;
  let nft: NftSocket;
  beforeEach(() => {
    useHost(new FakeHost());
    chains = new FakeChains([...captured("iptables"), ...captured("nftables")]);
    nft = new NftSocket(chains.kernel);
  });

  /** What a removal takes away of the places of rules, and of chains. */
  const gone = (find: () => Doomed): string[] => {
    const before = { rules: chains.places(), chains: [...chains.chains] };
    removeFound(nft, find);
    const left = chains.places();
    const rules = before.rules.filter((place) => {
      const at = left.indexOf(place);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
    const lost = before.chains.filter((place) => !chains.chains.has(place));
    return [...rules.map((place) => `rule in ${place}`), ...lost.map((place) => `chain ${place}`)];
  };
  const masquerade = (isOthers: (address: Uint8Array) => boolean = nobodys) =>
    gone(() => masqueradeOf(nft, attachment, isOthers));
  const ports = (isOthers: (address: Uint8Array) => boolean = nobodys) =>
    gone(() => portsOf(nft, attachment, isOthers));

  it("is masquerade of both back ends and families", () => {
    deepEqual(masquerade(), [
      `rule in ip nat ${masqueradeChain}`,
      `rule in ip nat ${masqueradeChain}`,
      "rule in ip nat POSTROUTING",
      `rule in ip6 nat ${masqueradeChain}`,
      `rule in ip6 nat ${masqueradeChain}`,
      "rule in ip6 nat POSTROUTING",
      "rule in inet cni_plugins_masquerade masq_checks",
      "rule in inet cni_plugins_masquerade masq_checks",
      `chain ip nat ${masqueradeChain}`,
      `chain ip6 nat ${masqueradeChain}`,
    ]);
    deepEqual(masquerade(), [], "the second time");
  });

  it("keeps the masquerade of the container's other interface", () => {
    const v6 = (address: Uint8Array) => formatIp(address) === "fd09::2";
    deepEqual(
      masquerade(v6).filter((row) => row.includes("ip6 nat")),
      [],
    );
    ok(chains.chains.has(`ip6 nat ${masqueradeChain}`));
  });

  it("keeps a chain that somebody else leads to", () => {
    const comment = "of an administrator";
    chains.add(jumpRule("PREROUTING", { comment, target: masqueradeChain, handle: 900n }));
    deepEqual(
      masquerade().filter((row) => row.includes("ip nat")),
      ["rule in ip nat POSTROUTING"],
    );
    ok(chains.chains.has(`ip nat ${masqueradeChain}`));
  });

  it("keeps a rule of another container of the same hash", () => {
    const comment = 'name: "b" id: "nc1"';
    chains.add(jumpRule("POSTROUTING", { comment, target: masqueradeChain, handle: 901n }));
    masquerade();
    ok(chains.rules.some(({ handle }) => handle === 901n));
  });

  it("is the MAC check", () => {
    deepEqual(
      gone(() => macCheckOf(nft, attachment, nobodys)),
      [
        "rule in bridge nat PREROUTING",
        "rule in bridge nat cni-br-iface-c1-eth0",
        "rule in bridge nat cni-br-iface-c1-eth0-mac",
        "rule in bridge nat cni-br-iface-c1-eth0-mac",
        "chain bridge nat cni-br-iface-c1-eth0",
        "chain bridge nat cni-br-iface-c1-eth0-mac",
      ],
    );
  });

  it("is no chain of a name that the kernel does not take", () => {
    const long = { ...attachment, containerId: "c".repeat(300) };
    deepEqual(
      gone(() => macCheckOf(nft, long, nobodys)),
      [],
    );
    deepEqual(
      chains.kernel.requests.map(({ type }) => type),
      [0xa01],
    );
  });

  it("is no MAC check of a port that is another network's", () => {
    const isOthers = (port: string) => port === "veth18f21559";
    deepEqual(
      gone(() => macCheckOf(nft, attachment, isOthers)),
      [],
    );
  });

  it("is published ports of both back ends, without what containers share", () => {
    const rows = ports();
    const counted = (text: string) => rows.filter((row) => row.includes(text)).length;
    deepEqual(
      [
        "CNI-HOSTPORT-DNAT",
        `rule in ip nat ${portsChain}`,
        "cni_hostport hostports",
        "masquerading",
      ].map(counted),
      [4, 6, 4, 3],
    );
    deepEqual(
      rows.filter((row) => row.startsWith("chain")),
      [`chain ip nat ${portsChain}`, `chain ip6 nat ${portsChain}`],
    );
    for (const shared of ["PREROUTING", "OUTPUT", "SETMARK", "HOSTPORT-MASQ", "hostports_all"]) {
      equal(counted(shared), 0, shared);
    }
  });

  it("keeps the ports of the container's other interface", () => {
    deepEqual(
      ports((address) => address.length === 4 || address.length === 16),
      [],
    );
  });

  it("is what is let through of addresses, and not what an administrator lets through", () => {
    chains = new FakeChains([...captured("iptables"), ...captured("native")]);
    nft = new NftSocket(chains.kernel);
    const own = [parseIp("10.9.2.2"), parseIp("fd09::2")];
    const rows = gone(() => allowanceOf(nft, own));
    equal(rows.filter((row) => row === "rule in ip6 filter CNI-FORWARD").length, 2);
    equal(rows.filter((row) => row === "rule in ip filter CNI-FORWARD").length, 3); // one in both captures
    deepEqual(
      gone(() => allowanceOf(nft, [parseIp("10.9.2.3")])),
      [],
    );
  });

  it("is looked for again when somebody has committed meanwhile", () => {
    let times = 0;
    chains.beforeBatch = () => {
      if (times++ < 3) chains.generation++;
    };
    equal(masquerade().length, 10);
    equal(times, 4);
  });

  it("is left to who was quicker", () => {
    chains.beforeBatch = () => {
      chains.beforeBatch = undefined;
      chains.rules = [];
      chains.chains.clear();
      chains.generation++;
    };
    removeFound(nft, () => masqueradeOf(nft, attachment, nobodys));
    deepEqual(chains.rules, []);
  });

  it("is not looked for without end", () => {
    chains.beforeBatch = () => void chains.generation++;
    throws(
      () => removeFound(nft, () => masqueradeOf(nft, attachment, nobodys)),
      (error) => /overtaken by others 200 times/.test(explain(error)),
    );
  });

  it("is asked for once where there is none", () => {
    chains = new FakeChains([]);
    nft = new NftSocket(chains.kernel);
    const asked = (act: () => unknown): number => {
      const before = chains.kernel.sent.length;
      act();
      return chains.kernel.sent.length - before;
    };
    equal(
      asked(() => masquerade()),
      1,
    );
    equal(
      asked(() => gone(() => macCheckOf(nft, attachment, nobodys))),
      1,
    );
    equal(
      asked(() => ports()),
      1,
    );
    equal(
      asked(() => takenPorts(nft, published("192.0.2.1"))),
      1,
    );
    equal(
      asked(() => takenPorts(nft, [])),
      0,
    );
  });

  const valid = (...ids: string[]) => ids.map((containerId) => ({ ...attachment, containerId }));

  it("is stale as far as its rules name network and container", () => {
    const masquerades = (network: string, ...ids: string[]) =>
      gone(() => staleMasquerade(nft, network, valid(...ids))).length;
    equal(masquerades("bn", "c1"), 0);
    equal(masquerades("other"), 0);
    equal(masquerades("bn", "c2"), 10);
    const published = (network: string, ...ids: string[]) =>
      gone(() => stalePorts(nft, network, valid(...ids)));
    deepEqual(published("bn", "c1"), []);
    deepEqual(published("other"), []);
    const rows = published("bn", "c2");
    equal(rows.filter((row) => row.includes("cni_hostport")).length, 0);
    equal(rows.filter((row) => row.startsWith("chain")).length, 2);
  });

  // ---- what is taken

  const published = (hostIp?: string, hostPort = 8080, protocol = 6) =>
    publishElements({
      owner: "net/x:eth0",
      pod: parseIp("10.9.2.9"),
      ports: [
        { protocol, hostPort, containerPort: 1, hostIp: hostIp ? parseIp(hostIp) : undefined },
      ],
      snat: true,
      masqAll: false,
    });
  const taken = (elements: ReturnType<typeof published>): string[] =>
    takenPorts(nft, elements).map(
      ({ network, containerId, rule }) => `${rule.place.table} ${network} ${containerId}`,
    );

  it("takes ports, of every address or of one", () => {
    deepEqual(taken(published()), ["nat bn c1", "cni_hostport undefined c1"]);
    deepEqual(taken(published("192.0.2.1")), ["nat bn c1", "cni_hostport undefined c1"]);
    deepEqual(taken(published("127.0.0.1", 53, 17)), ["nat bn c1", "cni_hostport undefined c1"]);
    deepEqual(taken(published(undefined, 53, 17)), ["nat bn c1", "cni_hostport undefined c1"]);
  });

  it("does not take what differs in port, protocol, address or family", () => {
    deepEqual(taken(published(undefined, 8081)), []);
    deepEqual(taken(published(undefined, 8080, 17)), []);
    deepEqual(taken(published("192.0.2.1", 53, 17)), []);
    deepEqual(taken(published(undefined, 54, 17)), [], "port 54 is of ::1");
  });

  // ---- what CHECK misses

  /** Takes rules with this place away. */
  const lose = (place: string, index = 0): void => {
    const there = chains.rules.filter((rule) => rule.place === place);
    chains.rules = chains.rules.filter((rule) => rule !== there[index]);
  };
  const onlyOf = (name: string): void => {
    chains = new FakeChains(captured(name));
    nft = new NftSocket(chains.kernel);
  };
  const addresses = [parseCidr("10.9.2.2/24"), parseCidr("fd09::2/64")];
  const masks = () => masqueradeFaults(nft, attachment, addresses);

  it("is whole when either back end's masquerade is", () => {
    for (const name of ["iptables", "nftables"]) {
      onlyOf(name);
      deepEqual(masks(), [], name);
    }
  });

  it("misses each rule of masquerade by name", () => {
    const lost = (place: string, index: number): string[] => {
      onlyOf("iptables");
      lose(place, index);
      return masks();
    };
    deepEqual(lost("ip nat POSTROUTING", 1), [
      `chain "POSTROUTING" of table "ip nat" has no rule "saddr 10.9.2.2/32 jump ${masqueradeChain}"`,
    ]);
    deepEqual(lost(`ip nat ${masqueradeChain}`, 0), [
      `chain "${masqueradeChain}" of table "ip nat" has no rule "daddr 10.9.2.0/24 accept"`,
    ]);
    deepEqual(lost(`ip6 nat ${masqueradeChain}`, 1), [
      `chain "${masqueradeChain}" of table "ip6 nat" has no rule "daddr != ff00::/8 masquerade"`,
    ]);
    onlyOf("nftables");
    lose("inet cni_plugins_masquerade masq_checks", 1);
    deepEqual(masks(), [
      `"fd09::2/64" is not masqueraded: there is no chain "${masqueradeChain}" of table "ip6 nat", and no rule of the container's in chain "masq_checks" of table "inet cni_plugins_masquerade"`,
    ]);
  });

  it("misses each rule of the MAC check by name", () => {
    const mac = new Uint8Array([0xca, 0x7a, 0x5b, 0x76, 0xd3, 0xf7]);
    const faults = (port = "veth18f21559") => macCheckFaults(nft, attachment, port, mac);
    deepEqual(faults(), []);
    deepEqual(faults("veth00000000"), [
      'chain "PREROUTING" of table "bridge nat" has no rule "iifname veth00000000 jump cni-br-iface-c1-eth0"',
    ]);
    lose("bridge nat cni-br-iface-c1-eth0-mac", 1);
    deepEqual(faults(), [
      'chain "cni-br-iface-c1-eth0-mac" of table "bridge nat" does not drop at its end',
    ]);
  });

  const wanted = {
    pods: addresses,
    ports: [
      { protocol: 6, hostPort: 8080, containerPort: 80 },
      { protocol: 17, hostPort: 53, containerPort: 53, hostIp: parseIp("127.0.0.1") },
      { protocol: 17, hostPort: 54, containerPort: 53, hostIp: parseIp("::1") },
    ],
    snat: true,
    masqAll: false,
    externalSetMarkChain: undefined,
    markMasqBit: undefined,
  };

  const isPortmaps = (place: string, target: string | undefined): boolean =>
    / nat (CNI-DN|CNI-HOSTPORT|PREROUTING|OUTPUT)/.test(place.replace("bridge nat", "")) ||
    target === "CNI-HOSTPORT-MASQ" ||
    (place.includes("cni_hostport") && target !== "hostip_hostports");

  it("misses each rule of ports, and nothing when all are there", () => {
    for (const name of ["iptables", "nftables"]) {
      onlyOf(name);
      deepEqual(portFaults(nft, attachment, wanted), [], name);
      for (const [index, { place, target }] of chains.rules.entries()) {
        onlyOf(name);
        chains.rules.splice(index, 1);
        const faults = portFaults(nft, attachment, wanted)?.length ?? 0;
        equal(faults > 0, isPortmaps(place, target), `${place} ${target}`);
      }
    }
  });

  it("is not there for a container that the reference has published nothing of", () => {
    equal(portFaults(nft, { ...attachment, containerId: "c9" }, wanted), undefined);
    onlyOf("nftables");
    equal(portFaults(nft, { ...attachment, containerId: "c9" }, wanted), undefined);
  });

  it("misses what is let through by name", () => {
    const forward = {
      addresses: addresses.map(({ address }) => address),
      admin: undefined,
      bridge: "br9",
      isApart: false,
    };
    const faults = () => forwardFaults(nft, forward);
    deepEqual(faults(), []);
    deepEqual(forwardFaults(nft, { ...forward, isApart: true }), [
      'chain "CNI-ISOLATION-STAGE-1" of table "ip filter" has no rule "iifname br9 oifname br9 drop"',
      'chain "CNI-ISOLATION-STAGE-1" of table "ip6 filter" has no rule "iifname br9 oifname br9 drop"',
    ]);
    lose("ip filter FORWARD", 1);
    lose("ip6 filter CNI-FORWARD", 1);
    deepEqual(faults(), [
      'chain "FORWARD" of table "ip filter" has no rule "jump CNI-FORWARD"',
      'chain "CNI-FORWARD" of table "ip6 filter" has no rule "daddr fd09::2/128 ct state 0x6 accept"',
    ]);
    equal(forwardFaults(nft, { ...forward, addresses: [parseIp("10.9.2.3")] }), undefined);
  });
});

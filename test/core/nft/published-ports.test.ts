import { deepEqual, equal, throws } from "node:assert/strict";
import { formatIp, parseIp } from "../../../core/net/address.ts";
import { describeElement } from "../../../core/nft/describe-element.ts";
import { claimsMeet, portClaim, portText } from "../../../core/nft/port-claim.ts";
import {
  nearElement,
  PortTwice,
  type PublishedPort,
  publishElements,
} from "../../../core/nft/published-ports.ts";

const tcp = (hostPort: number, containerPort = hostPort, hostIp?: string): PublishedPort => ({
  protocol: 6,
  hostPort,
  containerPort,
  hostIp: hostIp === undefined ? undefined : parseIp(hostIp),
});
const publication = (ports: PublishedPort[], pod = "10.1.2.5", more = {}) => ({
  owner: "net/c1:eth0",
  pod: parseIp(pod),
  ports,
  snat: true,
  masqAll: false,
  ...more,
});
const texts = (...args: Parameters<typeof publication>) =>
  publishElements(publication(...args)).map(describeElement);
const run = (first: number, length: number) => Array.from({ length }, (_, at) => tcp(first + at));

describe("publishElements", () => {
  it("publishes on every address or on one, and answers localhost and the pod itself", () => {
    deepEqual(texts([tcp(8080, 80), tcp(53, 53, "127.0.0.1")]), [
      "any4 { tcp . 8080 : 10.1.2.5 . 80 }",
      "port4 { tcp . 127.0.0.1 . 53 : 10.1.2.5 . 53 }",
      "self4 { 10.1.2.5 . 10.1.2.5 }",
      "snat4 { 10.1.2.5 }",
    ]);
  });

  it("publishes for IPv6 without localhost, which no kernel can route", () => {
    deepEqual(texts([tcp(8080, 80), tcp(8081, 80, "fd00::1")], "fd00::5"), [
      "any6 { tcp . 8080 : fd00::5 . 80 }",
      "port6 { tcp . fd00::1 . 8081 : fd00::5 . 80 }",
      "self6 { fd00::5 . fd00::5 }",
    ]);
  });

  it("takes 0.0.0.0 for every address of IPv4 alone", () => {
    deepEqual(texts([tcp(80, 80, "0.0.0.0")])[0], "any4 { tcp . 80 : 10.1.2.5 . 80 }");
    deepEqual(texts([tcp(80, 80, "0.0.0.0")], "fd00::5"), []);
  });

  it("refuses localhost without snat", () => {
    deepEqual(texts([tcp(80)], "10.1.2.5", { snat: false }).slice(1), ["nosnat4 { 10.1.2.5 }"]);
    deepEqual(texts([tcp(80)], "fd00::5", { snat: false }).slice(1), []);
  });

  it("masquerades every client of a target once with masqAll", () => {
    deepEqual(texts([tcp(8080, 80), tcp(8081, 80)], "10.1.2.5", { masqAll: true }).slice(4), [
      "masqall4 { tcp . 80 . 10.1.2.5 }",
    ]);
  });

  it("publishes the same mapping once, and refuses two targets of one port", () => {
    equal(texts([tcp(80), tcp(80)]).length, 3);
    throws(() => texts([tcp(80), tcp(80, 81)]), PortTwice);
  });

  it("makes one interval of 256 neighbours that keep their numbers", () => {
    deepEqual(
      texts(run(30000, 256).reverse())[0],
      "range4 { 0.0.0.0-255.255.255.255 . tcp . 30000-30255 : 10.1.2.5 }",
    );
    equal(texts(run(30000, 255)).length, 257);
  });

  it("leaves ports out of the interval that change, stand apart, or have another address", () => {
    const mixed = [...run(30000, 300), tcp(30300, 80), tcp(40000), tcp(30301, 30301, "192.0.2.1")];
    deepEqual(texts(mixed).slice(0, 4), [
      "range4 { 0.0.0.0-255.255.255.255 . tcp . 30000-30299 : 10.1.2.5 }",
      "any4 { tcp . 30300 : 10.1.2.5 . 80 }",
      "any4 { tcp . 40000 : 10.1.2.5 . 40000 }",
      "port4 { tcp . 192.0.2.1 . 30301 : 10.1.2.5 . 30301 }",
    ]);
  });

  it("makes an interval of one address", () => {
    const ports = run(30000, 300).map((port) => ({ ...port, hostIp: parseIp("192.0.2.1") }));
    deepEqual(texts(ports)[0], "range4 { 192.0.2.1 . tcp . 30000-30299 : 10.1.2.5 }");
  });
});

describe("nearElement", () => {
  it("is the bridge with itself", () => {
    equal(describeElement(nearElement("br0")), 'near { "br0" . "br0" }');
  });
});

describe("portClaim", () => {
  const claim = (port: PublishedPort, pod?: string) =>
    portClaim(publishElements(publication([port], pod))[0]!);

  it("reads every kind of map", () => {
    deepEqual(claim(tcp(80)), { protocol: 6, hostIp: undefined, firstPort: 80, lastPort: 80 });
    deepEqual(claim(tcp(80, 80, "fd00::1"), "fd00::5"), {
      protocol: 6,
      hostIp: parseIp("fd00::1"),
      firstPort: 80,
      lastPort: 80,
    });
    const range = portClaim(publishElements(publication(run(30000, 300), "fd00::5"))[0]!);
    deepEqual(range, { protocol: 6, hostIp: undefined, firstPort: 30000, lastPort: 30299 });
  });

  it("is text with protocol and address", () => {
    const [element] = publishElements(publication([tcp(80, 80, "192.0.2.1")]));
    equal(portText(element!), "host port 80/tcp of 192.0.2.1");
    const [range] = publishElements(publication(run(30000, 300)));
    equal(portText(range!), "host port 30000-30299/tcp");
    equal(formatIp(portClaim(element!).hostIp!), "192.0.2.1");
  });

  it("meets another where a packet would belong to both", () => {
    const all = claim(tcp(80));
    const one = claim(tcp(80, 80, "192.0.2.1"));
    const other = claim(tcp(80, 80, "192.0.2.2"));
    equal(claimsMeet(all, one), true);
    equal(claimsMeet(one, other), false);
    equal(claimsMeet(all, { ...all, protocol: 17 }), false);
    equal(claimsMeet(all, { ...all, firstPort: 81, lastPort: 90 }), false);
    equal(claimsMeet(all, { ...all, firstPort: 70, lastPort: 80 }), true);
  });
});

import { deepEqual, equal, throws } from "node:assert/strict";

import type { CniResult } from "../../../core/cni/result.ts";
import { readPrevResult, readResult } from "../../../core/cni/result-reader.ts";
import { formatResult, resultDocument } from "../../../core/cni/result-writer.ts";
import { isSpecVersion, type SpecVersion, specVersions } from "../../../core/cni/versions.ts";

/** Everything a result can hold. */
const full: CniResult = {
  interfaces: [
    { name: "br0", mac: "02:00:00:00:00:01", mtu: 1500 },
    {
      name: "eth0",
      mac: "02:00:00:00:00:02",
      mtu: 1400,
      sandbox: "/run/netns/a",
      socketPath: "/run/s",
      pciID: "0000:01:00.0",
    },
  ],
  ips: [
    { address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 1 },
    { address: "fd00::2/64", interface: 0 },
  ],
  routes: [
    { dst: "0.0.0.0/0" },
    {
      dst: "10.9.0.0/16",
      gw: "10.0.0.9",
      mtu: 1400,
      advmss: 1360,
      priority: 4294967295,
      table: 4294967295,
      scope: 253,
    },
    { dst: "::/0", gw: "fd00::1", table: 0, scope: 0 },
  ],
  dns: { nameservers: ["10.0.0.53"], domain: "d", search: ["a", "b"], options: ["ndots:2"] },
};

/** The same with what 0.3.0 to 0.4.0 can say. */
const withoutLinkDetails: CniResult = {
  ...full,
  interfaces: full.interfaces!.map(({ mtu: _, socketPath: __, pciID: ___, ...rest }) => rest),
};

describe("formatResult", () => {
  it("writes 1.1.0 with sorted keys and four spaces", () => {
    const result: CniResult = {
      interfaces: [{ name: "eth0", mtu: 1500, mac: "02:00:00:00:00:02", sandbox: "/n" }],
      ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1", interface: 0 }],
      routes: [{ dst: "0.0.0.0/0", gw: "10.0.0.1", mtu: 0, table: 0 }],
      dns: { search: ["x"], nameservers: ["1.1.1.1"] },
    };
    const text = `{
    "cniVersion": "1.1.0",
    "dns": {
        "nameservers": [
            "1.1.1.1"
        ],
        "search": [
            "x"
        ]
    },
    "interfaces": [
        {
            "mac": "02:00:00:00:00:02",
            "mtu": 1500,
            "name": "eth0",
            "sandbox": "/n"
        }
    ],
    "ips": [
        {
            "address": "10.0.0.2/24",
            "gateway": "10.0.0.1",
            "interface": 0
        }
    ],
    "routes": [
        {
            "dst": "0.0.0.0/0",
            "gw": "10.0.0.1",
            "table": 0
        }
    ]
}`;
    equal(formatResult(result, "1.1.0"), text);
  });

  for (const version of ["0.3.0", "0.3.1", "0.4.0"] as const) {
    it(`writes ${version} with the address's version, and dns always`, () => {
      const result: CniResult = { ips: full.ips!, interfaces: full.interfaces! };
      equal(
        JSON.stringify(resultDocument(result, version)),
        `{"cniVersion":"${version}","interfaces":[{"name":"br0","mac":"02:00:00:00:00:01"},` +
          '{"name":"eth0","mac":"02:00:00:00:00:02","sandbox":"/run/netns/a"}],' +
          '"ips":[{"version":"4","interface":1,"address":"10.0.0.2/24","gateway":"10.0.0.1"},' +
          '{"version":"6","interface":0,"address":"fd00::2/64"}],"dns":{}}',
      );
    });
  }

  for (const version of ["0.1.0", "0.2.0"] as const) {
    it(`writes ${version} with one address a family and its routes`, () => {
      equal(
        JSON.stringify(resultDocument(full, version)),
        `{"cniVersion":"${version}","ip4":{"ip":"10.0.0.2/24","gateway":"10.0.0.1",` +
          '"routes":[{"dst":"0.0.0.0/0"},{"dst":"10.9.0.0/16","gw":"10.0.0.9"}]},' +
          '"ip6":{"ip":"fd00::2/64","routes":[{"dst":"::/0","gw":"fd00::1"}]},' +
          '"dns":{"nameservers":["10.0.0.53"],"domain":"d","search":["a","b"],"options":["ndots:2"]}}',
      );
    });

    it(`drops a route of a family without address in ${version}`, () => {
      const result: CniResult = {
        ips: [{ address: "fd00::2/64" }],
        routes: [{ dst: "0.0.0.0/0" }],
      };
      const text = JSON.stringify(resultDocument(result, version));
      equal(text, `{"cniVersion":"${version}","ip6":{"ip":"fd00::2/64"},"dns":{}}`);
    });

    it(`refuses no address and two of a family in ${version}`, () => {
      throws(() => formatResult({}, version), { code: 7, details: /no valid IP addresses/ });
      const two = { ips: [{ address: "10.0.0.1/8" }, { address: "10.0.0.2/8" }] };
      const message = `CNI version ${version} does not support more than 1 address per family`;
      throws(() => formatResult(two, version), { code: 7, message });
    });
  }

  it("leaves out what is empty", () => {
    const empty: CniResult = { interfaces: [], ips: [], routes: [], dns: { search: [] } };
    deepEqual(resultDocument(empty, "1.0.0"), { cniVersion: "1.0.0" });
    equal(JSON.stringify(resultDocument(empty, "0.4.0")), '{"cniVersion":"0.4.0","dns":{}}');
  });
});

describe("readResult", () => {
  const reread = (result: CniResult, version: SpecVersion) =>
    readResult(JSON.parse(formatResult(result, version)), "x", "1.1.0");

  for (const version of ["1.0.0", "1.1.0"] as const) {
    it(`reads what was written as ${version} without loss`, () => {
      deepEqual(reread(full, version), full);
    });
  }

  for (const version of ["0.3.0", "0.3.1", "0.4.0"] as const) {
    it(`reads what was written as ${version}, all but what it lacks`, () => {
      deepEqual(reread(full, version), withoutLinkDetails);
    });
  }

  for (const version of ["0.1.0", "0.2.0"] as const) {
    it(`reads what was written as ${version}: addresses, and routes in order`, () => {
      deepEqual(reread(full, version), {
        ips: [{ address: "10.0.0.2/24", gateway: "10.0.0.1" }, { address: "fd00::2/64" }],
        routes: [
          { dst: "0.0.0.0/0" },
          { dst: "10.9.0.0/16", gw: "10.0.0.9" },
          { dst: "::/0", gw: "fd00::1" },
        ],
        dns: full.dns,
      });
    });
  }

  it("takes the assumed version when the document has none", () => {
    const families = { ip4: { ip: "10.0.0.2/24" } };
    deepEqual(readResult(families, "x", "0.2.0"), { ips: [{ address: "10.0.0.2/24" }] });
    deepEqual(readResult({ ...families, cniVersion: "" }, "x", "1.0.0"), {});
  });

  it("matches keys in any case and drops unknown ones and null", () => {
    const document = { CniVersion: "1.0.0", IPs: [{ Address: "10.0.0.2/24", z: 1 }], routes: null };
    deepEqual(readResult(document, "x", "0.1.0"), { ips: [{ address: "10.0.0.2/24" }] });
  });

  it("writes addresses in their canonical form and keeps host bits", () => {
    const document = {
      ips: [{ address: "FD00:0:0::2/64", gateway: "" }],
      routes: [{ dst: "10.9.1.2/16", gw: "FD00::0:1" }],
    };
    deepEqual(readResult(document, "x", "1.1.0"), {
      ips: [{ address: "fd00::2/64" }],
      routes: [{ dst: "10.9.1.2/16", gw: "fd00::1" }],
    });
  });

  it("ignores the version of an address, even a wrong one", () => {
    const document = { ips: [{ version: "6", address: "10.0.0.2/24" }] };
    deepEqual(readResult(document, "x", "0.4.0"), { ips: [{ address: "10.0.0.2/24" }] });
  });

  it("reads a thousand interfaces and addresses", () => {
    const many = Array.from({ length: 1000 }, (_, n) => n);
    const result: CniResult = {
      interfaces: many.map((n) => ({ name: `eth${n}` })),
      ips: many.map((n) => ({ address: `10.0.${n >> 8}.${n & 255}/16`, interface: n })),
    };
    deepEqual(reread(result, "1.1.0"), result);
  });

  // [document, code, message]
  const refused: [unknown, number, string][] = [
    ["x", 6, '"x": want an object, got "x"'],
    [[], 6, '"x": want an object, got a list'],
    [5, 6, '"x": want an object, got 5'],
    [{ cniVersion: 1 }, 6, '"x.cniVersion": want a text, got 1'],
    [{ cniVersion: "9.9.9" }, 1, 'unsupported CNI result version "9.9.9" in x'],
    [{ interfaces: [null] }, 6, '"x.interfaces[0]": want an object, got null'],
    [{ interfaces: {} }, 6, '"x.interfaces": want a list, got an object'],
    [{ ips: [null] }, 6, '"x.ips[0]": want an object, got null'],
    [{ routes: [null] }, 6, '"x.routes[0]": want an object, got null'],
    [{ ips: [{}] }, 6, '"x.ips[0].address": want a text, got nothing'],
    [
      { ips: [{ address: "10.0.0.1" }] },
      7,
      '"x.ips[0].address": want an IP address with a prefix length, got "10.0.0.1"',
    ],
    [{ ips: [{ address: 1 }] }, 6, '"x.ips[0].address": want a text, got 1'],
    [
      { ips: [{ address: "::ffff:10.0.0.1/120" }] },
      7,
      '"x.ips[0].address": want no IPv4 address in IPv6 form, got "::ffff:10.0.0.1/120"',
    ],
    [
      { ips: [{ address: "10.0.0.1/8", gateway: "x" }] },
      7,
      '"x.ips[0].gateway": want an IP address, got "x"',
    ],
    [
      { ips: [{ address: "10.0.0.1/8", interface: "0" }] },
      6,
      '"x.ips[0].interface": want an integer, got "0"',
    ],
    [
      { ips: [{ address: "10.0.0.1/8", interface: 1.5 }] },
      6,
      '"x.ips[0].interface": want an integer, got 1.5',
    ],
    [
      { routes: [{ dst: "x" }] },
      7,
      '"x.routes[0].dst": want an IP address with a prefix length, got "x"',
    ],
    [{ routes: [{ dst: "::/0", scope: 256 }] }, 7, '"x.routes[0].scope": want 0 to 255, got 256'],
    [{ routes: [{ dst: "::/0", table: "1" }] }, 6, '"x.routes[0].table": want an integer, got "1"'],
    [{ dns: [] }, 6, '"x.dns": want an object, got a list'],
    [{ dns: { search: [1] } }, 6, '"x.dns.search[0]": want a text, got 1'],
  ];
  for (const [document, code, message] of refused) {
    it(`refuses ${JSON.stringify(document)}`, () => {
      throws(() => readResult(document, "x", "1.1.0"), { name: "CniError", code, message });
    });
  }
});

describe("readPrevResult", () => {
  for (const index of [1, 99, -1]) {
    it(`refuses the index ${index} of one interface`, () => {
      const ips = [{ address: "10.0.0.1/8", interface: index }];
      throws(() => readPrevResult({ interfaces: [{ name: "a" }], ips }, "1.1.0"), {
        code: 7,
        message: `"prevResult.ips[0].interface": want an index below 1, got ${index}`,
      });
    });
  }
});

describe("isSpecVersion", () => {
  it("knows the seven released versions", () =>
    equal(specVersions.filter(isSpecVersion).length, 7));

  for (const text of [
    "1.1",
    "v1.0.0",
    "01.1.0",
    "1.0.1",
    "0.5.0",
    "2.0.0",
    " 1.0.0",
    "",
    null,
    1,
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => equal(isSpecVersion(text), false));
  }
});

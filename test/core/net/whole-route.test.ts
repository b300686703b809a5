import { deepEqual, equal, match } from "node:assert/strict";

import type { RouteMessage } from "netlink-ts/route/route.ts";
import { parseIp } from "../../../core/net/address.ts";
import { RouteSocket } from "../../../core/net/route-socket.ts";
import {
  decodeRoute,
  encodeRoute,
  inTable,
  leadsOnlyOutOf,
  missingRoutes,
  nearFirst,
  putBack,
  routeText,
} from "../../../core/net/whole-route.ts";
import { FakeNetwork } from "../../core/net/fake-network.ts";
import { useHost } from "../../fake-host.ts";

const header = { family: 2, srcLength: 0, tos: 0, protocol: 3, scope: 0, type: 1, flags: 0 };

function routeTo(dst: string, dstLength: number, more: Partial<RouteMessage> = {}): RouteMessage {
  return { ...header, dstLength, headerTable: 254, dst: parseIp(dst), oif: 3, ...more };
}

const near = routeTo("10.0.0.0", 24, { scope: 253, prefSrc: parseIp("10.0.0.2") });
const far = routeTo("10.9.0.0", 16, { gateway: parseIp("10.0.0.1") });
const hop = (ifindex: number, flags = 0) => ({
  ifindex,
  flags,
  hops: 0,
  gateway: parseIp("10.0.0.1"),
});

describe("inTable", () => {
  it("names a table up to 255 in the header, and others in an attribute", () => {
    deepEqual([inTable(far, 100).headerTable, inTable(far, 100).table], [100, undefined]);
    deepEqual([inTable(far, 5000).headerTable, inTable(far, 5000).table], [0, 5000]);
  });

  it("keeps what was asked for and leaves out how the kernel found it", () => {
    const LINKDOWN = 16;
    const ONLINK = 4;
    equal(inTable({ ...far, flags: LINKDOWN | ONLINK }, 100).flags, ONLINK);
    const several = { ...far, multipath: [hop(3, LINKDOWN | ONLINK)], oif: undefined };
    equal(inTable(several, 100).multipath?.[0]?.flags, ONLINK);
  });

  it("keeps how long an advertised route lives, in seconds", () => {
    const cacheInfo = { clients: 0, lastUse: 0, expires: 179_950, error: 0, used: 0 };
    const rest = { id: 0, timestamp: 0, timestampAge: 0 };
    equal(inTable({ ...far, cacheInfo: { ...cacheInfo, ...rest } }, 100).expires, 1800);
  });

  it("names a next hop object instead of its hops", () => {
    const { nhId, oif, gateway } = inTable({ ...far, nhId: 7 }, 100);
    deepEqual([nhId, oif, gateway], [7, undefined, undefined]);
  });
});

describe("leadsOnlyOutOf", () => {
  it("looks at each of several gateways", () => {
    equal(leadsOnlyOutOf(far, 3), true);
    equal(leadsOnlyOutOf({ ...far, multipath: [hop(3), hop(3)] }, 3), true);
    equal(leadsOnlyOutOf({ ...far, multipath: [hop(3), hop(4)] }, 3), false);
  });
});

describe("nearFirst", () => {
  it("puts what needs a gateway behind what leads to it", () => {
    deepEqual(nearFirst([far, near]), [near, far]);
  });
});

describe("encodeRoute", () => {
  it("is text that decodes to the same route", () => {
    deepEqual(decodeRoute(encodeRoute(far)), far);
  });
});

describe("missingRoutes", () => {
  const isMissing = (route: RouteMessage, found: RouteMessage[], ifindex = 3) =>
    missingRoutes([route], found, ifindex).length === 1;

  it("wants destination, table, metric, link and gateways", () => {
    equal(isMissing(far, [near, far]), false);
    equal(isMissing(far, [far], 4), true);
    equal(isMissing({ ...far, headerTable: 100 }, [far]), true);
    equal(isMissing({ ...far, gateway: parseIp("10.0.0.9") }, [far]), true);
    equal(isMissing({ ...far, dstLength: 17 }, [far]), true);
    equal(isMissing({ ...far, priority: 5 }, [far]), true);
  });

  it("knows what IPv6 makes of no metric", () => {
    const sixth = routeTo("fd00::", 64, { family: 10 });
    equal(isMissing(sixth, [{ ...sixth, priority: 1024 }]), false);
  });
});

describe("routeText", () => {
  it("is as ip-route(8) writes it", () => {
    equal(routeText(far), "10.9.0.0/16 via 10.0.0.1 table 254");
    equal(routeText({ family: 10, headerTable: 9 }), "::/0 table 9");
  });
});

describe("putBack", () => {
  const EEXIST = 17;
  const ENOMEM = 12;
  const ENETUNREACH = 101;
  const taken = [far, near].map((route) => ({ route, behind: false }));

  function refusing(errno: number, gateway: boolean) {
    const fake = useHost(new FakeNetwork());
    let count = 0;
    fake.refuses = () => (count++ % 2 === (gateway ? 1 : 0) ? errno : undefined);
    const said: string[] = [];
    using route = RouteSocket.open();
    putBack(route, taken, (text) => said.push(text));
    return said;
  }

  it("does not mind a route that is there", () => {
    deepEqual(refusing(EEXIST, false), []);
  });

  it("says which route cannot be any more", () => {
    const [said = "", ...others] = refusing(ENETUNREACH, true);
    match(said, /^does not put back the route to 10\.9\.0\.0\/16 via 10\.0\.0\.1 table 254: /);
    deepEqual(others, []);
  });

  it("fails over anything else", () => {
    let failure: unknown;
    try {
      refusing(ENOMEM, false);
    } catch (error) {
      failure = error;
    }
    match(String(failure), /ENOMEM/);
  });
});

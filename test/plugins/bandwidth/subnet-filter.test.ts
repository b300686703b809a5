import { deepEqual, equal } from "node:assert/strict";
import { ETH_P_IP, ETH_P_IPV6, parseFilterInfo, u32Options } from "netlink-ts/route/filter.ts";
import { handleOf } from "netlink-ts/route/traffic-control.ts";
import { parseCidr } from "../../../core/net/address.ts";
import { type OtherSide, subnetFilter } from "../../../plugins/bandwidth/subnet-filter.ts";

const place = { parent: handleOf(1), classId: handleOf(1, 1) };
const filter = (subnet: string, side: OtherSide) => subnetFilter(parseCidr(subnet), side, place);
const words = (subnet: string, side: OtherSide) =>
  u32Options(filter(subnet, side) as never)?.selector?.keys.map(
    ({ value = 0, mask = 0, offset }) => `${value.toString(16)}/${mask.toString(16)}@${offset}`,
  );

describe("subnetFilter", () => {
  it("compares the other side's address", () => {
    deepEqual(words("10.1.2.0/23", "source"), ["a010200/fffffe00@12"]);
    deepEqual(words("10.1.2.0/23", "destination"), ["a010200/fffffe00@16"]);
    deepEqual(words("2001:db8::/32", "source"), ["20010db8/ffffffff@8"]);
    deepEqual(words("2001:db8::/33", "destination"), ["20010db8/ffffffff@24", "0/80000000@28"]);
  });
  it("leaves host bits out", () => {
    deepEqual(words("10.1.2.3/8", "source"), ["a000000/ff000000@12"]);
  });
  it("compares all words of one address", () => {
    deepEqual(words("10.1.2.3/32", "source"), ["a010203/ffffffff@12"]);
    equal(words("2001:db8::1/128", "source")?.length, 4);
  });
  it("has a word that is always right for a whole address space", () => {
    deepEqual(words("0.0.0.0/0", "source"), ["0/0@0"]);
    deepEqual(words("::/0", "source"), ["0/0@0"]);
  });
  it("has a priority for each protocol", () => {
    const told = (subnet: string) => parseFilterInfo(filter(subnet, "source").info as number);
    deepEqual(told("10.0.0.0/8"), { priority: 16, protocol: ETH_P_IP });
    deepEqual(told("::/0"), { priority: 15, protocol: ETH_P_IPV6 });
  });
});

import { deepEqual, equal, notEqual } from "node:assert/strict";
import { ifbName, ifbNames } from "../../../plugins/bandwidth/ifb.ts";

const attachment = { network: "cni-plugin-bandwidth-test", containerId: "dummy", ifname: "eth0" };

describe("ifbNames", () => {
  it("has the reference's name first", () => {
    equal(ifbNames(attachment)[0], "bwpa8eda89404b7");
  });
  it("has another for each interface of a container behind it", () => {
    const [first, second] = ifbNames(attachment);
    const other = ifbNames({ ...attachment, ifname: "eth1" });
    equal(other[0], first);
    notEqual(other[1], second);
    deepEqual(
      [first, second, other[1]].map((name) => ifbName.test(name)),
      [true, true, true],
    );
  });
});

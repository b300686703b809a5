/**
 * dummy (checklist 6.4).
 * @module
 */
import { deepEqual, equal } from "node:assert/strict";
import type { Case } from "../../runner/case.ts";
import {
  attachesIn,
  isReady,
  type LinkProgram,
  linkCase,
  pool,
  refuses,
  versions,
} from "./link-network.ts";

const dummy: LinkProgram = { program: "dummy", needs: ["dummy"], keys: {} };

export const cases: readonly Case[] = [
  linkCase(dummy, ["U-056"], "makes a dummy", { ipam: pool }, (net) => {
    net.add();
    equal(net.link("eth0", net.netns).linkinfo.info_kind, "dummy");
  }),
  linkCase(dummy, ["U-057"], "minds no link of that name on the host", { ipam: pool }, (net) => {
    net.trial.run("ip link add eth0 type dummy");
    const before = net.link("eth0");
    net.add();
    deepEqual(net.link("eth0"), before);
    equal(net.link("eth0", net.netns).linkinfo.info_kind, "dummy");
  }),
  ...versions.map((each) => attachesIn(dummy, ["U-058"], each)),
  refuses(
    dummy,
    "U-059",
    "a configuration without IPAM",
    { ipam: undefined },
    /no plugin name|ipam/i,
  ),
  isReady(dummy, "U-060"),
];

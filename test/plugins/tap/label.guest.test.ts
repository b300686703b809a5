/**
 * tap under a label of SELinux. The guest has SELinux without a policy: any label can be had.
 */
import { deepEqual, equal, ok } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { Sandbox } from "../../kernel/sandbox.ts";
import { add, type Config, hostLocal, link, succeed } from "../bridge/network.ts";

const config: Config = {
  cniVersion: "1.1.0",
  name: "machines",
  type: "tap",
  owner: 107,
  mtu: 1400,
  multiQueue: true,
  selinuxContext: "system_u:system_r:container_t:s0",
  ipam: hostLocal("10.9.0.0/24"),
};

describeKernel("tap with selinuxContext", () => {
  it("is made by the program under that label, is checked and deleted", () => {
    using sandbox = Sandbox.create();
    sandbox.ok(["modprobe", "tun"]);
    const netns = sandbox.pod("a");
    succeed(sandbox, { command: "STATUS", config });
    const prevResult = add(sandbox, config, { netns });
    const { ifalias, mtu, flags, linkinfo } = link(sandbox, "eth0", netns);
    const { type, user } = linkinfo.info_data;
    deepEqual([type, Number(user), mtu, ifalias], ["tap", 107, 1400, "machines/c1:eth0"]);
    ok(flags.includes("UP"));
    succeed(sandbox, { command: "CHECK", config: { ...config, prevResult }, netns });
    succeed(sandbox, { command: "DEL", config: { ...config, prevResult }, netns });
    equal(link(sandbox, "eth0", netns), undefined);
  });
});

/**
 * bridge + host-local + portmap as a runtime runs them, and what is left of it.
 */
import { deepEqual, equal } from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type AttachmentCall, Libcni, type NetworkList } from "../scripts/demo/libcni.ts";
import { residue } from "../scripts/demo/residue.ts";
import { peers } from "../scripts/place.ts";
import { describeKernel, usual } from "./kernel/requirements.ts";
import { builtPrograms, Sandbox } from "./kernel/sandbox.ts";

const list: NetworkList = {
  cniVersion: "1.0.0",
  name: "chain",
  plugins: [
    {
      type: "bridge",
      bridge: "cni-chain",
      isGateway: true,
      ipMasq: true,
      ipam: { type: "host-local", subnet: "10.77.0.0/24", routes: [{ dst: "0.0.0.0/0" }] },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

function attachment(sandbox: Sandbox, number: number): AttachmentCall {
  return {
    containerId: `pod-${number}`,
    ifName: "eth0",
    netns: sandbox.pod(`pod-${number}`),
    capabilities: {
      portMappings: [{ hostPort: 9000 + number, containerPort: 80, protocol: "tcp" }],
    },
  };
}

const reserved = /^10\.77\.0\.\d+$/;

function reservations(sandbox: Sandbox): string[] {
  const folder = sandbox.path("/var/lib/cni/networks/chain");
  return existsSync(folder) ? readdirSync(folder).filter((name) => reserved.test(name)) : [];
}

describeKernel("the chain of bridge, host-local and portmap", () => {
  it("leaves nothing of an attachment", () => {
    using sandbox = Sandbox.create();
    const libcni = new Libcni(sandbox, builtPrograms);
    const call = attachment(sandbox, 1);
    const before = sandbox.snapshot();
    const result = libcni.add(list, call);
    libcni.check(list, call, result);
    libcni.del(list, call, result);
    libcni.del(list, call, result);
    deepEqual(residue(before, sandbox.snapshot(), "cni-chain", /pod-1|10\.77\.0\.2/).wrong, []);
  });

  it("leaves the same after the second attachment as after the first", () => {
    using sandbox = Sandbox.create();
    const libcni = new Libcni(sandbox, builtPrograms);
    const call = attachment(sandbox, 1);
    libcni.del(list, call, libcni.add(list, call));
    const first = sandbox.snapshot();
    libcni.del(list, call, libcni.add(list, call));
    const { files: _, ...second } = sandbox.snapshot(); // where IPAM goes on is another address
    deepEqual({ ...second, files: first.files }, first);
  });

  it("leaves nothing when namespace and result are gone at DEL", () => {
    using sandbox = Sandbox.create();
    const libcni = new Libcni(sandbox, builtPrograms);
    const call = attachment(sandbox, 1);
    const before = sandbox.snapshot();
    libcni.add(list, call);
    sandbox.deletePod("pod-1");
    libcni.del(list, call, undefined);
    deepEqual(residue(before, sandbox.snapshot(), "cni-chain", /pod-1|10\.77\.0\.2/).wrong, []);
  });

  it("serves twenty ADDs at once on a host that had no network yet", async () => {
    using sandbox = Sandbox.create();
    const numbers = Array.from({ length: 20 }, (_, index) => index + 1);
    const calls = numbers.map((number) => attachment(sandbox, number));
    const config = (index: number, call: AttachmentCall, prevResult?: unknown) => ({
      cniVersion: list.cniVersion,
      name: list.name,
      ...list.plugins[index],
      ...(index === 1 && { runtimeConfig: call.capabilities }),
      prevResult,
    });
    const bridged = await sandbox.cniAtOnce(
      calls.map((call) => ({ command: "ADD", ...call, config: config(0, call) })),
    );
    deepEqual(
      bridged.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
      [],
    );
    const mapped = await sandbox.cniAtOnce(
      calls.map((call, i) => ({
        command: "ADD",
        ...call,
        config: config(1, call, bridged[i]?.json),
      })),
    );
    deepEqual(
      mapped.filter(({ status }) => status !== 0).map(({ stdout }) => stdout),
      [],
    );
    equal(new Set(bridged.map(({ json }) => json.ips[0].address)).size, 20);
    const unmapped = await sandbox.cniAtOnce(
      calls.map((call, i) => ({
        command: "DEL",
        ...call,
        config: config(1, call, mapped[i]?.json),
      })),
    );
    const gone = await sandbox.cniAtOnce(
      calls.map((call, i) => ({
        command: "DEL",
        ...call,
        config: config(0, call, mapped[i]?.json),
      })),
    );
    deepEqual(
      [...unmapped, ...gone].filter(({ status }) => status !== 0),
      [],
    );
    deepEqual(reservations(sandbox), []);
    equal(sandbox.ipJson("link show type veth").length, 0);
  });

  it("starts no other program than host-local", () => {
    using sandbox = Sandbox.create();
    const call = attachment(sandbox, 1);
    const trace = join(sandbox.scratch, "trace");
    for (const command of ["ADD", "DEL"]) {
      const { status, stdout } = sandbox.run(
        ["strace", "-f", "-qq", "-e", "trace=execve", "-o", trace, join(builtPrograms, "bridge")],
        {
          input: JSON.stringify({ ...list.plugins[0], cniVersion: "1.0.0", name: "chain" }),
          env: {
            PATH: process.env["PATH"],
            CNI_COMMAND: command,
            CNI_CONTAINERID: call.containerId,
            CNI_NETNS: call.netns,
            CNI_IFNAME: call.ifName,
            CNI_PATH: builtPrograms,
          },
        },
      );
      equal(status, 0, stdout);
      const executed = sandbox.ok(["cat", trace]).matchAll(/execve\("([^"]+)"/g);
      const names = [...executed].map(([, path]) => path?.replace(`${builtPrograms}/`, ""));
      deepEqual(names, ["bridge", "host-local"]);
    }
  });
});

describeKernel("programs exchanged on a running node", exchanged, [
  ...usual,
  join(peers, "bridge"),
]);

function exchanged(): void {
  it("free what the reference's host-local reserved", () => {
    using sandbox = Sandbox.create();
    const call = attachment(sandbox, 1);
    const result = new Libcni(sandbox, peers).add(list, call);
    equal(reservations(sandbox).length, 1);
    new Libcni(sandbox, builtPrograms).del(list, call, result);
    deepEqual(reservations(sandbox), []);
    equal(sandbox.ipJson("link show type veth").length, 0);
  });

  it("leave reservations that the reference frees", () => {
    using sandbox = Sandbox.create();
    const call = attachment(sandbox, 1);
    const result = new Libcni(sandbox, builtPrograms).add(list, call);
    new Libcni(sandbox, peers).del(list, call, result);
    deepEqual(reservations(sandbox), []);
    equal(sandbox.ipJson("link show type veth").length, 0);
  });

  it("see the addresses that the reference gave out", () => {
    using sandbox = Sandbox.create();
    const theirs = new Libcni(sandbox, peers).add(list, attachment(sandbox, 1));
    const ours = new Libcni(sandbox, builtPrograms).add(list, attachment(sandbox, 2));
    const address = (result: unknown) => (result as { ips: { address: string }[] }).ips[0]?.address;
    deepEqual([address(theirs), address(ours)], ["10.77.0.2/24", "10.77.0.3/24"]);
  });
}

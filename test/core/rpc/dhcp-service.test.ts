import { deepEqual, equal, throws } from "node:assert/strict";
import type { CniResult } from "../../../core/cni/result.ts";
import { CniError } from "../../../core/errors.ts";
import {
  type AllocateArgs,
  allocateFields,
  allocateShape,
  collectFields,
  collectShape,
  errorText,
  readAllocateArgs,
  readCollectArgs,
  readResultFields,
  remoteError,
  resultFields,
  resultShape,
} from "../../../core/rpc/dhcp-service.ts";
import { GobDecoder } from "../../../core/rpc/gob-decoder.ts";
import { GobEncoder, type GobFields } from "../../../core/rpc/gob-encoder.ts";
import {
  RpcClientConnection,
  RpcServerConnection,
  type StructShape,
} from "../../../core/rpc/net-rpc.ts";
import { captured } from "./capture.ts";

/** Over the wire and back. */
function sent(shape: StructShape, fields: GobFields): GobFields {
  const [value] = new GobDecoder().feed(new GobEncoder().encode(shape, fields));
  return value as GobFields;
}

const args: AllocateArgs = {
  containerId: "c1",
  netns: "/run/netns/p",
  ifName: "eth0",
  args: "A=b",
  path: "/opt/cni/bin",
  netnsOverride: "",
  stdinData: Uint8Array.of(123, 125),
  wantsDetails: true,
};

describe("AllocateArgs", () => {
  it("come back as they were sent", () => {
    deepEqual(readAllocateArgs(sent(allocateShape, allocateFields(args))), args);
  });

  it("are read from a plugin of the reference", () => {
    const [request] = new RpcServerConnection().feed(captured("plugin-allocate")).requests;
    const { stdinData, ...read } = readAllocateArgs(request?.args ?? {});
    deepEqual(read, {
      containerId: "c1",
      netns: "/run/netns/p",
      ifName: "eth0",
      args: "",
      path: "/x",
      netnsOverride: "",
      wantsDetails: false,
    });
    equal(JSON.parse(new TextDecoder().decode(stdinData)).name, "n");
  });

  it("of another type are refused", () => {
    throws(() => readAllocateArgs({ Netns: 5 }), {
      message:
        "decode rpc.Netns at byte 0: want what the service is declared with, got another value",
    });
  });
});

describe("CollectArgs", () => {
  it("come back as they were sent, an empty list too", () => {
    for (const valid of [[], ["c1/eth0", "c2/eth1"]]) {
      const collect = { network: "lan", valid };
      deepEqual(readCollectArgs(sent(collectShape, collectFields(collect))), collect);
    }
  });
});

describe("a result", () => {
  const result: CniResult = {
    ips: [{ address: "10.1.0.5/23", gateway: "10.1.0.1" }, { address: "fd00::5/64" }],
    routes: [
      { dst: "0.0.0.0/0", gw: "10.1.0.1", priority: 5 },
      { dst: "10.9.0.0/16", gw: "0.0.0.0", scope: 253 },
    ],
    dns: { nameservers: ["10.1.0.1"], domain: "x.y", search: ["x.y"], options: ["ndots:2"] },
  };

  it("comes back as it was sent", () => {
    deepEqual(readResultFields(sent(resultShape, resultFields(result))), result);
  });

  it("leaves the version to the plugin, as a daemon of the reference does", () => {
    const [theirs] = new RpcClientConnection().feed(captured("daemon-lease"));
    for (const fields of [theirs?.reply ?? {}, sent(resultShape, resultFields(result))]) {
      equal(fields["CNIVersion"], undefined);
    }
  });

  it("is read from a daemon of the reference", () => {
    const [reply] = new RpcClientConnection().feed(captured("daemon-lease"));
    deepEqual(readResultFields(reply?.reply ?? {}), {
      ips: [{ address: "192.168.1.5/24", gateway: "192.168.1.1" }],
      routes: [
        { dst: "10.9.0.0/16", gw: "192.168.1.9", priority: 9 },
        { dst: "0.0.0.0/0", gw: "192.168.1.1", priority: 9 },
      ],
    });
  });

  it("may hold IPv4 in 16 bytes", () => {
    const IP = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 5);
    const Address = { IP, Mask: Uint8Array.of(255, 0, 0, 0) };
    deepEqual(readResultFields({ IPs: [{ Address }] }).ips, [{ address: "10.0.0.5/8" }]);
  });

  it("is refused with a mask that is none, and an address that is none", () => {
    const of = (IP: number[], Mask: number[]) => ({
      IPs: [{ Address: { IP: Uint8Array.from(IP), Mask: Uint8Array.from(Mask) } }],
    });
    const ones = /a mask of ones and then zeroes/;
    throws(() => readResultFields(of([10, 0, 0, 5], [255, 0, 255, 0])), { message: ones });
    throws(() => readResultFields(of([10, 0, 0], [255, 0, 0])), { message: /an address with/ });
    throws(() => readResultFields({ IPs: [7] }), { message: /rpc.IPs/ });
  });
});

describe("an error of the daemon", () => {
  const error = new CniError(11, "no more tries", { details: "sent 3" });

  it("is upstream's text for a plugin of the reference", () => {
    equal(errorText(error, false), "no more tries");
  });

  it("carries details and code to ours", () => {
    const { message, details, code } = remoteError("DHCP.Allocate", errorText(error, true));
    deepEqual(
      [code, message, details],
      [11, "error calling DHCP.Allocate: no more tries", "sent 3"],
    );
  });

  it("is told as it is when another daemon said it", () => {
    for (const text of ["no more tries", "two\nlines", "not\n{ours"]) {
      const { message, code } = remoteError("DHCP.Allocate", text);
      deepEqual([code, message], [999, `error calling DHCP.Allocate: ${text}`]);
    }
  });
});

import { deepEqual, equal, match } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../scripts/place.ts";
import { describeKernel } from "../kernel/requirements.ts";
import { onHost, removeFolders, thrownOnHost } from "./program.ts";

describeKernel("HostError", () => {
  after(removeFolders);

  it("has the one shape", () => {
    deepEqual(
      thrownOnHost((host) => host.open("/nowhere/x", 0)),
      {
        isError: true,
        name: "HostError",
        message: 'open "/nowhere/x": ENOENT: no such file or directory',
        errno: 2,
        code: "ENOENT",
        syscall: "open",
        path: "/nowhere/x",
      },
    );
  });

  it("leaves out the path where there is none", () => {
    const thrown = thrownOnHost((host) => host.close(99));
    deepEqual(
      [thrown?.message, "path" in (thrown ?? {})],
      ["close: EBADF: bad file descriptor", false],
    );
  });

  it("has the stack of the caller", () => {
    const stack = onHost((host) => {
      function reads() {
        host.read(99, 1);
      }
      try {
        reads();
        return "";
      } catch (error) {
        return (error as Error).stack ?? "";
      }
    });
    match(stack, /at reads \(main:\d+:\d+\)/);
  });

  it("lists errno, code, syscall and path only", () => {
    const keys = onHost((host) => {
      try {
        return [String(host.rmdir("/nowhere"))];
      } catch (error) {
        return Object.keys(error as object);
      }
    });
    deepEqual(keys, ["errno", "code", "syscall", "path"]);
  });
});

describeKernel("netloomHost", () => {
  after(removeFolders);

  it("has the functions of host.d.ts and no others", () => {
    const contract = readFileSync(join(root, "runtime", "host.d.ts"), "utf8");
    const body = contract.slice(contract.indexOf("interface Host {"));
    const names = [...body.matchAll(/^ {2}(\w+)\(/gm)].map(([, name]) => name);
    deepEqual(onHost((host) => Object.getOwnPropertyNames(host)).sort(), names.sort());
  });
});

describeKernel("arguments of host functions", () => {
  after(removeFolders);

  const refusals: [string, (host: Host) => unknown, string][] = [
    [
      "a missing path",
      (host) => host.open(undefined as never, 0),
      "open: path: want a string, got undefined",
    ],
    [
      "a text for a number",
      (host) => host.close("1" as never),
      "close: fd: want an integer, got string",
    ],
    ["a fraction", (host) => host.read(0, 1.5), "read: length: want an integer, got float"],
    [
      "a number that is too large",
      (host) => host.close(2 ** 40),
      "close: fd: 1099511627776 is out of range",
    ],
    ["a negative length", (host) => host.read(0, -1), "read: length: -1 is out of range"],
    [
      "a text for bytes",
      (host) => host.write(1, "x" as never),
      "write: bytes: want a Uint8Array, got string",
    ],
    [
      "a wider array for bytes",
      (host) => host.write(1, new Uint16Array(1) as never),
      "write: bytes: want a Uint8Array, got object",
    ],
    ["a missing array", (host) => host.poll(undefined as never, 0), "poll: fds: want an array"],
    [
      "a text for a time",
      (host) => host.nanosleep("1" as never),
      "nanosleep: milliseconds: want a number, got string",
    ],
  ];
  for (const [what, body, message] of refusals) {
    it(`refuse ${what}`, () => {
      const thrown = thrownOnHost(body);
      deepEqual([thrown?.name, thrown?.message], ["TypeError", message]);
    });
  }

  it("refuse a path with a NUL with EINVAL", () => {
    const thrown = thrownOnHost((host) => host.stat("/tmp\0x"));
    deepEqual([thrown?.code, thrown?.path], ["EINVAL", "/tmp\0x"]);
  });

  it("refuse a negative descriptor with EBADF", () => {
    equal(thrownOnHost((host) => host.read(-1, 1))?.code, "EBADF");
  });

  it("refuse a length that no memory can hold", () => {
    equal(thrownOnHost((host) => host.read(0, 2 ** 50))?.message, "out of memory");
  });
});

import { deepEqual, equal, ok } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, temporaryFolder, thrownOnHost } from "../program.ts";

const lockFile = () => {
  const path = `${temporaryFolder()}/lock`;
  writeFileSync(path, "");
  return path;
};

describeKernel("flock", () => {
  after(removeFolders);

  it("is taken and given back", () => {
    equal(
      onHost((host, path) => {
        const [first, second] = [host.open(path, 0), host.open(path, 0)];
        host.flock(first, 2);
        host.flock(first, 8);
        host.flock(second, 2 | 4);
        return "taken";
      }, lockFile()),
      "taken",
    );
  });
  it("does not wait with LOCK_NB", () => {
    equal(
      thrownOnHost((host, path) => {
        host.flock(host.open(path, 0), 2);
        host.flock(host.open(path, 0), 2 | 4);
      }, lockFile())?.message,
      "flock: EAGAIN: resource temporarily unavailable",
    );
  });
  it("ends with ETIMEDOUT after its time, and not before", () => {
    const [code, waited] = onHost((host, path) => {
      host.flock(host.open(path, 0), 2);
      const start = host.clockGettime(1);
      try {
        host.flock(host.open(path, 0), 2, 150);
        return ["", 0];
      } catch (error) {
        return [(error as HostError).code, host.clockGettime(1) - start];
      }
    }, lockFile()) as [string, number];
    equal(code, "ETIMEDOUT");
    ok(waited >= 150 && waited < 1000, `${waited} ms`);
  });
  it("ends at once with a time of 0", () => {
    equal(
      thrownOnHost((host, path) => {
        host.flock(host.open(path, 0), 2);
        host.flock(host.open(path, 0), 1, 0);
      }, lockFile())?.code,
      "ETIMEDOUT",
    );
  });
  it("is shared by readers", () => {
    equal(
      onHost((host, path) => {
        host.flock(host.open(path, 0), 1);
        host.flock(host.open(path, 0), 1, 1000);
        return "shared";
      }, lockFile()),
      "shared",
    );
  });
  it("is taken as soon as the other gives it back, without using up the processor", () => {
    const { waited, cpu } = onHost((host, path) => {
      const spent = () => host.clockGettime(2);
      const [reader] = host.socketpair(1, 1, 0);
      const script = 'exec 9<"$0"; flock 9; touch "$0.held"; sleep 0.4';
      const start = host.clockGettime(1);
      host.finish(
        host.start({
          path: "/bin/sh",
          argv: [
            "sh",
            "-c",
            `setsid sh -c '${script}' "$0" >/dev/null 2>&1 </dev/null & until [ -e "$0.held" ]; do sleep 0.01; done`,
            path,
          ],
          env: ["PATH=/usr/bin:/bin"],
          stdin: new Uint8Array(),
        }),
      );
      const before = spent();
      host.flock(host.open(path, 0), 2, 5000);
      host.close(reader);
      return { waited: host.clockGettime(1) - start, cpu: spent() - before };
    }, lockFile());
    ok(waited >= 350 && waited < 3000, `${waited} ms`);
    ok(cpu < 20, `${cpu} ms of processor`);
  });
  it("leaves timer and signals as they were", () => {
    const status = onHost((host, path) => {
      const signals = () => {
        const fd = host.open("/proc/self/status", 0);
        const text = new TextDecoder().decode(host.read(fd, 8192));
        host.close(fd);
        return /SigBlk[\s\S]*SigCgt.*/.exec(text)?.[0];
      };
      const before = signals();
      host.flock(host.open(path, 0), 2);
      try {
        host.flock(host.open(path, 0), 2, 30);
      } catch (error) {
        host.nanosleep(50);
        return [(error as HostError).code, before === signals()];
      }
      return [];
    }, lockFile());
    deepEqual(status, ["ETIMEDOUT", true]);
  });
  it("tells a bad descriptor", () => {
    equal(
      thrownOnHost((host) => host.flock(99, 2, 100))?.message,
      "flock: EBADF: bad file descriptor",
    );
  });
});

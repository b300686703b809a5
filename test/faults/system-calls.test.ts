import { deepEqual } from "node:assert/strict";
import { stepsOf } from "./system-calls.ts";

describe("stepsOf", () => {
  it("counts by name, and leaves out what strace itself starts", () => {
    const trace = `execve("/bin/bridge", ["bridge"], 0x7ffc) = 0
open("/run/a", O_RDONLY)    = 3
getpid()                = 7
open("/run/b", O_RDONLY)    = -1 ENOENT (No such file or directory)
`;
    deepEqual(
      stepsOf(trace, "program").map(({ name, occurrence }) => `${name} ${occurrence}`),
      ["open 1", "getpid 1", "open 2"],
    );
  });

  it("tells what a close is of, when a number of a file came to a pipe", () => {
    const trace = `execve("/bin/bridge", ["bridge"], 0x7ffc) = 0
open("/run/netloom/lock", O_RDONLY) = 5
read(5, "12345", 65536)     = 5
close(5)                = 0
pipe2([5, 6], O_CLOEXEC)    = 0
close(5)                = 0
`;
    const closes = stepsOf(trace, "program").filter(({ name }) => name === "close");
    deepEqual(
      closes.map(({ text }) => text),
      ['5) = 0 of open("/run/netloom/lock", O_RDONLY) = 5', "5) = 0 of a pipe"],
    );
  });
});

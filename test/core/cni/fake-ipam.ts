/**
 * An IPAM program of a test: writes down how it was called, and answers what the test wants.
 * @module
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

/** One execution, in the order in which they began. */
export interface FakeCall {
  command: string;
  stdin: string;
  /** `NAME=value` each, as execve(2) was given them. */
  env: string[];
  /** Descriptors but the shell's own. */
  fds: string[];
  /** Identity of its network namespace. */
  netns: string;
  cwd: string;
}

/** The program, at `<folder>/fake`. */
export class FakeIpam {
  readonly folder: string;

  /** Makes the folder and the program. */
  constructor(folder: string) {
    this.folder = folder;
    mkdirSync(join(folder, "calls"), { recursive: true });
    writeFileSync(join(folder, "fake"), program(folder));
    chmodSync(join(folder, "fake"), 0o755);
    this.answers("ADD", `echo '{"cniVersion":"1.1.0","ips":[{"address":"10.9.0.2/24"}]}'`);
  }

  /** What it does for a command, in bash. */
  answers(command: string, script: string): void {
    writeFileSync(join(this.folder, `on-${command}`), script);
  }

  /** How it was called until now. */
  calls(): FakeCall[] {
    const folder = join(this.folder, "calls");
    const text = (call: string, name: string) => readFileSync(join(folder, call, name), "utf8");
    const lines = (call: string, name: string) => text(call, name).trim().split("\n");
    return readdirSync(folder)
      .sort()
      .map((call) => ({
        command: text(call, "command").trim(),
        stdin: text(call, "stdin"),
        env: text(call, "environ").split("\0").slice(0, -1),
        fds: lines(call, "fds").filter((fd) => fd !== "255"),
        netns: text(call, "netns").trim(),
        cwd: text(call, "cwd").trim(),
      }));
  }

  /** True when the test's script made that file. */
  has(name: string): boolean {
    return existsSync(join(this.folder, name));
  }
}

function program(folder: string): string {
  return `#!/bin/bash
cd / || exit 9
D=${folder} N=$(/bin/date +%s%N)
/bin/mkdir $D/calls/$N
C=$D/calls/$N
/bin/cat > $C/stdin
echo "$CNI_COMMAND" > $C/command
/bin/cat /proc/$$/environ > $C/environ
/bin/ls /proc/$$/fd > $C/fds
/bin/readlink /proc/$$/ns/net > $C/netns
echo "$OLDPWD" > $C/cwd
if [ -e $D/on-$CNI_COMMAND ]; then . $D/on-$CNI_COMMAND; fi
`;
}

import { deepEqual, equal } from "node:assert/strict";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, temporaryFolder, thrownOnHost } from "../program.ts";

describeKernel("namespaces", () => {
  after(removeFolders);

  it("unshare leaves, setns returns", () => {
    const told = onHost((host) => {
      const name = () => host.readlink("/proc/self/ns/net");
      const [home, before] = [host.open("/proc/self/ns/net", 0), name()];
      host.unshare(0x40000000);
      const links = host.readdir("/sys/class/net").length;
      const away = name();
      host.setns(home, 0x40000000);
      return [before !== away, before === name(), links > 0];
    });
    deepEqual(told, [true, true, true]);
  });
  it("setns refuses what is no namespace", () => {
    equal(
      thrownOnHost((host) => host.setns(host.open("/etc/passwd", 0), 0x40000000))?.message,
      "setns: EINVAL: invalid argument",
    );
  });
  it("unshare refuses flags that are none", () => {
    equal(thrownOnHost((host) => host.unshare(1))?.message, "unshare: EINVAL: invalid argument");
  });
});

describeKernel("mounts", () => {
  after(removeFolders);

  it("mount, bind and umount2", () => {
    const told = onHost((host, folder) => {
      host.unshare(0x00020000);
      host.mount("", "/", "", (1 << 18) | (1 << 14), "");
      host.mount("tmpfs", folder, "tmpfs", 0, "mode=0711,size=1m");
      const mode = host.stat(folder).mode & 0o7777;
      host.mkdir(`${folder}/bound`, 0o700);
      host.mount("/proc/self/ns", `${folder}/bound`, "", 4096, "");
      const bound = host.readdir(`${folder}/bound`).includes("net");
      host.umount2(`${folder}/bound`, 2);
      return [mode, bound, host.readdir(`${folder}/bound`)];
    }, temporaryFolder());
    deepEqual(told, [0o711, true, []]);
  });
  it("name the target when they fail", () => {
    equal(
      thrownOnHost((host) => host.mount("x", "/none", "tmpfs", 0, ""))?.message,
      'mount "/none": ENOENT: no such file or directory',
    );
    equal(
      thrownOnHost((host) => host.umount2("/etc", 0))?.message,
      'umount2 "/etc": EINVAL: invalid argument',
    );
  });
});

import { deepEqual, equal } from "node:assert/strict";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { describeKernel } from "../../kernel/requirements.ts";
import { onHost, removeFolders, temporaryFolder, thrownOnHost } from "../program.ts";

describeKernel("names in directories", () => {
  after(removeFolders);

  it("rename replaces", () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/a`, "new");
    writeFileSync(`${folder}/b`, "old");
    onHost((host, folder) => host.rename(`${folder}/a`, `${folder}/b`), folder);
    deepEqual([readdirSync(folder), readFileSync(`${folder}/b`, "utf8")], [["b"], "new"]);
  });
  it("linkat names a file made with O_TMPFILE", () => {
    const folder = temporaryFolder();
    const second = onHost((host, folder) => {
      const fd = host.open(folder, 0o20200001, 0o600);
      host.write(fd, new Uint8Array([104, 105]));
      host.linkat(fd, `${folder}/named`);
      try {
        host.linkat(fd, `${folder}/named`);
        return "";
      } catch (error) {
        return (error as Error).message.replace(folder, "");
      }
    }, folder);
    deepEqual(
      [readFileSync(`${folder}/named`, "utf8"), second],
      ["hi", 'linkat "/named": EEXIST: file exists'],
    );
  });
  it("linkat works without the capability to", () => {
    const folder = temporaryFolder();
    const through = ["setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-dac_read_search"];
    onHost(
      (host, folder) => host.linkat(host.open(folder, 0o20200001, 0o600), `${folder}/x`),
      folder,
      { through },
    );
    deepEqual(readdirSync(folder), ["x"]);
  });
  it("unlink, mkdir and rmdir", () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/file`, "");
    mkdirSync(`${folder}/old`);
    onHost((host, folder) => {
      host.unlink(`${folder}/file`);
      host.mkdir(`${folder}/new`, 0o700);
      host.rmdir(`${folder}/old`);
    }, folder);
    deepEqual([readdirSync(folder), lstatSync(`${folder}/new`).mode & 0o777], [["new"], 0o700]);
  });
  it("readdir lists many, and neither . nor ..", () => {
    const folder = temporaryFolder();
    const names = Array.from({ length: 2000 }, (_, i) => `name-of-some-length-${i}`);
    for (const name of names) writeFileSync(`${folder}/${name}`, "");
    deepEqual(
      onHost((host, folder) => host.readdir(folder).sort(), folder),
      names.sort(),
    );
  });
  it("readdir leaves no descriptor open", () => {
    const [before, after] = onHost((host) =>
      [0, 1].map(() => host.readdir("/proc/self/fd").length),
    ) as [number, number];
    equal(before, after);
  });
  it("symlink and readlink", () => {
    const folder = temporaryFolder();
    const target = "x/".repeat(1500);
    equal(
      onHost(
        (host, { folder, target }) => {
          host.symlink(target, `${folder}/link`);
          return host.readlink(`${folder}/link`) === target;
        },
        { folder, target },
      ),
      true,
    );
    equal(readlinkSync(`${folder}/link`), target);
  });

  const failures: [string, (host: Host, folder: string) => unknown, string][] = [
    [
      "rename",
      (host, folder) => host.rename(`${folder}/none`, `${folder}/x`),
      'rename "/none": ENOENT: no such file or directory',
    ],
    ["unlink", (host, folder) => host.unlink(`${folder}`), 'unlink "": EISDIR: is a directory'],
    ["mkdir", (host, folder) => host.mkdir(folder, 0o700), 'mkdir "": EEXIST: file exists'],
    [
      "rmdir",
      (host, folder) => host.rmdir(`${folder}/full`),
      'rmdir "/full": ENOTEMPTY: directory not empty',
    ],
    [
      "readdir",
      (host, folder) => host.readdir(`${folder}/none`),
      'readdir "/none": ENOENT: no such file or directory',
    ],
    [
      "symlink",
      (host, folder) => host.symlink("x", `${folder}/full`),
      'symlink "/full": EEXIST: file exists',
    ],
    [
      "readlink",
      (host, folder) => host.readlink(`${folder}/full`),
      'readlink "/full": EINVAL: invalid argument',
    ],
    [
      "linkat",
      (host, folder) => host.linkat(99, `${folder}/x`),
      'linkat "/x": EBADF: bad file descriptor',
    ],
  ];
  for (const [name, body, message] of failures) {
    it(`${name} tells its path when it fails`, () => {
      const folder = temporaryFolder();
      mkdirSync(`${folder}/full/inside`, { recursive: true });
      symlinkSync("x", `${folder}/link`);
      const thrown = thrownOnHost(body, folder);
      equal(thrown?.message.replaceAll(folder, ""), message);
    });
  }
});
